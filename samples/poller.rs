// SPDX-License-Identifier: GPL-2.0

//! Poller: a thread that looks at something once per period.
//!
//! Polls the memory that is available to programs, in place of a device's status register.
//!
//! ```text
//! insmod kthread_poller.ko period_ms=500
//! ps | grep poller
//! dmesg | grep kthread_poller
//! ```

use kernel::{
    bindings,
    page::PAGE_SIZE,
    prelude::*,
    time::Delta, //
};
use kthread::{
    Current,
    Stopped,
    Task, //
};

module! {
    type: Poller,
    name: "kthread_poller",
    authors: ["The kthread authors"],
    description: "A kernel thread that polls once per period",
    license: "GPL",
    params: {
        period_ms: u32 {
            default: 1000,
            description: "Time between two looks, in milliseconds (at least 1)",
        },
    },
}

/// The sample module. Unloading drops it, and with it the thread.
struct Poller {
    _task: Task<Result<(), Stopped>>,
}

impl kernel::Module for Poller {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // Linux 7.2 gives out a reference.
        let period_ms = u32::clone(&module_parameters::period_ms.value());
        let period = Delta::from_millis(period_ms.max(1).into());
        Ok(Self {
            _task: kthread::run!("poller", move |cx| poll(cx, period))?,
        })
    }
}

/// The body of the thread.
fn poll(cx: Current<'_>, period: Delta) -> Result<(), Stopped> {
    loop {
        pr_info!("{} KiB available\n", available_kib());
        cx.sleep(period)?;
    }
}

/// The memory that programs could get without swapping, in KiB.
fn available_kib() -> i64 {
    // SAFETY: The function has no requirements.
    let pages = unsafe { bindings::si_mem_available() };
    // CAST: A page has far less than 2^63 bytes.
    pages as i64 * (PAGE_SIZE as i64 / 1024)
}
