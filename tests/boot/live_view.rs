// SPDX-License-Identifier: GPL-2.0

//! Keeps one thread in each state, for the live view to show.

use kernel::{
    cpu::CpuId,
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
use kthread::{
    Created,
    Current,
    Policy,
    Task, //
};

module! {
    type: LiveView,
    name: "kthread_live_view",
    authors: ["The kthread authors"],
    description: "Keeps threads in all states",
    license: "GPL",
}

struct LiveView {
    _created: Created<()>,
    _threads: KVec<Task<()>>,
}

/// Whether the threads that do not look at their stop flag may end.
static MAY_END: Atomic<bool> = Atomic::new(false);

impl kernel::Module for LiveView {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let cpu = CpuId::from_u32(1).ok_or(EINVAL)?;
        let created = kthread::builder!("view/created")?.create(sleep)?;
        let mut threads = KVec::new();
        threads.push(kthread::run!("view/sleeping", sleep)?, GFP_KERNEL)?;
        threads.push(kthread::run!("view/two words", sleep)?, GFP_KERNEL)?;
        threads.push(kthread::run!("view/two\nlines", sleep)?, GFP_KERNEL)?;
        let urgent = kthread::builder!("view/urgent")?
            .policy(Policy::Fifo)
            .bind(cpu)
            .run(sleep)?;
        threads.push(urgent, GFP_KERNEL)?;
        // One that parks before its closure begins is shown as created.
        let parked = kthread::builder!("view/parked")?
            .create(sleep)?
            .start_and_wait();
        // The guard borrows from the handle, so both cannot be kept.
        core::mem::forget(parked.park()?);
        threads.push(parked, GFP_KERNEL)?;
        // From here on no error may occur: nobody would set `MAY_END`.
        threads.reserve(2, GFP_KERNEL)?;
        let running = kthread::run!("view/running", linger)?;
        let stopping = kthread::builder!("view/stopping")?
            .create(linger)
            .map(Created::start_and_wait);
        if let Ok(stopping) = stopping {
            stopping.request_stop();
            let _ = threads.push_within_capacity(stopping);
        }
        let _ = threads.push_within_capacity(running);
        Ok(Self {
            _created: created,
            _threads: threads,
        })
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        MAY_END.store(true, Relaxed);
    }
}

fn sleep(cx: Current<'_>) {
    while cx.sleep(Delta::from_secs(3600)).is_ok() {}
}

/// Waits in a way that the crate does not know of, and for something else than a stop.
fn linger(_cx: Current<'_>) {
    while !MAY_END.load(Relaxed) {
        fsleep(Delta::from_millis(10));
    }
}
