// SPDX-License-Identifier: GPL-2.0

//! Four threads, most often each on a CPU of its own, that share the rounds of a scenario.

use crate::{
    progress::Progress,
    rng::Rng, //
};
use kernel::{
    cpu::CpuId,
    prelude::*,
    sync::atomic::{
        Atomic,
        Full,
        Relaxed, //
    },
};
use kthread::{
    Current,
    Policy, //
};

const WORKERS: u32 = 4;

struct Rounds {
    progress: Progress,
    begun: Atomic<u32>,
    failed: Atomic<u32>,
}

/// What a thread of the crew works with.
pub(crate) struct Worker<'a> {
    rounds: &'a Rounds,
    cx: Current<'a>,
    works: bool,
    pub(crate) rng: Rng,
}

impl Worker<'_> {
    /// Says whether there is one more round, and that the last one is done.
    pub(crate) fn next_round(&mut self) -> bool {
        let rounds = self.rounds;
        if self.works {
            rounds.progress.add_one();
        }
        self.works = !self.cx.should_stop()
            && rounds.failed.load(Relaxed) == 0
            && rounds.begun.fetch_add(1, Full) < rounds.progress.total;
        self.works
    }

    fn run(&mut self, work: impl Fn(&mut Self) -> Result) -> Result {
        let result = work(self);
        if result.is_err() {
            self.rounds.failed.fetch_add(1, Full);
        }
        result
    }
}

/// Has each of four threads do `work`, which is to take rounds until there are no more.
pub(crate) fn run<F>(name: &'static str, total: u32, seed: u64, work: F) -> Result
where
    F: Fn(&mut Worker<'_>) -> Result + Sync,
{
    run_on(WORKERS, None, name, total, seed, work)
}

/// Does what [`run`] does, on so many CPUs; with a policy, unless it is `None`.
pub(crate) fn run_on<F>(
    cpus: u32,
    policy: Option<Policy>,
    name: &'static str,
    total: u32,
    seed: u64,
    work: F,
) -> Result
where
    F: Fn(&mut Worker<'_>) -> Result + Sync,
{
    let rounds = Rounds {
        progress: Progress::new(name, total),
        begun: Atomic::new(0),
        failed: Atomic::new(0),
    };
    kthread::scope(|scope| -> Result {
        let (rounds, work) = (&rounds, &work);
        let mut workers = KVec::new();
        for number in 0..WORKERS {
            let mut plan = kthread::builder!("{}/{}", name, number)?;
            if let Some(cpu) = CpuId::from_u32(number % cpus) {
                plan = plan.bind(cpu);
            }
            if let Some(policy) = policy {
                plan = plan.policy(policy);
            }
            let worker = plan.run_scoped(scope, move |cx| {
                let rng = Rng::new(seed, number.into());
                let works = false;
                Worker {
                    rounds,
                    cx,
                    works,
                    rng,
                }
                .run(work)
            })?;
            workers.push(worker, GFP_KERNEL)?;
        }
        for worker in workers {
            rounds.progress.finish(worker)?;
        }
        Ok(())
    })?;
    ensure!(
        rounds.progress.done() == total,
        "{}: only {} rounds were done\n",
        name,
        rounds.progress.done()
    );
    Ok(())
}
