// SPDX-License-Identifier: GPL-2.0

//! Makes and stops threads in every way there is.

use crate::{
    crew,
    fate::{
        Fate,
        Probe,
        Totals, //
    },
    rng::Rng, //
};
use kernel::{
    bindings,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};
use kthread::{
    Current,
    Exit,
    Task, //
};

const NAME: &str = "spawn";

/// Longer than anything here takes.
const FOREVER: Delta = Delta::from_secs(3600);

/// What a closure returns.
struct Answer {
    number: u64,
    probe: Option<Probe>,
}

pub(crate) fn run(rounds: u32, seed: u64, module: &'static ThisModule) -> Result {
    if rounds == 0 {
        return Ok(());
    }
    let totals = Totals::new()?;
    let in_scopes = Atomic::new(0);
    let references = count_references(module);
    crew::run(NAME, rounds, seed, |worker| {
        while worker.next_round() {
            if worker.rng.one_in(8) {
                in_scopes.fetch_add(scoped(&mut worker.rng)?, Full);
            } else {
                owned(&mut worker.rng, &totals)?;
            }
        }
        Ok(())
    })?;
    pr_info!(
        "spawn: {} more threads in scopes\n",
        in_scopes.load(Relaxed)
    );
    totals.check(NAME)?;

    // Each detached thread keeps the module, until it was joined.
    for _ in 0..1000 {
        if count_references(module) == references {
            return Ok(());
        }
        fsleep(Delta::from_millis(10));
    }
    pr_err!("spawn: detached threads still keep the module\n");
    Err(EINVAL)
}

fn count_references(module: &'static ThisModule) -> i32 {
    // SAFETY: The module is the one that runs this.
    unsafe { bindings::module_refcount(module.as_ptr()) }
}

/// What a thread is to do.
#[derive(Clone, Copy)]
struct Orders {
    number: u64,
    /// How many turns it has, if it ends by itself.
    turns: Option<u32>,
    /// Whether the probe becomes a part of the result.
    keeps_probe: bool,
}

impl Orders {
    fn follow(self, cx: &Current<'_>, probe: Probe) -> Answer {
        probe.runs();
        let mut rng = Rng::new(self.number, 0);
        let mut turn = 0;
        while self.turns.map_or(!cx.should_stop(), |turns| turn < turns) {
            turn += 1;
            let _ = match rng.below(4) {
                // Only a stop ends it.
                0 if self.turns.is_none() => cx.sleep(FOREVER),
                0 | 1 => cx.sleep(Delta::ZERO),
                2 => cx.sleep(rng.delay()),
                _ => {
                    cx.cond_resched();
                    Ok(())
                }
            };
        }
        Answer {
            number: self.number,
            probe: self.keeps_probe.then_some(probe),
        }
    }
}

/// What is known of whether the closure runs.
#[derive(Clone, Copy, PartialEq)]
enum Runs {
    Certainly,
    Never,
    Perhaps,
}

/// One thread with an owned closure.
fn owned(rng: &mut Rng, totals: &Arc<Totals>) -> Result {
    let orders = Orders {
        number: rng.next(),
        turns: if rng.one_in(2) {
            Some(rng.below(4))
        } else {
            None
        },
        keeps_probe: rng.one_in(2),
    };
    let (fate, probe) = Fate::new(totals)?;
    let body = move |cx: Current<'_>| orders.follow(&cx, probe);

    let (task, runs) = if rng.one_in(2) {
        (Some(kthread::run!("spawned", body)?), Runs::Perhaps)
    } else {
        let created = kthread::builder!("spawned/{}", orders.number)?.create(body)?;
        rng.pause();
        match rng.below(4) {
            0 => (Some(created.start()), Runs::Perhaps),
            1 => (Some(created.start_and_wait()), Runs::Certainly),
            2 => {
                drop(created);
                (None, Runs::Never)
            }
            _ => {
                created.stop_token().request_stop();
                rng.pause();
                (Some(created.start_and_wait()), Runs::Never)
            }
        }
    };
    rng.pause();
    if let Some(task) = task {
        let Some(exit) = end(task, rng, orders.turns.is_some())? else {
            return Ok(()); // it was detached
        };
        check(exit, &fate, orders)?;
    }
    ensure!(
        fate.was_dropped(),
        "spawn: a closure was not dropped once\n"
    );
    ensure!(
        runs == Runs::Perhaps || fate.ran() == (runs == Runs::Certainly),
        "spawn: a closure ran that should not, or the other way round\n"
    );
    Ok(())
}

/// How a thread ended, if its handle says so.
enum Ended {
    Known(Exit<Answer>),
    Unknown,
}

/// Ends a thread in one of many ways, and waits for its end unless it was detached.
fn end(task: Task<Answer>, rng: &mut Rng, ends_by_itself: bool) -> Result<Option<Ended>> {
    let token = task.stop_token();
    let exit = match rng.below(6) {
        0 => {
            drop(task);
            return Ok(Some(Ended::Unknown));
        }
        1 => {
            let stop_before = rng.one_in(2);
            if stop_before {
                token.request_stop();
                rng.pause();
            }
            task.detach()?;
            if !stop_before && !ends_by_itself {
                rng.pause();
                token.request_stop();
            }
            return Ok(None);
        }
        2 => {
            if !ends_by_itself || rng.one_in(2) {
                token.request_stop();
                rng.pause();
            }
            task.join()?
        }
        3 => match task.join_timeout(Delta::ZERO) {
            Ok(exit) => exit,
            Err(task) => {
                if !ends_by_itself || rng.one_in(2) {
                    rng.pause();
                    task.request_stop();
                }
                match task.join_timeout(Delta::from_secs(10)) {
                    Ok(exit) => exit,
                    Err(_task) => {
                        pr_err!("spawn: a thread does not end\n");
                        return Err(ETIMEDOUT);
                    }
                }
            }
        },
        4 => {
            task.request_stop();
            rng.pause();
            task.stop()?
        }
        _ => task.stop()?,
    };
    Ok(Some(Ended::Known(exit)))
}

/// Checks what is known of the end; drops the answer.
fn check(ended: Ended, fate: &Arc<Fate>, orders: Orders) -> Result {
    match ended {
        Ended::Known(Exit::Returned(answer)) => {
            ensure!(
                fate.ran() && answer.number == orders.number,
                "spawn: a result is not that of the closure\n"
            );
            let kept = answer.probe.as_ref().is_some_and(|probe| probe.is_of(fate));
            ensure!(kept == orders.keeps_probe, "spawn: a result is not whole\n");
            ensure!(
                kept != fate.was_dropped(),
                "spawn: what is in the result was dropped, or what is not was kept\n"
            );
        }
        Ended::Known(Exit::NeverRan) => {
            ensure!(
                !fate.ran(),
                "spawn: a closure ran, and its thread never did\n"
            );
        }
        Ended::Known(Exit::Crashed) => {
            ensure!(false, "spawn: a thread crashed\n");
        }
        Ended::Unknown => {}
    }
    Ok(())
}

/// Some threads that borrow from the worker's stack; returns how many.
fn scoped(rng: &mut Rng) -> Result<u32> {
    /// Counts its drop.
    struct Borrows<'a>(&'a Atomic<u32>);

    impl Drop for Borrows<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Full);
        }
    }

    let dropped = Atomic::new(0);
    let threads = 1 + rng.below(2);
    let mut kept = KVec::new();
    kthread::scope(|scope| -> Result {
        for _ in 0..threads {
            let probe = Borrows(&dropped);
            let naps = rng.below(3);
            let task = kthread::builder!("scoped")?.run_scoped(scope, move |cx| {
                for _ in 0..naps {
                    let _ = cx.sleep(Delta::from_micros(10));
                }
                drop(probe);
            })?;
            rng.pause();
            match rng.below(4) {
                0 => drop(task.stop()?),
                1 => drop(task.join()?),
                2 => drop(task),
                // The scope joins it.
                _ => kept.push(task, GFP_KERNEL)?,
            }
        }
        Ok(())
    })?;
    ensure!(
        dropped.load(Relaxed) == threads,
        "spawn: not each closure in a scope was dropped once\n"
    );
    Ok(threads)
}
