// SPDX-License-Identifier: GPL-2.0

//! Has several threads wait for what only one of them can take, and parks and stops them meanwhile.

use crate::{
    crew,
    rng::Rng,
    table::{
        Row,
        STUCK, //
    }, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc, //
    }, //
};
use kthread::{
    new_wait_queue,
    Current,
    Task,
    WaitQueue, //
};

/// How many threads take at a time, and how many things they are given.
const MOST: u32 = 3;

/// Where things are given and taken.
#[pin_data]
struct Counter {
    things: Atomic<u32>,
    /// Where those wait who take. As many are woken as things are given.
    #[pin]
    takers: WaitQueue,
    /// Where the one waits who gives.
    #[pin]
    giver: WaitQueue,
}

pub(crate) fn run(rounds: u32, seed: u64) -> Result {
    crew::run("take", rounds, seed, |worker| {
        let counter = Arc::pin_init(
            pin_init!(Counter {
                things: Atomic::new(0),
                takers <- new_wait_queue!(),
                giver <- new_wait_queue!(),
            }),
            GFP_KERNEL,
        )?;
        let mut takers = KVec::new();
        worker.each_round(|worker| one_round(&counter, &mut takers, &mut worker.rng))
    })
}

/// Does something to one of those who take, and gives something to all of them.
fn one_round(counter: &Arc<Counter>, takers: &mut KVec<Task<()>>, rng: &mut Rng) -> Result {
    // Not while there is something that another one was woken for.
    while takers.len() < MOST as usize {
        takers.push(start(counter, rng)?, GFP_KERNEL)?;
    }
    // CAST: A small number.
    let chosen = rng.below(MOST) as usize;
    let task = &takers[chosen];
    rng.pause();
    let action = rng.below(8);
    match action {
        0 | 1 => {
            let guard = Row::Park.attempt(|| task.park())?;
            rng.pause();
            Row::Unpark.call(|| drop(guard));
        }
        2 => Row::WakeUp.call(|| task.wake_up()),
        3 => Row::RequestStop.call(|| task.request_stop()),
        _ => {}
    }
    for _ in 0..1 + rng.below(MOST) {
        Row::Given.add(1);
        counter.things.fetch_add(1, Full);
        counter.takers.wake_one();
    }
    if action == 4 {
        Row::RequestStop.call(|| task.request_stop());
    }
    let taken = || (counter.things.load(Relaxed) == 0).then_some(());
    let in_time = Row::WaitTaken.call(|| counter.giver.wait_timeout(STUCK, taken));
    ensure!(
        in_time.is_some(),
        "take: {} things are left, and nobody takes them\n",
        counter.things.load(Relaxed)
    );
    if [3, 4].contains(&action) {
        let task = takers.remove(chosen)?;
        let _ = Row::Join.attempt(|| task.join())?;
    }
    Ok(())
}

/// Starts a thread that takes things until it is stopped.
fn start(counter: &Arc<Counter>, rng: &mut Rng) -> Result<Task<()>> {
    let (counter, seed) = (counter.clone(), rng.next());
    let body = move |cx: Current<'_>| {
        let mut rng = Rng::new(seed, 0);
        let take = || counter.take();
        while cx.wait_exclusive(&counter.takers, take).is_ok() {
            Row::Taken.add(1);
            rng.pause();
        }
    };
    Row::Run.attempt(|| kthread::run!("torture/taker", body))
}

impl Counter {
    /// Takes one thing, if there is one.
    fn take(&self) -> Option<()> {
        let mut things = self.things.load(Relaxed);
        while let Err(now) = self.things.cmpxchg(things, things.checked_sub(1)?, Full) {
            things = now;
        }
        if things == 1 {
            self.giver.wake_all();
        }
        Some(())
    }
}
