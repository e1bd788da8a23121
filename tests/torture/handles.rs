// SPDX-License-Identifier: GPL-2.0

//! Uses handles that others use at the same time.

use crate::{
    crew,
    fate::{
        Fate,
        Probe,
        Totals, //
    },
    rng::Rng,
    table::Row, //
};
use kernel::{
    cpu::{
        nr_cpu_ids,
        CpuId, //
    },
    cpumask::CpumaskVar,
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    time::Delta, //
};
use kthread::{
    Current,
    Exit,
    Nice,
    Policy,
    State,
    StopToken,
    Task, //
};

const NAME: &str = "handle";

/// How many threads there are of each kind: few, so that workers meet.
const SLOTS: u32 = 2;

/// Threads that all workers can get at.
#[pin_data]
struct Slot {
    /// Whoever drops the last reference joins.
    #[pin]
    shared: Mutex<Option<Arc<Task<Probe>>>>,
    /// Whoever takes it joins.
    #[pin]
    owned: Mutex<Option<Task<Probe>>>,
    /// Of one of the two, which may be gone by now.
    #[pin]
    token: Mutex<Option<StopToken>>,
}

impl Slot {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                shared <- new_mutex!(None),
                owned <- new_mutex!(None),
                token <- new_mutex!(None),
            }),
            GFP_KERNEL,
        )
    }
}

pub(crate) fn run(rounds: u32, seed: u64) -> Result {
    let totals = Totals::new()?;
    let mut slots = KVec::new();
    for _ in 0..SLOTS {
        slots.push(Slot::new()?, GFP_KERNEL)?;
    }
    crew::run(NAME, rounds, seed, |worker| {
        worker.each_round(|worker| one_round(&slots, &mut worker.rng, &totals))
    })?;
    drop(slots);
    totals.check(NAME)
}

fn one_round(slots: &[Arc<Slot>], rng: &mut Rng, totals: &Arc<Totals>) -> Result {
    // CAST: A small number.
    let slot = &slots[rng.below(SLOTS) as usize];
    match rng.below(8) {
        0 => {
            let token = slot.token.lock().clone();
            rng.pause();
            if let Some(token) = token {
                Row::RequestStop.call(|| token.request_stop());
            }
            Ok(())
        }
        1..=4 => use_shared(slot, rng, totals),
        _ => use_owned(slot, rng, totals),
    }
}

/// Uses a handle, of which others may have a reference, too.
fn use_shared(slot: &Slot, rng: &mut Rng, totals: &Arc<Totals>) -> Result {
    let mut shared = slot.shared.lock();
    let task = match shared.take() {
        Some(task) => task,
        None => Arc::new(start(rng, totals)?, GFP_KERNEL)?,
    };
    // Every so often it is not put back.
    if !rng.one_in(16) {
        *shared = Some(task.clone());
    }
    drop(shared);
    for _ in 0..1 + rng.below(4) {
        rng.pause();
        use_task(&task, slot, rng)?;
    }
    rng.pause();
    // Maybe the last reference.
    Row::Drop.call(|| drop(task));
    Ok(())
}

/// Uses a handle that is passed around.
fn use_owned(slot: &Slot, rng: &mut Rng, totals: &Arc<Totals>) -> Result {
    let mut owned = slot.owned.lock();
    let task = match owned.take() {
        Some(task) => task,
        None => start(rng, totals)?,
    };
    use_task(&task, slot, rng)?;
    if !rng.one_in(4) {
        *owned = Some(task);
        return Ok(());
    }
    drop(owned);
    rng.pause();
    let exit = match rng.below(4) {
        0 => {
            Row::Drop.call(|| drop(task));
            return Ok(());
        }
        1 => Row::Join.attempt(|| task.join())?,
        2 => match Row::JoinTimeout.attempt(|| task.join_timeout(rng.delay())) {
            Ok(exit) => exit,
            Err(task) => Row::Stop.attempt(|| task.stop())?,
        },
        _ => Row::Stop.attempt(|| task.stop())?,
    };
    ensure!(exit_is_good(&exit), "handle: a thread crashed\n");
    Ok(())
}

fn exit_is_good(exit: &Exit<Probe>) -> bool {
    !matches!(exit, Exit::Crashed)
}

/// Does one of all the things that a reference to a handle is good for.
fn use_task(task: &Task<Probe>, slot: &Slot, rng: &mut Rng) -> Result {
    match rng.below(12) {
        0 | 1 => {
            let timed = rng.one_in(4);
            let parked = if timed {
                Row::ParkTimeout.attempt(|| task.park_timeout(rng.delay()))
            } else {
                Row::Park.attempt(|| task.park())
            };
            match parked {
                Ok(guard) => {
                    rng.pause();
                    Row::Unpark.call(|| drop(guard));
                }
                Err(error) => ensure!(
                    [ESRCH, EBUSY].contains(&error) || timed && error == ETIMEDOUT,
                    "handle: parking fails with {:?}\n",
                    error
                ),
            }
        }
        2 => Row::WakeUp.call(|| task.wake_up()),
        3 => {
            Row::Look.add(1);
            let ended = task.is_finished();
            let state = task.state();
            ensure!(
                !ended || state == State::Ended,
                "handle: a thread that has ended is {}\n",
                state
            );
        }
        4 if rng.one_in(4) => Row::RequestStop.call(|| task.request_stop()),
        4 | 5 => *slot.token.lock() = Some(task.stop_token()),
        6 => ensure!(
            task.name().to_bytes() == b"torture/%s" && task.pid() > 0,
            "handle: a thread has another's name\n"
        ),
        7 => ensure!(
            task.cpu() < nr_cpu_ids(),
            "handle: a thread is on CPU {}\n",
            task.cpu()
        ),
        8 | 9 => {
            let policy = match rng.below(4) {
                0 => Policy::FifoLow,
                1 => Policy::Fifo,
                2 => Policy::Normal(Nice::DEFAULT),
                _ => Policy::Normal(Nice::new(19)?),
            };
            Row::SetPolicy.attempt(|| task.set_policy(policy))?;
        }
        _ => {
            let mut cpus = CpumaskVar::new_zero(GFP_KERNEL)?;
            for cpu in [rng.below(4), rng.below(4)] {
                cpus.set(CpuId::from_u32(cpu).unwrap_or_else(CpuId::current));
            }
            // The CPUs may be offline.
            if let Err(error) = Row::SetAffinity.attempt(|| task.set_affinity(&cpus)) {
                ensure!(
                    [EINVAL, ENOMEM].contains(&error),
                    "handle: setting the affinity fails with {:?}\n",
                    error
                );
            }
        }
    }
    Ok(())
}

/// Starts a thread that ends at a random moment.
fn start(rng: &mut Rng, totals: &Arc<Totals>) -> Result<Task<Probe>> {
    let (_, probe) = Fate::new(totals)?;
    let seed = rng.next();
    let freezable = rng.one_in(2);
    let body = move |cx: Current<'_>| {
        probe.runs();
        let mut rng = Rng::new(seed, 0);
        for _ in 0..rng.below(100) {
            match rng.below(4) {
                0 => cx.park_point(),
                1 => cx.cond_resched(),
                _ => {
                    if cx
                        .sleep(if rng.one_in(4) {
                            Delta::ZERO
                        } else {
                            rng.delay()
                        })
                        .is_err()
                    {
                        break;
                    }
                }
            }
        }
        probe
    };
    Row::Run.attempt(|| {
        let mut plan = kthread::builder!("torture/{}", "%s")?;
        if freezable {
            plan = plan.freezable();
        }
        plan.run(body)
    })
}
