// SPDX-License-Identifier: GPL-2.0

//! The KUnit suites, one file each. They run when the module is loaded.

use kernel::prelude::*;

mod builder;
mod command;
mod delayed_work;
mod detach;
mod driver_irq;
mod event;
#[path = "../shared/hard_irq.rs"]
mod hard_irq;
mod helper;
mod mailbox;
mod observe;
mod park;
mod per_cpu;
mod ports;
mod ptp_clock;
mod scope;
mod signal;
mod spin_lock_irq;
mod stop;
mod support;
mod task;
mod ticks;
mod timer;
mod vblank_work;
mod wait;
mod worker;

module! {
    type: Suites,
    name: "kthread_kunit",
    authors: ["The kthread authors"],
    description: "KUnit suites of the kthread crate",
    license: "GPL",
}

struct Suites;

impl kernel::Module for Suites {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}
