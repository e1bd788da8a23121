// SPDX-License-Identifier: GPL-2.0

//! Sends values to a thread.

use crate::{
    producers::{
        self,
        share,
        Producer,
        PRODUCERS,
        ROUND, //
    },
    progress::Progress, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
};
use kthread::{
    new_mailbox,
    Current,
    Mailbox, //
};

/// How many values a sender sends in a row, unless there is no room.
const BURST: u32 = 24;

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
    fn new(inbox: &Arc<Inbox>, id: u32, total: u32) -> Self {
        Self {
            inbox: inbox.clone(),
            id,
            next: Atomic::new(0),
            total: share(id, total),
            refused: Atomic::new(0),
        }
    }
}

impl Producer for Sender {
    /// The value that finds no room comes first the next time.
    fn produce(&self) {
        let first = self.next.load(Relaxed);
        for number in first..self.total.min(first + BURST) {
            let sender = self.id;
            if self.inbox.send(Value { sender, number }).is_err() {
                self.refused.fetch_add(1, Relaxed);
                break;
            }
            self.next.store(number + 1, Relaxed);
        }
    }

    fn has_more(&self) -> bool {
        self.next.load(Relaxed) < self.total
    }
}

pub(crate) fn run(rounds: u32, seed: u64) -> Result {
    if rounds == 0 {
        return Ok(());
    }
    let inbox = Arc::pin_init(new_mailbox!("inbox"), GFP_KERNEL)?;
    let senders = producers::make(|id| Ok(Sender::new(&inbox, id, rounds * ROUND)))?;
    let progress = Progress::new("send", rounds);
    kthread::scope(|scope| -> Result {
        let (inbox, progress) = (&inbox, &progress);
        let receiver =
            kthread::builder!("receiver")?.run_scoped(scope, |cx| receive(&cx, inbox, progress))?;
        // Joined when all values have come or the receiver gave up.
        let _threads = producers::start(&senders, seed)?;
        progress.finish(receiver)
    })?;
    let refused: u32 = senders
        .iter()
        .map(|sender| sender.refused.load(Relaxed))
        .sum();
    pr_info!("send: {} times no room\n", refused);
    ensure!(
        inbox.receiver()?.close().next().is_none(),
        "send: there are more values than were sent\n"
    );
    Ok(())
}

/// Receives all values, and checks that none is lost, none comes twice, and those of each sender
/// come in order.
fn receive(cx: &Current<'_>, inbox: &Inbox, progress: &Progress) -> Result {
    let mut receiver = inbox.receiver()?;
    let mut next = [0; PRODUCERS as usize];
    let mut batches = 0;
    let mut done = 0;
    while done < progress.total * ROUND {
        for Value { sender, number } in receiver.receive(cx)? {
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
            if done % ROUND == 0 {
                progress.add_one();
            }
        }
        batches += 1;
    }
    pr_info!("send: {} values in {} batches\n", done, batches);
    Ok(())
}
