// SPDX-License-Identifier: GPL-2.0

//! Joins threads whose closures panic.

use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};
use kthread::Exit;

module! {
    type: Crash,
    name: "kthread_crash",
    authors: ["The kthread authors"],
    description: "Runs closures that panic in kernel threads",
    license: "GPL",
}

struct Crash;

/// A static, as what a crashed closure owns is never freed.
static BEGAN: Atomic<bool> = Atomic::new(false);

impl kernel::Module for Crash {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let task = kthread::run!("crash", |_cx| {
            BEGAN.store(true, Relaxed);
            panic!("on purpose");
        })?;
        for _ in 0..1000 {
            if BEGAN.load(Relaxed) {
                break;
            }
            fsleep(Delta::from_millis(10));
        }
        match task.stop()? {
            Exit::Crashed => Ok(Self),
            Exit::NeverRan | Exit::Returned(()) => Err(EINVAL),
        }
    }
}
