// SPDX-License-Identifier: GPL-2.0

//! What was asked of a thread, and how far it has come, in one word.
//!
//! One word, so that of two tasks that each set a flag and look for the other's, exactly one sees
//! both.

use crate::once::read_once;
use kernel::sync::atomic::{
    ordering::{
        Acquire,
        Full, //
    },
    Atomic, //
};

/// The thread was asked to stop. Never taken back.
pub(crate) const STOP: u32 = 1 << 0;
/// The thread was asked to park. Taken back to let it go on.
pub(crate) const PARK: u32 = 1 << 1;
/// The thread is parked. Changed by the thread only, which stays for as long as [`PARK`] is set and
/// [`STOP`] is not.
pub(crate) const PARKED: u32 = 1 << 2;
/// The thread is past its closure.
pub(crate) const ENDED: u32 = 1 << 3;
/// There is no handle any more whose owner would join the thread.
pub(crate) const UNOWNED: u32 = 1 << 4;
/// Whoever joins the thread has to let go of its module.
pub(crate) const PINS_MODULE: u32 = 1 << 5;
/// The thread was joined, and is not in the registry any more. Set under the registry's lock.
pub(crate) const JOINED: u32 = 1 << 6;
/// The thread lets itself be frozen while the system is suspended. Never changed.
pub(crate) const FREEZABLE: u32 = 1 << 7;
/// The thread has allowed signals. Changed by the thread only.
pub(crate) const SIGNALS: u32 = 1 << 8;

/// The thread runs a worker, and so ends only when it is joined. Never changed.
pub(crate) const SERVES: u32 = 1 << 9;

/// The thread runs a worker that nobody owns, and has run what was queued.
pub(crate) const FINISHED: u32 = 1 << 10;

/// A set of the flags above.
pub(crate) struct Flags(Atomic<u32>);

impl Flags {
    pub(super) const fn new(flags: u32) -> Self {
        Self(Atomic::new(flags))
    }

    /// All flags.
    #[inline]
    pub(crate) fn get(&self) -> u32 {
        self.0.load(Acquire)
    }

    /// All flags, where nothing else is read because of them.
    #[inline]
    pub(crate) fn peek(&self) -> u32 {
        read_once(&self.0)
    }

    /// Says whether at least one of `flags` is set, in the same way.
    #[inline]
    pub(crate) fn has(&self, flags: u32) -> bool {
        self.peek() & flags != 0
    }

    /// Says whether at least one of `flags` is set.
    #[inline]
    pub(crate) fn any(&self, flags: u32) -> bool {
        self.get() & flags != 0
    }

    /// Sets `flags`; returns those that were set before. A full barrier.
    pub(crate) fn set(&self, flags: u32) -> u32 {
        self.change(|now| Some(now | flags))
            .unwrap_or_else(|now| now)
    }

    /// Clears `flags`. A full barrier.
    pub(crate) fn clear(&self, flags: u32) {
        let _ = self.change(|now| Some(now & !flags));
    }

    /// Replaces the flags by what `change` makes of them; returns what they were.
    ///
    /// # Errors
    ///
    /// What they are, as by [`peek`](Self::peek), if `change` returned `None`.
    pub(crate) fn change(&self, change: impl Fn(u32) -> Option<u32>) -> Result<u32, u32> {
        let mut now = self.peek();
        while let Some(new) = change(now) {
            match self.0.cmpxchg(now, new, Full) {
                Ok(before) => return Ok(before),
                Err(found) => now = found,
            }
        }
        Err(now)
    }
}
