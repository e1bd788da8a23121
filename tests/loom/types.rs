// SPDX-License-Identifier: GPL-2.0

//! Stands in for `kernel::types`.

use loom::cell::UnsafeCell;
use std::mem::MaybeUninit;

/// A place that must not be accessed from two sides at a time.
pub struct Opaque<T>(UnsafeCell<MaybeUninit<T>>);

impl<T> Opaque<T> {
    pub fn uninit() -> Self {
        Self(UnsafeCell::new(MaybeUninit::uninit()))
    }

    /// The ring uses the pointer at once, for one read or write, so for loom this is the access.
    #[track_caller]
    pub fn get(&self) -> *mut T {
        self.0.with_mut(|place| place.cast())
    }
}
