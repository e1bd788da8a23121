// SPDX-License-Identifier: GPL-2.0

//! A thread that goes on while the system is suspended, and runs one helper after the other.

use kernel::{
    prelude::*,
    time::Delta, //
};
use kthread::{
    Command,
    Current,
    Task, //
};

module! {
    type: SuspendedHelper,
    name: "kthread_suspended_helper",
    authors: ["The kthread authors"],
    description: "Runs helpers while the system is suspended",
    license: "GPL",
}

struct SuspendedHelper {
    _task: Task<Result>,
}

impl kernel::Module for SuspendedHelper {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _task: kthread::run!("suspended_helper", body)?,
        })
    }
}

fn body(cx: Current<'_>) -> Result {
    let mut before = None;
    loop {
        let result = Command::new(c"/bin/true")?.status(&cx)?.map(drop);
        if before != Some(result) {
            match result {
                Ok(()) => pr_info!("runs\n"),
                Err(EBUSY) => pr_info!("is refused\n"),
                Err(error) => pr_info!("fails: {error:?}\n"),
            }
            before = Some(result);
        }
        cx.sleep(Delta::from_millis(20))?;
    }
}
