// SPDX-License-Identifier: GPL-2.0

//! Leaves behind threads that own themselves, in each way that safe code has.

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    },
    time::Delta, //
};
use kthread::{
    Created,
    Task, //
};

#[path = "../shared/parameter.rs"]
mod parameter;

module! {
    type: Cycles,
    name: "kthread_cycles",
    authors: ["The kthread authors"],
    description: "Leaves threads behind that own themselves",
    license: "GPL",
    params: {
        fail: u8 {
            default: 0,
            description: "Fail the init function",
        },
    },
}

struct Cycles;

/// A result that owns the handle of the thread which returned it.
struct Own(#[expect(dead_code)] Arc<Mutex<Option<Task<Own>>>>);

/// Starts a thread in its `drop`, and opens a scope.
struct Restarts;

impl Drop for Restarts {
    fn drop(&mut self) {
        let _ = kthread::run!("restarted", |_cx| Restarts).map(core::mem::forget);
        let sum = 3;
        kthread::scope(|s| {
            if let Ok(plan) = kthread::builder!("from drop") {
                let _ = plan.run_scoped(s, |_cx| sum + 1).map(core::mem::forget);
            }
        });
    }
}

fn cycle<T>(value: Option<T>) -> Result<Arc<Mutex<Option<T>>>> {
    Arc::pin_init(new_mutex!(value), GFP_KERNEL)
}

impl kernel::Module for Cycles {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        for i in 0..8 {
            // The closure of a thread that is never started owns it.
            let slot = cycle(None::<Created<()>>)?;
            let created = kthread::builder!("unborn/{}", i)?.create({
                let slot = slot.clone();
                move |_cx| drop(slot)
            })?;
            *slot.lock() = Some(created);

            // The result owns the thread.
            let slot = cycle(None::<Task<Own>>)?;
            let task = kthread::run!("narcissus/{}", i, {
                let slot = slot.clone();
                move |_cx| Own(slot)
            })?;
            *slot.lock() = Some(task);

            // Dropped by itself while the module leaves.
            let slot = cycle(None::<Task<()>>)?;
            let task = kthread::run!("leaver/{}", i, {
                let slot = slot.clone();
                move |cx| {
                    while cx.sleep(Delta::from_millis(5)).is_ok() {}
                    drop(slot.lock().take());
                }
            })?;
            *slot.lock() = Some(task);

            // Closures and results that start others when they are dropped.
            let restarts = Restarts;
            let created = kthread::builder!("phoenix/{}", i)?.create(move |_cx| drop(restarts))?;
            core::mem::forget(created);
            core::mem::forget(kthread::run!("phoenix", |_cx| Restarts)?);

            // Parked for good.
            let task = kthread::run!("parked/{}", i, |cx| {
                while cx.sleep(Delta::from_millis(1)).is_ok() {}
            })?;
            core::mem::forget(task.park()?);
            core::mem::forget(task);
        }
        if parameter::value(&module_parameters::fail) != 0 {
            return Err(EBUSY);
        }
        Ok(Self)
    }
}
