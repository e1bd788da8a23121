// SPDX-License-Identifier: GPL-2.0

//! Stops threads that have hooks, from two sides.

use crate::{
    crew,
    rng::Rng,
    table::Row, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc,
        Completion,
        Mutex, //
    },
    time::Delta, //
};
use kthread::{
    Current,
    Exit,
    StopToken, //
};

/// Whom another worker may stop.
type Target = Option<StopToken>;

pub(crate) fn run(rounds: u32, seed: u64) -> Result {
    let wrong = Arc::new(Atomic::new(0), GFP_KERNEL)?;
    let target = Arc::pin_init(new_mutex!(None), GFP_KERNEL)?;
    crew::run("hook", rounds, seed, |worker| {
        worker.each_round(|worker| one_round(&mut worker.rng, &target, &wrong))
    })?;
    ensure!(
        wrong.load(Relaxed) == 0,
        "hook: {} times not called, or without need, or twice\n",
        wrong.load(Relaxed)
    );
    Ok(())
}

fn one_round(rng: &mut Rng, target: &Mutex<Target>, wrong: &Arc<Atomic<u32>>) -> Result {
    let seed = rng.next();
    let body = {
        let wrong = wrong.clone();
        let released = Arc::pin_init(Completion::new(), GFP_KERNEL)?;
        move |cx: Current<'_>| with_hooks(&cx, &released, &wrong, seed)
    };
    let created = Row::Create.attempt(|| kthread::builder!("torture/hooked")?.create(body))?;
    let task = if rng.one_in(4) {
        Row::Start.call(|| created.start())
    } else {
        Row::StartAndWait.call(|| created.start_and_wait())
    };
    let token = task.stop_token();
    let other = target.lock().replace(token.clone());
    rng.pause();
    if let Some(other) = other {
        Row::RequestStop.call(|| other.request_stop());
    }
    rng.pause();
    Row::RequestStop.call(|| token.request_stop());
    let exit = Row::Join.attempt(|| task.join())?;
    ensure!(exit != Exit::Crashed, "hook: a thread crashed\n");
    Ok(())
}

/// Sets hooks until the thread is asked to stop, and then one more. Only a hook does `released`.
fn with_hooks(cx: &Current<'_>, released: &Completion, wrong: &Atomic<u32>, seed: u64) {
    let mut rng = Rng::new(seed, 0);
    loop {
        let stopped_before = cx.should_stop();
        let calls = Atomic::new(0);
        let mut due = stopped_before;
        let count = || {
            calls.fetch_add(1, Full);
            released.complete_all();
        };
        cx.on_stop(count, || {
            match rng.below(8) {
                0 => released.wait_for_completion(),
                1..=3 => {
                    let _ = cx.sleep(rng.delay());
                }
                4 => {
                    let _ = cx.sleep(Delta::from_secs(3600));
                }
                _ => rng.pause(),
            }
            due |= cx.should_stop();
        });
        let calls = calls.load(Relaxed);
        Row::Hook.add(1);
        Row::HookCalled.add(calls);
        if calls > 1 || calls == 0 && due || calls == 1 && !cx.should_stop() {
            wrong.fetch_add(1, Full);
        }
        if stopped_before {
            break;
        }
        rng.pause();
    }
}
