// SPDX-License-Identifier: GPL-2.0

//! Sends values to a thread from two other threads, and from timer interrupts on their CPUs.

use crate::rng::Rng;
use kernel::{
    cpu::CpuId,
    impl_has_hr_timer,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc,
        ArcBorrow, //
    },
    time::{
        hrtimer::{
            HrTimer,
            HrTimerCallback,
            HrTimerCallbackContext,
            HrTimerPointer,
            HrTimerRestart,
            RelativePinnedHardMode, //
        },
        Delta,
        Monotonic, //
    },
};
use kthread::{
    new_mailbox,
    Current,
    Exit,
    Mailbox, //
};

const NAME: &str = "send";

/// Values in a round.
const ROUND: u32 = 10;

const SENDERS: u32 = 4;

/// How many values a sender sends in a row, unless there is no room.
const BURST: u32 = 24;

/// How often each timer fires.
const PERIOD: Delta = Delta::from_micros(100);

/// How long it may be until the next value comes.
const STUCK: Delta = Delta::from_secs(20);

/// Little room, so that it is full every now and then.
type Inbox = Mailbox<Value, 32>;

struct Value {
    sender: u32,
    number: u32,
}

/// Who sends the values `0..total`, in this order.
struct Sender {
    inbox: Arc<Inbox>,
    id: u32,
    next: Atomic<u32>,
    total: u32,
    refused: Atomic<u32>,
}

impl Sender {
    fn new(inbox: &Arc<Inbox>, id: u32, rounds: u32) -> Self {
        Self {
            inbox: inbox.clone(),
            id,
            next: Atomic::new(0),
            total: total_of(id, rounds),
            refused: Atomic::new(0),
        }
    }

    /// Sends some values; the one that finds no room comes first the next time. Says whether there
    /// are more.
    fn send_some(&self) -> bool {
        let first = self.next.load(Relaxed);
        for number in first..self.total.min(first + BURST) {
            let sender = self.id;
            if self.inbox.send(Value { sender, number }).is_err() {
                self.refused.fetch_add(1, Relaxed);
                break;
            }
            self.next.store(number + 1, Relaxed);
        }
        self.next.load(Relaxed) < self.total
    }
}

/// How many values a sender sends.
fn total_of(id: u32, rounds: u32) -> u32 {
    (rounds * ROUND + id) / SENDERS
}

#[pin_data]
struct Interrupt {
    #[pin]
    timer: HrTimer<Self>,
    sender: Sender,
}

impl HrTimerCallback for Interrupt {
    type Pointer<'a> = Arc<Self>;

    fn run(
        this: ArcBorrow<'_, Self>,
        mut timer: HrTimerCallbackContext<'_, Self>,
    ) -> HrTimerRestart {
        if !this.sender.send_some() {
            return HrTimerRestart::NoRestart;
        }
        timer.forward_now(PERIOD);
        HrTimerRestart::Restart
    }
}

impl_has_hr_timer! {
    impl HasHrTimer<Self> for Interrupt {
        mode: RelativePinnedHardMode<Monotonic>, field: self.timer
    }
}

pub(crate) fn run(rounds: u32, seed: u64) -> Result {
    if rounds == 0 {
        return Ok(());
    }
    let inbox = Arc::pin_init(new_mailbox!("inbox"), GFP_KERNEL)?;
    let refused = Atomic::new(0);
    kthread::scope(|scope| -> Result {
        let (inbox, refused) = (&inbox, &refused);
        let receiver =
            kthread::builder!("receiver")?.run_scoped(scope, |cx| receive(&cx, inbox, rounds))?;
        for number in 0..SENDERS / 2 {
            let mut plan = kthread::builder!("sender/{}", number)?;
            if let Some(cpu) = CpuId::from_u32(number) {
                plan = plan.bind(cpu);
            }
            let thread = plan.run_scoped(scope, move |cx| -> Result {
                let rng = Rng::new(seed, number.into());
                refused.fetch_add(send(&cx, inbox, number, rounds, rng)?, Full);
                Ok(())
            })?;
            // The scope joins it, when all values have come or the receiver gave up.
            core::mem::forget(thread);
        }
        match receiver.join()? {
            Exit::Returned(result) => result,
            _ => Err(EIO),
        }
    })?;
    pr_info!("send: {} times no room\n", refused.load(Relaxed));
    ensure!(
        inbox.receiver()?.close().next().is_none(),
        "send: there are more values than were sent\n"
    );
    Ok(())
}

/// Sends values of its own, and others by a timer that interrupts it; returns how often there was
/// no room.
fn send(
    cx: &Current<'_>,
    inbox: &Arc<Inbox>,
    number: u32,
    rounds: u32,
    mut rng: Rng,
) -> Result<u32> {
    let interrupt = Arc::pin_init(
        pin_init!(Interrupt {
            timer <- HrTimer::new(),
            sender: Sender::new(inbox, number + SENDERS / 2, rounds),
        }),
        GFP_KERNEL,
    )?;
    let timer = interrupt.clone().start(PERIOD);
    let sender = Sender::new(inbox, number, rounds);
    while sender.send_some() && cx.sleep(rng.delay()).is_ok() {}
    // Until the timer has sent all, or the receiver gave up.
    while interrupt.sender.next.load(Relaxed) < interrupt.sender.total
        && cx.sleep(Delta::from_millis(1)).is_ok()
    {}
    drop(timer);
    Ok(sender.refused.load(Relaxed) + interrupt.sender.refused.load(Relaxed))
}

/// Receives all values, and checks that none is lost, none comes twice, and those of each sender
/// come in order.
fn receive(cx: &Current<'_>, inbox: &Inbox, rounds: u32) -> Result {
    let mut receiver = inbox.receiver()?;
    let mut next = [0; SENDERS as usize];
    let mut batches = 0;
    let mut done = 0;
    while done < rounds * ROUND {
        let before = done;
        for Value { sender, number } in receiver.receive_timeout(cx, STUCK)? {
            // CAST: A small number.
            let expected = next.get_mut(sender as usize).ok_or(EINVAL)?;
            ensure!(
                number == *expected,
                "send: {} came from sender {}, instead of {}\n",
                number,
                sender,
                *expected
            );
            *expected += 1;
            done += 1;
            if done.checked_rem(ROUND * rounds.div_ceil(10)) == Some(0) || done == rounds * ROUND {
                pr_info!("{}: {} of {} rounds\n", NAME, done / ROUND, rounds);
            }
        }
        if done == before {
            // The marks make it an alarm.
            pr_err!("{}: stuck after {} rounds !!!\n", NAME, done / ROUND);
            return Err(ETIMEDOUT);
        }
        batches += 1;
    }
    pr_info!("send: {} values in {} batches\n", done, batches);
    Ok(())
}
