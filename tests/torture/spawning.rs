// SPDX-License-Identifier: GPL-2.0

//! Makes and stops threads in every way there is.

use crate::{
    crew,
    fate::{
        Fate,
        Probe,
        Totals, //
    },
    rng::Rng,
    table::{
        Row,
        STUCK, //
    }, //
};
use core::mem::forget;
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
    Task, //
};

const NAME: &str = "spawn";

/// Longer than anything here takes.
const FOREVER: Delta = Delta::from_secs(3600);

/// How many handles may be forgotten: the log names each of them when the module leaves.
const MOST_FORGOTTEN: u64 = 8;

/// What a closure returns.
struct Answer {
    number: u64,
    probe: Option<Probe>,
}

pub(crate) fn run(rounds: u32, seed: u64) -> Result {
    let totals = Totals::new()?;
    crew::run(NAME, rounds, seed, |worker| {
        worker.each_round(|worker| {
            let rng = &mut worker.rng;
            if rng.one_in(8) {
                Row::Scope.attempt(|| scoped(rng))
            } else {
                owned(rng, &totals)
            }
        })
    })?;
    totals.check(NAME)
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
        let task = Row::Run.attempt(|| kthread::run!("torture/spawned", body))?;
        (Some(task), Runs::Perhaps)
    } else {
        let mut plan = kthread::builder!("torture/{}", orders.number)?;
        if rng.one_in(2) {
            plan = plan.freezable();
        }
        let created = Row::Create.attempt(|| plan.create(body))?;
        rng.pause();
        match rng.below(4) {
            0 => (Some(Row::Start.call(|| created.start())), Runs::Perhaps),
            1 => (
                Some(Row::StartAndWait.call(|| created.start_and_wait())),
                Runs::Certainly,
            ),
            2 => {
                Row::DropCreated.call(|| drop(created));
                (None, Runs::Never)
            }
            _ => {
                Row::RequestStop.call(|| created.stop_token().request_stop());
                rng.pause();
                (
                    Some(Row::StartAndWait.call(|| created.start_and_wait())),
                    Runs::Never,
                )
            }
        }
    };
    rng.pause();
    if let Some(task) = task {
        // What it returns would be kept until the module leaves.
        let may_forget = runs == Runs::Certainly && !orders.keeps_probe;
        if rng.one_in(8) && may_forget && Row::Forget.done() < MOST_FORGOTTEN {
            task.request_stop();
            Row::Forget.call(|| forget(task));
            return Ok(());
        }
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
            Row::Drop.call(|| drop(task));
            return Ok(Some(Ended::Unknown));
        }
        1 => {
            let stop_before = rng.one_in(2);
            if stop_before {
                Row::RequestStop.call(|| token.request_stop());
                rng.pause();
            }
            Row::Detach.attempt(|| task.detach())?;
            if !stop_before && !ends_by_itself {
                rng.pause();
                Row::RequestStop.call(|| token.request_stop());
            }
            return Ok(None);
        }
        2 => {
            if !ends_by_itself || rng.one_in(2) {
                Row::RequestStop.call(|| token.request_stop());
                rng.pause();
            }
            Row::Join.attempt(|| task.join())?
        }
        3 => match Row::JoinTimeout.attempt(|| task.join_timeout(Delta::ZERO)) {
            Ok(exit) => exit,
            Err(task) => {
                if !ends_by_itself || rng.one_in(2) {
                    rng.pause();
                    Row::RequestStop.call(|| task.request_stop());
                }
                match Row::JoinTimeout.attempt(|| task.join_timeout(STUCK)) {
                    Ok(exit) => exit,
                    Err(_task) => {
                        pr_err!("spawn: a thread does not end\n");
                        return Err(ETIMEDOUT);
                    }
                }
            }
        },
        4 => {
            Row::RequestStop.call(|| task.request_stop());
            rng.pause();
            Row::Stop.attempt(|| task.stop())?
        }
        _ => Row::Stop.attempt(|| task.stop())?,
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

/// Some threads that borrow from the worker's stack.
fn scoped(rng: &mut Rng) -> Result {
    /// Counts its drop.
    struct Borrows<'a>(&'a Atomic<u32>);

    impl Drop for Borrows<'_> {
        fn drop(&mut self) {
            self.0.fetch_add(1, Full);
        }
    }

    let dropped = Atomic::new(0);
    let mut made = 0;
    let mut kept = KVec::new();
    kthread::scope(|scope| -> Result {
        for _ in 0..=rng.below(2) {
            made += 1;
            let probe = Borrows(&dropped);
            let naps = rng.below(3);
            let plan = kthread::builder!("torture/scoped")?;
            let body = move |cx: Current<'_>| {
                for _ in 0..naps {
                    let _ = cx.sleep(Delta::from_micros(10));
                }
                drop(probe);
            };
            let task = Row::Run.attempt(|| plan.run_scoped(scope, body))?;
            rng.pause();
            match rng.below(4) {
                0 => drop(Row::Stop.attempt(|| task.stop())?),
                1 => drop(Row::Join.attempt(|| task.join())?),
                2 => Row::Drop.call(|| drop(task)),
                // The scope joins it.
                _ => kept.push(task, GFP_KERNEL)?,
            }
        }
        Ok(())
    })?;
    ensure!(
        dropped.load(Relaxed) == made,
        "spawn: not each closure in a scope was dropped once\n"
    );
    Ok(())
}
