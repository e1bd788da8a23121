// SPDX-License-Identifier: GPL-2.0

//! Looking at a thread from outside.

use super::{
    flags::{
        PARK,
        PARKED,
        SERVES,
        STOP, //
    },
    Header,
    Phase, //
};
use crate::{
    bindings, lookout,
    once::{
        read_once,
        write_once, //
    },
    sleep::{
        after,
        LOOK_AGAIN, //
    },
    state::{
        State,
        SLEEPING,
        WAITING, //
    },
};
use core::{
    panic::Location,
    ptr, //
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
                _ if self.waits_for_items() => State::Waiting,
                _ => State::Running,
            }
        }
    }

    /// Says whether the thread is in C's loop for workers, and has nothing to do.
    fn waits_for_items(&self) -> bool {
        self.flags.has(SERVES)
            && self.task().is_some_and(|task| {
                // SAFETY: The task is valid. This is a word that C changes at any time.
                let state = unsafe { (&raw const (*task.as_ptr()).__state).read_volatile() };
                state & bindings::TASK_INTERRUPTIBLE != 0
            })
    }

    /// Calls `body`, during which the thread is said to do something in a place of its code. Called
    /// by the thread.
    pub(crate) fn while_doing<R>(
        &self,
        activity: u32,
        place: &'static Location<'static>,
        body: impl FnOnce() -> R,
    ) -> R {
        // A condition may itself wait for something.
        let before = self.does(activity, ptr::from_ref(place).cast_mut());
        let result = body();
        self.does(before.0, before.1);
        result
    }

    /// Notes what the thread does; returns what it did before.
    #[inline(never)]
    fn does(&self, activity: u32, place: *mut Location<'static>) -> (u32, *mut Location<'static>) {
        let before = (read_once(&self.activity), read_once(&self.place));
        write_once(&self.activity, activity);
        // INVARIANT: The place of a call is in the code that makes it.
        write_once(&self.place, place);
        before
    }

    /// Where the thread sleeps or waits, if it does.
    ///
    /// # Safety
    ///
    /// The thread must be in the registry for as long as the place is used.
    pub(crate) unsafe fn place(&self) -> Option<&Location<'static>> {
        // SAFETY: By the type invariant and the safety requirements, as the code that a thread runs
        // is there until it has left the registry.
        unsafe { self.place.load(Relaxed).as_ref() }
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
    pub(crate) fn wait_until(&self, limit: Option<Delta>, done: impl Fn() -> bool) -> bool {
        let Some(limit) = limit else {
            lookout::while_waiting(|| self.changes.wait(done));
            return true;
        };
        let end = after(limit);
        loop {
            let until = end.min(after(LOOK_AGAIN));
            if self.changes.wait_until_time(until, &done).is_some() {
                return true;
            }
            if end <= until {
                return false;
            }
        }
    }
}
