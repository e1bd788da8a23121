// SPDX-License-Identifier: GPL-2.0

//! Being called by the kernel when something happens.

use crate::bindings;
use kernel::{
    error::to_result,
    prelude::*,
    types::Opaque, //
};

type Register = unsafe extern "C" fn(*mut bindings::notifier_block) -> c_int;
type Call = unsafe extern "C" fn(*mut bindings::notifier_block, c_ulong, *mut c_void) -> c_int;

/// A place in one of the kernel's notifier chains.
///
/// # Invariants
///
/// `block` is in the chain that `unregister` takes it out of.
#[pin_data(PinnedDrop)]
pub(crate) struct Notifier {
    #[pin]
    block: Opaque<bindings::notifier_block>,
    unregister: Register,
}

// SAFETY: `block` is only used by C, which locks the chain, and by `drop`.
unsafe impl Send for Notifier {}

// SAFETY: As above; there is no method that takes `&self`.
unsafe impl Sync for Notifier {}

impl Notifier {
    /// Has `call` called, before all others in the chain.
    ///
    /// `register` and `unregister` must be those of one chain, which may call `call`.
    pub(crate) fn new(
        register: Register,
        unregister: Register,
        call: Call,
    ) -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            // INVARIANT: The initialiser succeeds only if the registration did.
            block <- Opaque::try_ffi_init(move |slot: *mut bindings::notifier_block| {
                let block = bindings::notifier_block {
                    notifier_call: Some(call),
                    priority: c_int::MAX,
                    ..Default::default()
                };
                // SAFETY: `slot` is valid for writes by the contract of `try_ffi_init`.
                unsafe { slot.write(block) };
                // SAFETY: `slot` was just initialised, and stays pinned until `drop` below takes
                // it out of the chain.
                to_result(unsafe { register(slot) })
            }),
            unregister,
        })
    }
}

#[pinned_drop]
impl PinnedDrop for Notifier {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: By the type invariant. The block is found in the chain, so there is no error to
        // handle.
        unsafe { (self.unregister)(self.block.get()) };
    }
}
