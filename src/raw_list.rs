// SPDX-License-Identifier: GPL-2.0

//! A list that any context but an NMI may use.

use crate::bindings;
use kernel::{
    prelude::*,
    types::Opaque, //
};

/// A C list under a raw spinlock.
///
/// # Invariants
///
/// `lock` and `list` are initialised, and the list is used under the lock only.
#[pin_data]
pub(crate) struct RawList {
    #[pin]
    lock: Opaque<bindings::raw_spinlock_t>,
    #[pin]
    list: Opaque<bindings::list_head>,
}

// SAFETY: What is in the list is up to its user; see the field's or static's own comment.
unsafe impl Send for RawList {}

// SAFETY: As above, and there is a lock.
unsafe impl Sync for RawList {}

impl RawList {
    pub(crate) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: Both are initialised here.
            lock <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid for writes.
                unsafe { bindings::raw_spin_lock_init(slot) }
            }),
            list <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid for writes.
                unsafe { bindings::INIT_LIST_HEAD(slot) }
            }),
        })
    }

    /// Calls `body` with the list's head, under the lock and with interrupts disabled.
    pub(crate) fn locked<R>(&self, body: impl FnOnce(*mut bindings::list_head) -> R) -> R {
        // SAFETY: By the type invariant.
        let flags = unsafe { bindings::raw_spin_lock_irqsave(self.lock.get()) };
        let result = body(self.head());
        // SAFETY: The lock was just taken, with these flags.
        unsafe { bindings::raw_spin_unlock_irqrestore(self.lock.get(), flags) };
        result
    }

    /// Calls `body`, in which the same may be done to other lists although they have the same
    /// lockdep class. Must be called under the lock.
    pub(crate) fn nesting(&self, body: impl FnOnce()) {
        // SAFETY: By the contract of this function the lock is held.
        unsafe { bindings::raw_spin_lock_hide(self.lock.get()) };
        body();
        // SAFETY: As above.
        unsafe { bindings::raw_spin_lock_show(self.lock.get()) };
    }

    /// The list's head, for who holds the lock.
    pub(crate) fn head(&self) -> *mut bindings::list_head {
        self.list.get()
    }
}
