// SPDX-License-Identifier: GPL-2.0

//! A hard interrupt.

use kernel::{
    prelude::*,
    sync::Arc, //
};
use kthread::Event;

extern "C" {
    fn bench_hard_irq(call: unsafe extern "C" fn(*mut c_void), data: *mut c_void);
}

/// Has an interrupt raise an event, which the caller waits for.
pub(crate) fn raise(event: &Arc<Event>) {
    // SAFETY: The event is there until it was raised, as the caller waits for that.
    unsafe { bench_hard_irq(raise_event, Arc::as_ptr(event).cast_mut().cast()) };
}

/// # Safety
///
/// `event` must be one.
unsafe extern "C" fn raise_event(event: *mut c_void) {
    // SAFETY: By the safety requirement.
    unsafe { &*event.cast::<Event>() }.raise();
}
