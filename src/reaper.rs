// SPDX-License-Identifier: GPL-2.0

//! Joins threads that nobody else will: those that were detached, and those whose handles they
//! dropped themselves.

use crate::{
    bindings,
    per_cpu::instances,
    registry, //
};
use kernel::{
    prelude::*,
    types::Opaque, //
};

/// The work item that does it.
struct Reaper(Opaque<bindings::work_struct>);

// SAFETY: A work item may be queued by any task.
unsafe impl Sync for Reaper {}

static REAPER: Reaper = Reaper(Opaque::zeroed());

/// Prepares the reaper.
///
/// # Safety
///
/// Must be called exactly once, before anything else of this file.
pub(crate) unsafe fn init() {
    // SAFETY: The item is a static, and by the safety requirements not in use.
    unsafe { bindings::init_work(REAPER.0.get(), Some(work)) };
}

/// Has the threads joined that wait for it. Never sleeps.
pub(crate) fn wake() {
    // SAFETY: The item was initialised, and the workqueue is one of the kernel's own. An item that
    // is queued already runs after this, so it sees what the caller did before.
    unsafe {
        bindings::queue_work_on(
            // CAST: The number of CPUs.
            bindings::wq_misc_consts_WORK_CPU_UNBOUND as c_int,
            bindings::system_dfl_wq,
            REAPER.0.get(),
        )
    };
}

/// Waits until the reaper has nothing to do.
pub(crate) fn flush() {
    // SAFETY: The item was initialised.
    unsafe { bindings::flush_work(REAPER.0.get()) };
}

/// # Safety
///
/// Only for the workqueue to call.
unsafe extern "C" fn work(_item: *mut bindings::work_struct) {
    registry::reap_disowned();
    instances::reap_disowned();
}
