// SPDX-License-Identifier: GPL-2.0

//! Parks threads that end at random moments.

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
    },
    time::Delta, //
};
use kthread::{
    Current,
    Exit,
    State,
    Task, //
};

/// The most steps that a thread takes.
const STEPS: u32 = 40;

pub(crate) fn run(rounds: u32, seed: u64) -> Result {
    crew::run("park", rounds, seed, |worker| {
        let mut walker = None;
        worker.each_round(|worker| one_round(&mut worker.rng, &mut walker))?;
        walker.map_or(Ok(()), |mut walker| {
            walker.stopped = true;
            Row::RequestStop.call(|| walker.task.request_stop());
            walker.finish()
        })
    })
}

/// Parks the thread that is left from the last round, or a new one.
fn one_round(rng: &mut Rng, walker: &mut Option<Walker>) -> Result {
    let mut current = match walker.take() {
        Some(walker) => walker,
        None => Walker::start(rng)?,
    };
    if current.park(rng)? {
        *walker = Some(current);
        Ok(())
    } else {
        current.finish()
    }
}

/// A thread that takes steps, and counts them.
struct Walker {
    task: Task<u32>,
    steps: Arc<Atomic<u32>>,
    limit: u32,
    stopped: bool,
}

impl Walker {
    fn start(rng: &mut Rng) -> Result<Self> {
        let steps = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let limit = rng.below(STEPS);
        let seed = rng.next();
        let task = Row::Run.attempt(|| {
            kthread::run!("torture/walker", {
                let steps = steps.clone();
                move |cx| walk(&cx, &steps, limit, seed)
            })
        })?;
        Ok(Self {
            task,
            steps,
            limit,
            stopped: false,
        })
    }

    /// Parks the thread once; says whether it may still go on.
    fn park(&mut self, rng: &mut Rng) -> Result<bool> {
        rng.pause();
        let timed = rng.one_in(8);
        let parked = if timed {
            Row::ParkTimeout.attempt(|| self.task.park_timeout(rng.delay()))
        } else {
            Row::Park.attempt(|| self.task.park())
        };
        match parked {
            Ok(guard) => {
                let before = self.steps.load(Relaxed);
                rng.pause();
                let state = self.task.state();
                let after = self.steps.load(Relaxed);
                if rng.one_in(16) {
                    Row::RequestStop.call(|| self.task.request_stop());
                    self.stopped = true;
                    rng.pause();
                }
                Row::Unpark.call(|| drop(guard));
                ensure!(before == after, "park: a parked thread went on\n");
                // A thread that was parked before its first turn counts as one not started.
                ensure!(
                    matches!(state, State::Parked | State::Created),
                    "park: a parked thread is {}\n",
                    state
                );
                Ok(true)
            }
            Err(error) if error == ESRCH => Ok(false),
            Err(error) if error == ETIMEDOUT && timed => Ok(true),
            Err(error) => {
                pr_err!("park: fails with {:?}\n", error);
                Err(error)
            }
        }
    }

    /// Joins a thread that has ended, or was asked to stop.
    fn finish(self) -> Result {
        let exit = match Row::JoinTimeout.attempt(|| self.task.join_timeout(STUCK)) {
            Ok(exit) => exit,
            Err(_task) => {
                pr_err!("park: a thread that cannot be parked does not end\n");
                return Err(ETIMEDOUT);
            }
        };
        let taken = self.steps.load(Relaxed);
        let expected = match exit {
            Exit::Returned(steps) => steps == taken && (self.stopped || steps == self.limit),
            Exit::NeverRan => self.stopped && taken == 0,
            Exit::Crashed => false,
        };
        ensure!(
            expected,
            "park: a thread took {} of {} steps\n",
            taken,
            self.limit
        );
        Ok(())
    }
}

/// Takes steps until there were enough, or a stop is asked for; returns how many.
fn walk(cx: &Current<'_>, steps: &Atomic<u32>, limit: u32, seed: u64) -> u32 {
    let mut rng = Rng::new(seed, 0);
    let mut taken = 0;
    while taken < limit && !cx.should_stop() {
        taken += 1;
        steps.fetch_add(1, Full);
        match rng.below(4) {
            // Only a stop ends it, but it can be parked many times.
            0 if rng.one_in(16) => {
                let _ = cx.sleep(Delta::from_secs(3600));
            }
            0 => cx.park_point(),
            1 => cx.cond_resched(),
            2 => {
                let _ = cx.sleep(Delta::ZERO);
            }
            _ => {
                let _ = cx.sleep(rng.delay());
            }
        }
    }
    taken
}
