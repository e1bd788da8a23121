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
        self.flags.any(FREEZABLE)
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
            self.may_freeze(|| unsafe { bindings::try_to_freeze() });
        }
    }

    /// Calls `sleep`, in which the calling thread may be frozen.
    ///
    /// A task that is frozen with a lock is a mistake, as whoever wants the lock is not frozen any
    /// more. The body is no lock that anybody waits for, but lockdep cannot know.
    pub(crate) fn may_freeze<R>(&self, sleep: impl FnOnce() -> R) -> R {
        self.body.let_go(sleep)
    }
}
