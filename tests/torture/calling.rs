// SPDX-License-Identifier: GPL-2.0

//! Has programs run as user-mode helpers.

use crate::{
    crew,
    rng::Rng,
    table::Row, //
};
use kernel::{
    prelude::*,
    time::Delta, //
};
use kthread::{
    Command,
    Current,
    Exit,
    Stopped,
    Task, //
};

pub(crate) fn run(rounds: u32, seed: u64) -> Result {
    crew::run("helper", rounds, seed, |worker| {
        worker.each_round(|worker| one_round(&worker.cx, &mut worker.rng))
    })
}

fn one_round(cx: &Current<'_>, rng: &mut Rng) -> Result {
    let exists = !rng.one_in(4);
    let command = Command::new(if exists { c"/bin/true" } else { c"/bin/none" })?;
    let result = match rng.below(4) {
        0 => {
            Row::Spawn.call(|| command.spawn());
            return Ok(());
        }
        1 => Row::StartHelper.attempt(|| command.start(cx)),
        2 => Row::Status.attempt(|| ended(command, cx)),
        _ => {
            // It may be asked to stop before the helper has ended.
            let plan = kthread::builder!("torture/caller")?;
            let caller: Task<Result<Result, Stopped>> =
                Row::Run.attempt(|| plan.run(move |cx| ended(command, &cx)))?;
            rng.pause();
            if rng.one_in(2) {
                Row::RequestStop.call(|| caller.request_stop());
            }
            match Row::Join.attempt(|| caller.join())? {
                Exit::Returned(result) => result,
                Exit::NeverRan => Err(Stopped),
                Exit::Crashed => Ok(Err(EIO)),
            }
        }
    };
    match result {
        // A helper is killed then; also, none runs while the system is suspended.
        Err(Stopped) | Ok(Err(EBUSY)) => Ok(()),
        Ok(Ok(())) => {
            ensure!(exists, "helper: one that is not there was run\n");
            Ok(())
        }
        Ok(Err(error)) => {
            ensure!(
                !exists && error == ENOENT || [ENOMEM, EINTR].contains(&error),
                "helper: {:?}\n",
                error
            );
            cx.sleep(Delta::from_millis(1)).map_err(|_| EINTR)
        }
    }
}

/// Waits until the helper has ended. The kernel may have killed it for its memory.
fn ended(command: Command, cx: &Current<'_>) -> Result<Result, Stopped> {
    Ok(command.status(cx)?.and_then(|status| {
        if status.success() {
            return Ok(());
        }
        pr_info!("helper: {}\n", status);
        status.signal().map_or(Err(EIO), |_| Err(EINTR))
    }))
}
