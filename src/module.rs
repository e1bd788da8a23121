// SPDX-License-Identifier: GPL-2.0

//! The module `rust_kthread` itself: watches tasks crash and other modules leave.

use crate::{
    bindings,
    command::Calls,
    crash,
    helper,
    live_view::LiveView,
    lookout,
    notifier::Notifier,
    per_cpu::instances,
    reaper,
    registry, //
};
use kernel::prelude::*;

/// The loaded crate. Fields are dropped in this order.
#[pin_data]
pub(crate) struct Kthread {
    #[pin]
    view: LiveView,
    #[pin]
    modules: Notifier,
    #[pin]
    crashes: Notifier,
    calls: Calls,
    lists: ListsInUse,
}

impl kernel::InPlaceModule for Kthread {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        // SAFETY: A module is initialised once, before any other module can import it.
        unsafe { registry::init() };
        // SAFETY: As above.
        unsafe { instances::init() };
        // SAFETY: As above.
        unsafe { crash::init() };
        // SAFETY: As above.
        unsafe { reaper::init() };
        // SAFETY: As above.
        unsafe { lookout::init() };
        // SAFETY: As above.
        unsafe { helper::init() };

        try_pin_init!(Self {
            view <- LiveView::new(),
            modules <- Notifier::new(
                bindings::register_module_notifier,
                bindings::unregister_module_notifier,
                module_notify,
            ),
            crashes <- crash::watch(),
            calls: Calls::new()?,
            lists: ListsInUse,
        })
    }
}

/// Clears up what is left of other modules when this one is unloaded.
struct ListsInUse;

impl Drop for ListsInUse {
    fn drop(&mut self) {
        // What it did last may have been to let go of the last module that imports this one.
        reaper::flush();
        lookout::end();
        // SAFETY: This module is being unloaded, so no module that imports it is there any more.
        unsafe { registry::free_orphans() };
        // SAFETY: As above.
        unsafe { instances::free_all() };
        // SAFETY: As above.
        unsafe { helper::free_leaked() };
    }
}

/// Called by C for each change in the life of each module.
///
/// # Safety
///
/// If `state` is `MODULE_STATE_GOING`, `module` must be the module that is going.
unsafe extern "C" fn module_notify(
    _block: *mut bindings::notifier_block,
    state: c_ulong,
    module: *mut c_void,
) -> c_int {
    // CAST: An `unsigned long` has at least 32 bits.
    if state == bindings::module_state_MODULE_STATE_GOING as c_ulong {
        // SAFETY: By the safety requirements, and as the chain is called before a module is freed.
        unsafe { registry::reap(module.cast()) };
        // SAFETY: As above.
        unsafe { helper::reap(module.cast()) };
    }
    // CAST: The constant is zero.
    bindings::NOTIFY_DONE as c_int
}
