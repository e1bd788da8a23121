// SPDX-License-Identifier: GPL-2.0

//! Four threads, most often each on a CPU of its own, that share the rounds of a scenario.

use crate::{
    rng::Rng,
    table::Row, //
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
    Exit,
    Policy,
    Task, //
};

const WORKERS: u32 = 4;

struct Rounds {
    total: u32,
    begun: Atomic<u32>,
    done: Atomic<u32>,
    failed: Atomic<u32>,
}

/// What a thread of the crew works with.
pub(crate) struct Worker<'a> {
    rounds: &'a Rounds,
    pub(crate) cx: Current<'a>,
    pub(crate) rng: Rng,
}

impl Worker<'_> {
    /// Takes part in the rounds until there are no more. One may fail if memory is short.
    pub(crate) fn each_round(&mut self, mut round: impl FnMut(&mut Self) -> Result) -> Result {
        let rounds = self.rounds;
        while !self.cx.should_stop()
            && rounds.failed.load(Relaxed) == 0
            && rounds.begun.fetch_add(1, Full) < rounds.total
        {
            round(self).or_else(no_memory_is_fine)?;
            rounds.done.fetch_add(1, Full);
        }
        Ok(())
    }

    fn run(&mut self, work: impl Fn(&mut Self) -> Result) -> Result {
        let result = work(self);
        if result.is_err() {
            self.rounds.failed.fetch_add(1, Full);
        }
        result
    }
}

/// What is given up for want of memory is no mistake.
pub(crate) fn no_memory_is_fine(error: Error) -> Result {
    if error == ENOMEM {
        Row::Starved.add(1);
        Ok(())
    } else {
        Err(error)
    }
}

/// Has each of four threads do `work`, which is to take part in the rounds.
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
                Worker { rounds, cx, rng }.run(work)
            })?;
            workers.push(worker, GFP_KERNEL)?;
        }
        for worker in workers {
            finish(name, worker)?;
        }
        Ok(())
    })?;
    let done = rounds.done.load(Relaxed);
    ensure!(
        done == total,
        "{}: {} of {} rounds were done\n",
        name,
        done,
        total
    );
    Ok(())
}

/// Joins a thread, and says so if it failed.
pub(crate) fn finish(name: &str, task: Task<Result>) -> Result {
    result_of(name, task.join()?)
}

/// What a thread has returned; says so if it is a failure.
pub(crate) fn result_of(name: &str, exit: Exit<Result>) -> Result {
    let result = match exit {
        Exit::Returned(result) => result,
        _ => Err(EIO),
    };
    result.inspect_err(|error| {
        if *error != ENOMEM {
            pr_err!("{}: {:?}\n", name, error);
        }
    })
}
