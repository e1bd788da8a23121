// SPDX-License-Identifier: GPL-2.0

//! The module `rust_kthread` itself: watches other modules leave.

use crate::{
    bindings,
    live_view::LiveView,
    reaper,
    registry, //
};
use kernel::{
    error::to_result,
    prelude::*,
    types::Opaque, //
};

/// The loaded crate.
#[pin_data]
pub(crate) struct Kthread {
    #[pin]
    view: LiveView,
    #[pin]
    watch: Watch,
}

impl kernel::InPlaceModule for Kthread {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        // SAFETY: A module is initialised once, before any other module can import it.
        unsafe { registry::init() };
        // SAFETY: As above.
        unsafe { reaper::init() };

        try_pin_init!(Self {
            view <- LiveView::new(),
            watch <- Watch::new(),
        })
    }
}

/// A module notifier that hands departing modules to the registry.
///
/// # Invariants
///
/// `block` is registered with the module notifier chain.
#[pin_data(PinnedDrop)]
struct Watch {
    #[pin]
    block: Opaque<bindings::notifier_block>,
}

// SAFETY: `block` is only used by C, which locks the notifier chain, and by `drop`.
unsafe impl Send for Watch {}

// SAFETY: As above; there is no method that takes `&self`.
unsafe impl Sync for Watch {}

impl Watch {
    fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            // INVARIANT: The initialiser succeeds only if the registration did.
            block <- Opaque::try_ffi_init(|slot: *mut bindings::notifier_block| {
                let block = bindings::notifier_block {
                    notifier_call: Some(module_notify),
                    // Before the callbacks that tear down a module's metadata.
                    priority: c_int::MAX,
                    ..Default::default()
                };
                // SAFETY: `slot` is valid for writes by the contract of `try_ffi_init`.
                unsafe { slot.write(block) };
                // SAFETY: `slot` was just initialised, and stays pinned until `drop` below takes
                // it out of the chain.
                to_result(unsafe { bindings::register_module_notifier(slot) })
            }),
        })
    }
}

#[pinned_drop]
impl PinnedDrop for Watch {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant the block is registered. It was found in the chain, so
        // there is no error to handle.
        unsafe { bindings::unregister_module_notifier(self.block.get()) };
        // What it did last may have been to let go of the last module that imports this one.
        reaper::flush();
        // SAFETY: This module is being unloaded, so no module that imports it is there any more.
        unsafe { registry::free_orphans() };
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
    }
    // CAST: The constant is zero.
    bindings::NOTIFY_DONE as c_int
}
