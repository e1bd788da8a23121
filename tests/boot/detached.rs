// SPDX-License-Identifier: GPL-2.0

//! Detaches a thread in its init function, which then succeeds or fails. Tries it again when it
//! leaves.

use kernel::{
    prelude::*,
    time::Delta, //
};
use kthread::Task;

#[path = "../shared/parameter.rs"]
mod parameter;

module! {
    type: Detached,
    name: "kthread_detached",
    authors: ["The kthread authors"],
    description: "Lets a thread go on without a handle",
    license: "GPL",
    params: {
        seconds: i64 {
            default: 3,
            description: "How long the thread sleeps",
        },
        fail: u8 {
            default: 0,
            description: "Fail the init function",
        },
    },
}

struct Detached;

impl kernel::Module for Detached {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let nap = Delta::from_secs(parameter::value(&module_parameters::seconds));
        kthread::run!("detached", move |cx| cx.sleep(nap))?.detach()?;
        if parameter::value(&module_parameters::fail) != 0 {
            return Err(EBUSY);
        }
        Ok(Self)
    }
}

impl Drop for Detached {
    fn drop(&mut self) {
        let late = kthread::run!("detached late", |cx| cx.sleep(Delta::from_secs(3600)));
        if late.and_then(Task::detach) == Err(ENODEV) {
            pr_info!("too late to detach a thread\n");
        }
    }
}
