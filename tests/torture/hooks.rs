// SPDX-License-Identifier: GPL-2.0

//! Stops threads that have hooks, from two sides.

use crate::{
    crew,
    rng::Rng, //
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

const NAME: &str = "hook";

/// How often what happened.
struct Sums {
    set: Atomic<u32>,
    called: Atomic<u32>,
    wrong: Atomic<u32>,
}

/// Whom another worker may stop.
type Target = Option<StopToken>;

pub(crate) fn run(rounds: u32, seed: u64) -> Result {
    if rounds == 0 {
        return Ok(());
    }
    let sums = Sums {
        set: Atomic::new(0),
        called: Atomic::new(0),
        wrong: Atomic::new(0),
    };
    let sums = Arc::new(sums, GFP_KERNEL)?;
    let target = Arc::pin_init(new_mutex!(None), GFP_KERNEL)?;
    crew::run(NAME, rounds, seed, |worker| {
        while worker.next_round() {
            one_round(&mut worker.rng, &target, &sums)?;
        }
        Ok(())
    })?;

    pr_info!(
        "hook: {} times set, {} times called\n",
        sums.set.load(Relaxed),
        sums.called.load(Relaxed)
    );
    ensure!(
        sums.wrong.load(Relaxed) == 0,
        "hook: {} times not called, or without need, or twice\n",
        sums.wrong.load(Relaxed)
    );
    Ok(())
}

fn one_round(rng: &mut Rng, target: &Mutex<Target>, sums: &Arc<Sums>) -> Result {
    let seed = rng.next();
    let created = kthread::builder!("hooked")?.create({
        let sums = sums.clone();
        let released = Arc::pin_init(Completion::new(), GFP_KERNEL)?;
        move |cx| with_hooks(&cx, &released, &sums, seed)
    })?;
    let task = if rng.one_in(4) {
        created.start()
    } else {
        created.start_and_wait()
    };
    let token = task.stop_token();
    let other = target.lock().replace(token.clone());
    rng.pause();
    if let Some(other) = other {
        other.request_stop();
    }
    rng.pause();
    token.request_stop();
    let exit = task.join()?;
    ensure!(exit != Exit::Crashed, "hook: a thread crashed\n");
    Ok(())
}

/// Sets hooks until the thread is asked to stop, and then one more. Only a hook does `released`.
fn with_hooks(cx: &Current<'_>, released: &Completion, sums: &Sums, seed: u64) {
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
        sums.set.fetch_add(1, Full);
        sums.called.fetch_add(calls, Full);
        if calls > 1 || calls == 0 && due || calls == 1 && !cx.should_stop() {
            sums.wrong.fetch_add(1, Full);
        }
        if stopped_before {
            break;
        }
        rng.pause();
    }
}
