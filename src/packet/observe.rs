// SPDX-License-Identifier: GPL-2.0

//! Looking at a thread from outside.

use super::{
    flags::{
        PARK,
        PARKED,
        STOP, //
    },
    Header,
    Phase, //
};
use crate::{
    bindings,
    sleep::after, //
    state::{
        State,
        SLEEPING,
        WAITING, //
    },
};
use kernel::{
    sync::atomic::ordering::{
        Acquire,
        Relaxed, //
    },
    time::Delta, //
};

impl Header {
    /// What the thread is doing.
    #[inline(never)]
    pub(crate) fn state(&self) -> State {
        let flags = self.flags.get();
        if self.has_ended() {
            State::Ended
        } else if flags & STOP != 0 {
            State::Stopping
        } else if flags & PARK != 0 && self.phase.load(Acquire) == Phase::Idle {
            State::Created
        } else if flags & PARKED != 0 {
            State::Parked
        } else {
            match self.activity.load(Relaxed) {
                SLEEPING => State::Sleeping,
                WAITING => State::Waiting,
                _ => State::Running,
            }
        }
    }

    /// Notes what the thread does. Called by the thread.
    #[inline(never)]
    pub(crate) fn does(&self, activity: u32) {
        self.activity.store(activity, Relaxed);
    }

    /// The number of the CPU that the thread runs on, or ran on last.
    #[inline(never)]
    pub(crate) fn cpu(&self) -> u32 {
        // SAFETY: The header owns a reference to the task.
        self.task()
            .map_or(0, |task| unsafe { bindings::task_cpu(task.as_ptr()) })
    }

    /// The module that the thread belongs to, for the registry's lock to keep there.
    pub(crate) fn owner(&self) -> *mut bindings::module {
        self.owner.as_ptr()
    }

    /// Waits until `done`, or until the time is over; returns the last answer.
    pub(super) fn wait_until(&self, limit: Option<Delta>, done: impl Fn() -> bool) -> bool {
        let end = limit.map(after);
        loop {
            let next = after(LOOK_AGAIN);
            let until = end.map_or(next, |end| end.min(next));
            if self.changes.wait_until_time(until, &done).is_some() {
                return true;
            }
            if end.is_some_and(|end| end <= until) {
                return false;
            }
        }
    }
}

/// How often a waiter looks for what nobody tells: that a thread crashed, or does not answer.
const LOOK_AGAIN: Delta = Delta::from_secs(1);
