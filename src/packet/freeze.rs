// SPDX-License-Identifier: GPL-2.0

//! Freezing a thread while the system is suspended.

use super::{
    flags::FREEZABLE,
    Header, //
};
use crate::bindings;

impl Header {
    /// Says whether the thread lets itself be frozen.
    #[inline]
    pub(crate) fn is_freezable(&self) -> bool {
        self.flags.has(FREEZABLE)
    }

    /// Tells the kernel that the thread lets itself be frozen, if so. Called by the thread, once.
    pub(super) fn set_freezable(&self) {
        if self.is_freezable() {
            // SAFETY: A thread of this crate is a kthread, and may sleep here.
            unsafe { bindings::set_freezable() };
        }
    }

    /// Freezes the calling thread, which must be a freezable one, for as long as it should be.
    pub(super) fn stay_frozen(&self) {
        // SAFETY: The function has no requirements.
        if unsafe { bindings::is_freezing() } {
            // SAFETY: A thread may be frozen where it may sleep.
            unsafe { bindings::try_to_freeze() };
        }
    }
}
