// SPDX-License-Identifier: GPL-2.0

//! A list that any context but an NMI may use.

use crate::{
    bindings,
    lock_class::LockClass, //
};
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
    pub(crate) fn new(class: LockClass) -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: Both are initialised here.
            lock <- Opaque::ffi_init(move |slot| {
                // SAFETY: `slot` is valid for writes.
                unsafe { init_lock(slot, class.name().as_char_ptr(), class.key()) }
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
        // SAFETY: The lock was just taken, with these flags.
        unsafe { self.run_and_unlock(flags, body) }
    }

    /// Says whether the list was empty a moment ago.
    pub(crate) fn is_empty(&self) -> bool {
        let list = self.list.get();
        // SAFETY: By the type invariant. Without the lock the answer is old at once.
        unsafe { core::ptr::eq((&raw const (*list).next).read_volatile(), list) }
    }

    /// Like [`locked`](Self::locked), for a `body` which may do the same to other lists.
    pub(crate) fn locked_recursive(&self, body: impl FnOnce(*mut bindings::list_head)) {
        // SAFETY: By the type invariant.
        let flags = unsafe { bindings::raw_spin_lock_irqsave_recursive(self.lock.get()) };
        // SAFETY: The lock was just taken, with these flags.
        unsafe { self.run_and_unlock(flags, body) }
    }

    /// Like [`locked`](Self::locked), if the lock is free; says whether it was.
    pub(crate) fn try_locked(&self, body: impl FnOnce(*mut bindings::list_head)) -> bool {
        let mut flags = 0;
        // SAFETY: By the type invariant, and `flags` is valid for writes.
        let free = unsafe { bindings::raw_spin_trylock_irqsave(self.lock.get(), &mut flags) };
        if free {
            // SAFETY: The lock was just taken, with these flags.
            unsafe { self.run_and_unlock(flags, body) };
        }
        free
    }

    /// Calls `body`, and unlocks.
    ///
    /// # Safety
    ///
    /// The caller must hold the lock, taken with these flags, and give it up.
    unsafe fn run_and_unlock<R>(
        &self,
        flags: c_ulong,
        body: impl FnOnce(*mut bindings::list_head) -> R,
    ) -> R {
        let result = body(self.list.get());
        // SAFETY: By the safety requirements.
        unsafe { bindings::raw_spin_unlock_irqrestore(self.lock.get(), flags) };
        result
    }
}

/// Initialises a lock. Not inlined, as initialisers are compiled where they are used.
///
/// # Safety
///
/// `lock` must be valid for writes, and name and key be those of a [`LockClass`].
#[inline(never)]
unsafe fn init_lock(
    lock: *mut bindings::raw_spinlock_t,
    name: *const c_char,
    key: *mut bindings::lock_class_key,
) {
    // SAFETY: By the safety requirements; name and key are static.
    unsafe { bindings::raw_spin_lock_init(lock, name, key) }
}
