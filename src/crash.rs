// SPDX-License-Identifier: GPL-2.0

//! Tasks that oops.
//!
//! An oops ends a task without its destructors, and its stack is used for other things: first for
//! the task's own end, then for other tasks. What the task lent out from its stack has to be
//! withdrawn before that, in the kernel's die notifier, which the oopsing task itself calls.

use crate::{
    bindings,
    notifier::Notifier,
    packet::Header,
    scope, //
};
use kernel::prelude::*;

/// Watches tasks oops.
pub(crate) fn watch() -> impl PinInit<Notifier, Error> {
    Notifier::new(
        bindings::register_die_notifier,
        bindings::unregister_die_notifier,
        die_notify,
    )
}

/// # Safety
///
/// Only for the die notifier chain to call.
unsafe extern "C" fn die_notify(
    _block: *mut bindings::notifier_block,
    event: c_ulong,
    _args: *mut c_void,
) -> c_int {
    // SAFETY: The function has no requirements.
    if unsafe { bindings::is_oops(event) } {
        scope::crash();
        if let Some(thread) = Header::of_current() {
            thread.crash();
        }
    }
    // CAST: The constant is zero.
    bindings::NOTIFY_DONE as c_int
}
