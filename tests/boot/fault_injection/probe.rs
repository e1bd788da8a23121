// SPDX-License-Identifier: GPL-2.0

//! Values that count how many of them there are.

use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
};

static ALIVE: Atomic<i32> = Atomic::new(0);

/// What a closure captures, or a thread returns.
pub(crate) struct Probe(());

impl Probe {
    pub(crate) fn new() -> Self {
        ALIVE.add(1, Relaxed);
        Self(())
    }

    /// Fails unless each one was dropped once.
    pub(crate) fn check_all_dropped() -> Result {
        match ALIVE.load(Relaxed) {
            0 => Ok(()),
            alive => {
                pr_err!("{alive} more were made than dropped\n");
                Err(EINVAL)
            }
        }
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        ALIVE.add(-1, Relaxed);
    }
}
