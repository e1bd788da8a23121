// SPDX-License-Identifier: GPL-2.0

//! How a task sleeps.

use crate::{
    bindings,
    packet::{
        flags::{
            PARK,
            STOP, //
        },
        Header, //
    },
};
use kernel::{
    task::Task,
    time::Delta, //
};

/// A way to sleep.
pub(crate) struct Sleep<'a> {
    /// The calling thread, if it is one of this crate that may be frozen meanwhile, or that heeds
    /// what it is asked for.
    pub(crate) thread: Option<&'a Header>,
    /// Whether the sleep ends when the thread is asked to stop or to park.
    pub(crate) heeds: bool,
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

/// The time so long from now; a negative duration counts as zero, and the longest one never ends.
pub(crate) fn after(duration: Delta) -> i64 {
    if duration.as_nanos() == i64::MAX {
        return i64::MAX;
    }
    // SAFETY: Reading the clock has no requirements.
    let now = unsafe { bindings::ktime_get() };
    now.saturating_add(duration.as_nanos().max(0))
}

impl<'a> Sleep<'a> {
    /// A sleep in this state, without an end, of whichever task that calls this.
    #[inline(never)]
    pub(crate) fn new(state: u32) -> Self {
        Self {
            // Most tasks are not frozen in here, and it is known at once that they are not.
            //
            // SAFETY: The function has no requirements.
            thread: unsafe { bindings::is_freezable_kthread() }
                .then(Header::of_current)
                .flatten(),
            heeds: false,
            state,
            exclusive: false,
            until: None,
        }
    }

    /// A sleep of the calling thread that is neither load nor a hung task, and that no signal ends:
    /// one that nobody asked for must not turn a sleep into a busy loop.
    pub(crate) fn idle(thread: &'a Header) -> Self {
        Self::of(thread, bindings::TASK_IDLE)
    }

    /// A sleep of the calling thread that a signal ends.
    pub(crate) fn interruptible(thread: &'a Header) -> Self {
        Self::of(thread, bindings::TASK_INTERRUPTIBLE)
    }

    fn of(thread: &'a Header, state: u32) -> Self {
        Self {
            thread: Some(thread),
            heeds: true,
            state,
            exclusive: false,
            until: None,
        }
    }

    /// Says whether the task may be frozen meanwhile.
    pub(crate) fn is_freezable(&self) -> bool {
        self.thread.is_some_and(Header::is_freezable)
    }

    /// Says whether the thread is asked for something that ends the sleep.
    pub(crate) fn is_asked(&self) -> bool {
        self.heeds
            && self
                .thread
                .is_some_and(|thread| thread.flags.has(STOP | PARK))
    }

    /// Says whether the time is over.
    pub(crate) fn is_over(&self) -> bool {
        self.until.is_some_and(|until| after(Delta::ZERO) >= until)
    }

    /// Sleeps, unless `awake` says not to.
    ///
    /// That is asked when the state was set, with a full barrier: of who changes what it looks at,
    /// and then wakes the task, nothing is missed.
    pub(crate) fn sleep(&self, awake: impl FnOnce() -> bool) -> Slept {
        let freezable = if self.is_freezable() {
            bindings::TASK_FREEZABLE
        } else {
            0
        };
        // SAFETY: Both ways on leave the state running.
        unsafe { bindings::set_current_state(self.state | freezable) };
        if awake() {
            // SAFETY: A task may always declare itself running.
            unsafe { bindings::set_current_state(bindings::TASK_RUNNING) };
            return Slept::NotAtAll;
        }
        match self.until {
            Some(until) => sleep_until(until),
            None => {
                // SAFETY: The state was set above.
                unsafe { bindings::schedule() };
                Slept::UntilWoken
            }
        }
    }
}

/// How often a waiter looks for what nobody tells: that a thread crashed, or does not answer.
pub(crate) const LOOK_AGAIN: Delta = Delta::from_secs(1);

/// Sleeps, in the state that the task has set, until a time or until it is woken.
fn sleep_until(mut until: i64) -> Slept {
    // SAFETY: The time outlives the call.
    let left = unsafe {
        bindings::schedule_hrtimeout_range(
            &mut until,
            timer_slack(),
            bindings::hrtimer_mode_HRTIMER_MODE_ABS,
        )
    };
    if left == 0 {
        Slept::UntilTime
    } else {
        Slept::UntilWoken
    }
}

/// By how much a timer of the calling task may be late, in nanoseconds, so that it can be served
/// together with others: 50 µs, unless it has a real-time policy.
fn timer_slack() -> u64 {
    // SAFETY: The calling task is there.
    unsafe { (&raw const (*Task::current_raw()).timer_slack_ns).read_volatile() }
}
