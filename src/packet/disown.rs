// SPDX-License-Identifier: GPL-2.0

//! Threads whose handle is gone, and which are still to be joined.

use super::{
    flags::{
        ENDED,
        FINISHED,
        PINS_MODULE,
        UNOWNED, //
    },
    Header, //
};
use crate::registry;
use kernel::{
    prelude::*,
    task::might_sleep, //
};

impl Header {
    /// Stops and joins the thread because its handle is being dropped; returns whether the thread
    /// is gone. If it is not, the reaper will join it.
    #[inline(never)]
    pub(crate) fn drop_handle(&self) -> bool {
        if self.flags.any(UNOWNED) {
            return false;
        }
        let joined = self.stop().is_ok();
        if self.is_current() {
            // The thread cannot wait for itself. It will see the flag when it ends.
            self.flags.set(UNOWNED);
        }
        joined
    }

    /// Lets the thread go on without a handle: its module stays until it has ended. A thread that
    /// has ended already is left to the handle.
    ///
    /// # Errors
    ///
    /// [`ENODEV`] if the module is being unloaded.
    #[inline(never)]
    pub(crate) fn detach(&self) -> Result {
        might_sleep();
        // A dead thread would never let go of its module.
        if self.has_ended() {
            return Ok(());
        }
        registry::while_registered(self, || {
            self.owner.pin()?;
            let detached = self
                .flags
                .change(|now| (now & ENDED == 0).then_some(now | UNOWNED | PINS_MODULE));
            if detached.is_err() {
                self.owner.unpin();
            }
            Ok(())
        })
    }

    /// Says whether the thread has ended, or will when it is joined, and nobody but the reaper will
    /// join it.
    pub(crate) fn waits_for_reaper(&self) -> bool {
        self.flags.any(UNOWNED) && self.flags.any(ENDED | FINISHED)
    }

    /// Says whether the handle was leaked, as opposed to given up by one of the ways above.
    pub(crate) fn was_leaked(&self) -> bool {
        !self.flags.any(UNOWNED)
    }
}
