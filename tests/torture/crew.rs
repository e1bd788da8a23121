// SPDX-License-Identifier: GPL-2.0

//! Four threads, most often each on a CPU of its own, that share the rounds of a scenario.

use crate::rng::Rng;
use kernel::{
    cpu::CpuId,
    prelude::*,
    sync::atomic::{
        Atomic,
        Full,
        Relaxed, //
    },
    time::{
        Delta,
        Instant,
        Monotonic, //
    },
};
use kthread::{
    Current,
    Exit,
    Policy,
    Task, //
};

const WORKERS: u32 = 4;

/// How long all workers together may take for one round.
const STUCK: Delta = Delta::from_secs(20);

struct Rounds {
    name: &'static str,
    total: u32,
    begun: Atomic<u32>,
    done: Atomic<u32>,
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
            let done = rounds.done.fetch_add(1, Full) + 1;
            if done.checked_rem(rounds.total.div_ceil(10)) == Some(0) || done == rounds.total {
                pr_info!("{}: {} of {} rounds\n", rounds.name, done, rounds.total);
            }
        }
        self.works = !self.cx.should_stop()
            && rounds.failed.load(Relaxed) == 0
            && rounds.begun.fetch_add(1, Full) < rounds.total;
        self.works
    }

    fn run(&mut self, work: impl Fn(&mut Self) -> Result) -> Result {
        let result = work(self);
        if let Err(error) = result {
            let rounds = self.rounds;
            rounds.failed.fetch_add(1, Full);
            let done = rounds.done.load(Relaxed);
            pr_err!("{}: {:?} after {} rounds\n", rounds.name, error, done);
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
        name,
        total,
        begun: Atomic::new(0),
        done: Atomic::new(0),
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
            finish(worker, rounds)?;
        }
        Ok(())
    })?;
    ensure!(
        rounds.done.load(Relaxed) == total,
        "{}: only {} rounds were done\n",
        name,
        rounds.done.load(Relaxed)
    );
    Ok(())
}

/// Joins a worker, and complains for as long as it takes if nobody gets on.
fn finish(mut worker: Task<Result>, rounds: &Rounds) -> Result {
    let mut seen = rounds.done.load(Relaxed);
    let mut since = Instant::<Monotonic>::now();
    loop {
        worker = match worker.join_timeout(Delta::from_secs(1)) {
            Ok(Exit::Returned(result)) => return result,
            Ok(_) => return Err(EIO),
            Err(worker) => worker,
        };
        let done = rounds.done.load(Relaxed);
        if done != seen {
            (seen, since) = (done, Instant::now());
        } else if since.elapsed() > STUCK {
            // The marks make it an alarm.
            pr_err!("{}: stuck after {} rounds !!!\n", rounds.name, done);
            since = Instant::now();
        }
    }
}
