// SPDX-License-Identifier: GPL-2.0

//! Asking a thread to stop.

use super::{
    flags::STOP,
    Header, //
};

impl Header {
    /// Says whether the thread was asked to stop.
    #[inline]
    pub(crate) fn should_stop(&self) -> bool {
        self.flags.has(STOP)
    }

    /// Asks the thread to stop. Never sleeps.
    #[inline(never)]
    pub(crate) fn request_stop(&self) {
        self.ask_to_stop();
        // A full barrier in here orders the flag before the look at the task's state: pairs with
        // the one in `set_current_state()` of the thread, so one of the two sees the other.
        self.wake_up();
    }

    /// Does so, for who wakes the thread afterwards: `kthread_stop()` has that barrier as well.
    pub(super) fn ask_to_stop(&self) {
        self.hooks.stop(&self.flags);
        // Those who wait for the thread to begin or to park wait no longer.
        self.changes.wake_all();
    }

    /// Calls `body`, during which a request to stop the thread also calls `hook`.
    pub(crate) fn on_stop<H, F, R>(&self, hook: H, body: F) -> R
    where
        H: FnMut() + Send,
        F: FnOnce() -> R,
    {
        self.hooks.while_set(&self.flags, hook, body)
    }
}
