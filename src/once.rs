// SPDX-License-Identifier: GPL-2.0

//! Loads and stores without an order, in one instruction.
//!
//! Those of [`Atomic`] do the same, but are functions of C, which costs more than what they do.

use kernel::sync::atomic::{
    Atomic,
    AtomicType, //
};

/// The value, as by `load(Relaxed)`. What is read through a pointer that it gives is at least as
/// new.
#[inline]
pub(crate) fn read_once<T: AtomicType>(atomic: &Atomic<T>) -> T {
    const { assert!(size_of::<T>() <= size_of::<usize>()) };
    // SAFETY: The pointer is valid and aligned. A volatile access of a word is what C's
    // `READ_ONCE()` is, which does not race with atomic operations.
    unsafe { atomic.as_ptr().read_volatile() }
}

/// Replaces the value, as by `store(value, Relaxed)`.
#[inline]
pub(crate) fn write_once<T: AtomicType>(atomic: &Atomic<T>, value: T) {
    const { assert!(size_of::<T>() <= size_of::<usize>()) };
    // SAFETY: As above, for `WRITE_ONCE()`.
    unsafe { atomic.as_ptr().write_volatile(value) };
}
