// SPDX-License-Identifier: GPL-2.0

//! Has those look again, once a second, who wait for something that nobody may tell them: a thread
//! that crashed wakes no one.
//!
//! One timer for all of them costs next to nothing, where one for each wait would be a good part of
//! what it costs to wait.

use crate::{
    bindings,
    registry,
    sleep::LOOK_AGAIN, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::{
            Full,
            Relaxed, //
        },
        Atomic, //
    },
    time::msecs_to_jiffies,
    types::Opaque, //
};

/// The work item that has them look.
struct Lookout(Opaque<bindings::delayed_work>);

// SAFETY: A work item may be queued by any task.
unsafe impl Sync for Lookout {}

static LOOKOUT: Lookout = Lookout(Opaque::zeroed());

/// How many tasks are waiting.
static WAITING: Atomic<i32> = Atomic::new(0);

/// Prepares the lookout.
///
/// # Safety
///
/// Must be called exactly once, before anything else of this file.
pub(crate) unsafe fn init() {
    // SAFETY: The item is a static, and by the safety requirements not in use.
    unsafe { bindings::init_delayed_work(LOOKOUT.0.get(), Some(work)) };
}

/// Calls `body`, which waits in the queue of a registered thread for what that, or the task that
/// joins it, may be too dead to tell.
pub(crate) fn while_waiting<R>(body: impl FnOnce() -> R) -> R {
    WAITING.fetch_add(1, Full);
    // If the item is pending, it runs after this, and sees who waits.
    //
    // SAFETY: The item was initialised.
    if !unsafe { bindings::delayed_work_pending(LOOKOUT.0.get()) } {
        queue();
    }
    let result = body();
    WAITING.fetch_add(-1, Relaxed);
    result
}

/// Queues the item, if it is not.
fn queue() {
    // SAFETY: The item was initialised, and the workqueue is one of the kernel's own.
    unsafe {
        bindings::queue_delayed_work_on(
            // CAST: The number of CPUs.
            bindings::wq_misc_consts_WORK_CPU_UNBOUND as c_int,
            bindings::system_dfl_wq,
            LOOKOUT.0.get(),
            // CAST: A second.
            msecs_to_jiffies(LOOK_AGAIN.as_millis() as u32),
        )
    };
}

/// Ends it. Nobody may be waiting any more.
pub(crate) fn end() {
    // SAFETY: The item was initialised.
    unsafe { bindings::cancel_delayed_work_sync(LOOKOUT.0.get()) };
}

/// # Safety
///
/// Only for the workqueue to call.
unsafe extern "C" fn work(_item: *mut bindings::work_struct) {
    registry::find(|thread| {
        thread.changes.wake_all();
        false
    });
    if WAITING.load(Relaxed) > 0 {
        queue();
    }
}
