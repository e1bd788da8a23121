// SPDX-License-Identifier: GPL-2.0

//! Parking a thread.

use super::{
    flags::{
        ENDED,
        FREEZABLE,
        JOINED,
        PARK,
        PARKED,
        STOP, //
    },
    Header, //
};
use crate::{
    compat::EDEADLK,
    sleep::{
        Sleep,
        Slept, //
    }, //
};
use kernel::{
    prelude::*,
    task::might_sleep,
    time::Delta, //
};

impl Header {
    /// Says whether the thread was asked to park.
    #[inline]
    pub(crate) fn should_park(&self) -> bool {
        self.flags.peek() & (PARK | STOP) == PARK
    }

    /// Parks the calling thread for as long as it should, and freezes it likewise.
    #[inline]
    pub(crate) fn park_point(&self) {
        if self.flags.has(PARK | FREEZABLE) {
            self.pause();
        }
    }

    #[inline(never)]
    fn pause(&self) {
        if self.should_park() {
            self.stay_parked();
        }
        if self.is_freezable() {
            self.stay_frozen();
        }
    }

    fn stay_parked(&self) {
        self.flags.set(PARKED);
        self.changes.wake_all();
        // Leaving is one step with the look at the flags, so that who sees `PARKED` after having
        // set `PARK` can rely on it.
        let leave = || {
            self.flags
                .change(|now| (now & (PARK | STOP) != PARK).then_some(now & !PARKED))
                .is_ok()
        };
        while Sleep::idle(self).sleep(leave) != Slept::NotAtAll {}
    }

    /// Asks the thread to park, and waits until it has.
    ///
    /// # Errors
    ///
    /// - [`EDEADLK`] from the thread itself.
    /// - [`EBUSY`] if it was already asked to park.
    /// - [`ESRCH`] if it was asked to stop, or has ended.
    /// - [`ETIMEDOUT`] if the time is over. The thread goes on.
    #[inline(never)]
    pub(crate) fn park(&self, limit: Option<Delta>) -> Result {
        might_sleep();
        if self.is_current() {
            return Err(EDEADLK);
        }
        self.flags
            .change(|now| (now & (PARK | GONE) == 0).then_some(now | PARK))
            .map_err(|now| if now & GONE != 0 { ESRCH } else { EBUSY })?;
        self.wake_up();
        let settled = self.wait_until(limit, || self.flags.any(PARKED | GONE) || self.is_dead());
        if !settled {
            self.unpark();
            return Err(ETIMEDOUT);
        }
        if self.flags.any(GONE) || self.is_dead() {
            self.unpark();
            return Err(ESRCH);
        }
        Ok(())
    }

    /// Lets a parked thread go on. Never sleeps.
    #[inline(never)]
    pub(crate) fn unpark(&self) {
        self.flags.clear(PARK);
        self.wake_up();
    }
}

/// When one of these is set, the thread will not park any more.
const GONE: u32 = STOP | ENDED | JOINED;
