// SPDX-License-Identifier: GPL-2.0

//! A thread that a user may kill, and one that not.

use kernel::{
    prelude::*,
    time::Delta, //
};
use kthread::{
    Current,
    Interrupted,
    Signal,
    Task, //
};

module! {
    type: Signals,
    name: "kthread_signals",
    authors: ["The kthread authors"],
    description: "Has threads that are sent signals",
    license: "GPL",
}

struct Signals {
    _deaf: Task<Interrupted>,
    _mortal: Task<Interrupted>,
}

impl kernel::Module for Signals {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _deaf: kthread::run!("signals/deaf", |cx| sleep(&cx))?,
            _mortal: kthread::run!("signals/mortal", |cx| {
                cx.allow_signal(Signal::KILL);
                sleep(&cx)
            })?,
        })
    }
}

fn sleep(cx: &Current<'_>) -> Interrupted {
    loop {
        if let Err(reason) = cx.sleep_interruptible(Delta::from_secs(3600)) {
            return reason;
        }
    }
}
