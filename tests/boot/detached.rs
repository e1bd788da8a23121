// SPDX-License-Identifier: GPL-2.0

//! Detaches a thread in its init function, which then succeeds or fails.

use kernel::{
    prelude::*,
    time::Delta, //
};

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
        fail: bool {
            default: false,
            description: "Fail the init function",
        },
    },
}

struct Detached;

impl kernel::Module for Detached {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let nap = Delta::from_secs(module_parameters::seconds.value());
        kthread::run!("detached", move |cx| cx.sleep(nap))?.detach()?;
        if module_parameters::fail.value() {
            return Err(EBUSY);
        }
        Ok(Self)
    }
}
