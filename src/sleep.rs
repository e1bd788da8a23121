// SPDX-License-Identifier: GPL-2.0

//! How a task sleeps.

use crate::{
    bindings,
    packet::Header, //
};
use core::ptr;
use kernel::time::{
    Delta,
    NSEC_PER_USEC, //
};

/// A way to sleep.
pub(crate) struct Sleep<'a> {
    /// The calling thread, if it is one of this crate.
    pub(crate) thread: Option<&'a Header>,
    /// The state of the task meanwhile.
    pub(crate) state: u32,
    /// Whether one wake-up of a queue wakes one of those who sleep there like this.
    pub(crate) exclusive: bool,
    /// When the sleep ends, by the monotonic clock in nanoseconds.
    pub(crate) until: Option<i64>,
}

/// How long a task slept.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Slept {
    NotAtAll,
    UntilWoken,
    UntilTime,
}

/// By how much a sleep may be late so that timers can be served together: the default slack of
/// every task in the kernel.
const SLACK_NS: u64 = 50 * NSEC_PER_USEC as u64;

/// The time so long from now; a negative duration counts as zero.
pub(crate) fn after(duration: Delta) -> i64 {
    // SAFETY: Reading the clock has no requirements.
    let now = unsafe { bindings::ktime_get() };
    now.saturating_add(duration.as_nanos().max(0))
}

impl<'a> Sleep<'a> {
    /// A sleep in this state, without an end.
    pub(crate) fn new(state: u32) -> Self {
        Self {
            thread: None,
            state,
            exclusive: false,
            until: None,
        }
    }

    /// A sleep of the calling thread that is neither load nor a hung task, and that no signal ends:
    /// one that nobody asked for must not turn a sleep into a busy loop.
    pub(crate) fn idle(thread: &'a Header) -> Self {
        Self {
            thread: Some(thread),
            ..Self::new(bindings::TASK_IDLE)
        }
    }

    /// A sleep of the calling thread that a signal ends.
    pub(crate) fn interruptible(thread: &'a Header) -> Self {
        Self {
            thread: Some(thread),
            ..Self::new(bindings::TASK_INTERRUPTIBLE)
        }
    }

    /// Sleeps, unless `awake` says not to.
    ///
    /// That is asked when the state was set, with a full barrier: of who changes what it looks at,
    /// and then wakes the task, nothing is missed.
    pub(crate) fn sleep(&self, awake: impl FnOnce() -> bool) -> Slept {
        match self.thread {
            Some(thread) if thread.is_freezable() => {
                let state = self.state | bindings::TASK_FREEZABLE;
                thread.may_freeze(|| self.sleep_in(state, awake))
            }
            _ => self.sleep_in(self.state, awake),
        }
    }

    fn sleep_in(&self, state: u32, awake: impl FnOnce() -> bool) -> Slept {
        // SAFETY: Both ways on leave the state running.
        unsafe { bindings::set_current_state(state) };
        if awake() {
            // SAFETY: A task may always declare itself running.
            unsafe { bindings::set_current_state(bindings::TASK_RUNNING) };
            return Slept::NotAtAll;
        }
        let mut until = self.until;
        let expires = until.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
        // SAFETY: `expires` is null, for no end, or outlives the call; the state was set above.
        let left = unsafe {
            bindings::schedule_hrtimeout_range(
                expires,
                SLACK_NS,
                bindings::hrtimer_mode_HRTIMER_MODE_ABS,
            )
        };
        if left == 0 {
            Slept::UntilTime
        } else {
            Slept::UntilWoken
        }
    }
}
