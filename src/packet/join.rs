// SPDX-License-Identifier: GPL-2.0

//! Waiting for a thread's end, and clearing up after it.

use super::{
    flags::{
        ENDED,
        JOINED,
        PINS_MODULE,
        STOP, //
    },
    Header,
    Phase, //
};
use crate::{
    bindings,
    compat::EDEADLK,
    once::read_once,
    registry, //
};
use core::ptr::NonNull;
use kernel::{
    prelude::*,
    sync::{
        aref::ARef,
        atomic::ordering::{
            Acquire,
            Full, //
        },
        rcu, //
    },
    task::{
        might_sleep,
        Task, //
    },
    time::Delta, //
};

impl Header {
    /// Asks the thread to stop, and waits until it is gone.
    ///
    /// # Errors
    ///
    /// [`EDEADLK`] where waiting would never end: from the thread itself, and from a `drop` that is
    /// called while the thread is being joined.
    #[inline(never)]
    pub(crate) fn stop(&self) -> Result {
        self.ask_to_stop();
        self.join()
    }

    /// Waits until the thread ends, by itself or because someone asked it to stop, and is gone.
    ///
    /// # Errors
    ///
    /// As for [`stop`](Self::stop).
    #[inline(never)]
    pub(crate) fn join(&self) -> Result {
        self.join_and(|| {}).map(|_| ())
    }

    /// Like [`stop`](Self::stop), but drops a result that is there; returns whether this call was
    /// the one that joined the thread. Otherwise the result is for the one that did.
    pub(crate) fn reap(&self) -> Result<bool> {
        self.ask_to_stop();
        self.join_and(|| self.discard_result())
    }

    /// Joins the thread, which is woken if it was asked to stop, and calls `last` while its module
    /// is still kept from leaving.
    fn join_and(&self, last: impl FnOnce()) -> Result<bool> {
        might_sleep();
        let Some(task) = self.task() else {
            return Ok(false);
        };
        if self.is_current() {
            return Err(EDEADLK);
        }
        if !self.claim_join()? {
            if self.should_stop() {
                // Who joins it does so, too, but may itself be frozen.
                self.wake_up();
            }
            self.wait_joined(task);
            return Ok(false);
        }
        self.tell_lockdep();
        if !self.should_stop() {
            self.wait_until(None, || self.flags.any(ENDED | STOP) || self.is_dead());
        }
        // SAFETY: `task` is a kthread that we own a reference to, and by the claim above this is
        // the only call for it.
        unsafe { bindings::kthread_stop(task.as_ptr()) };

        self.discard_closure();
        let queue = self.clear_queue();
        last();
        self.leave(task);
        drop(queue);
        Ok(true)
    }

    /// Becomes the one task that joins the thread; returns whether it did.
    ///
    /// The completion that `kthread_stop()` waits for is good for one waiter.
    ///
    /// # Errors
    ///
    /// [`EDEADLK`] if the calling task is in the middle of joining the thread.
    fn claim_join(&self) -> Result<bool> {
        let current = ARef::<Task>::from(&**current!());
        match self
            .joiner
            .cmpxchg(core::ptr::null_mut(), current.as_ptr(), Full)
        {
            Ok(_) => {
                // INVARIANT: The reference passes to the header.
                let _ = ARef::into_raw(current);
                Ok(true)
            }
            Err(joiner) if core::ptr::eq(joiner, current.as_ptr()) && !self.flags.any(JOINED) => {
                Err(EDEADLK)
            }
            Err(_) => Ok(false),
        }
    }

    /// Waits until the task that claimed the join has joined the thread.
    fn wait_joined(&self, task: &Task) {
        // That task may crash, too, in the `drop` of what it found in the packet.
        self.wait_until(None, || self.flags.any(JOINED) || self.joiner_is_dead());
        if !self.flags.any(JOINED) {
            self.leave(task);
        }
    }

    /// Leaves the registry, and lets go of all who wait for the join. Only the first call does so.
    fn leave(&self, task: &Task) {
        let Some(_registered) = registry::remove(self) else {
            return;
        };
        self.changes.wake_all();
        // The claim, be it that of a dead task, ends in a way that nobody else gets it.
        if let Some(joiner) = NonNull::new(self.joiner.xchg(task.as_ptr(), Full)) {
            // SAFETY: By the type invariant the header owned a reference, which is given up here.
            drop(unsafe { ARef::from_raw(joiner.cast::<Task>()) });
        }
    }

    /// Lets go of the module. To be called when the thread leaves the registry, under its lock.
    pub(crate) fn unpin_module(&self) {
        if self.flags.has(PINS_MODULE) {
            self.owner.unpin();
        }
    }

    /// Tells lockdep that the calling task waits for the thread. It must have claimed the join.
    pub(crate) fn tell_lockdep(&self) {
        // A thread may wait for others that were made in the same place, as a tree of threads does.
        #[cfg(CONFIG_LOCKDEP)]
        if !Self::of_current().is_some_and(|current| current.body.is_like(&self.body)) {
            self.body.acquire();
            self.body.release();
        }
    }

    /// Says whether the thread has ended, or will without running any more of the closure.
    #[inline(never)]
    pub(crate) fn has_ended(&self) -> bool {
        self.flags.any(ENDED | JOINED) || self.is_dead()
    }

    /// Waits, for as long as `limit`, until the thread has ended without being asked to; returns
    /// whether it has.
    #[inline(never)]
    pub(crate) fn wait_ended(&self, limit: Delta) -> bool {
        might_sleep();
        !self.is_current() && self.wait_until(Some(limit), || self.has_ended())
    }

    /// Says whether the thread's task is dead, be it that it crashed and so could not tell.
    pub(super) fn is_dead(&self) -> bool {
        // SAFETY: The header owns a reference to the task.
        self.task()
            .is_some_and(|task| unsafe { is_dead(task.as_ptr()) })
    }

    fn joiner_is_dead(&self) -> bool {
        let _rcu = rcu::read_lock();
        let joiner = self.joiner.load(Acquire);
        // SAFETY: By the type invariant the header owns a reference to the joiner, or it is the
        // thread, whose task the header owns. If the reference was given up since, the task is
        // still there: `put_task_struct()` frees it after a grace period.
        !joiner.is_null() && unsafe { is_dead(joiner) }
    }

    /// Drops a closure that has not begun, and never will: its thread must be past it or gone, or
    /// never have been there.
    pub(super) fn discard_closure(&self) {
        // It hardly ever is.
        let idle = read_once(&self.phase) == Phase::Idle;
        if idle
            && self
                .phase
                .cmpxchg(Phase::Idle, Phase::NeverRan, Full)
                .is_ok()
        {
            // SAFETY: The packet holds the closure, and by the change of phase it is ours to drop.
            unsafe { (self.vtable.drop_closure)(self.block) };
        }
    }

    /// Takes the result out of the packet's care: on success it is the caller's to move or drop.
    ///
    /// # Errors
    ///
    /// The phase, if the packet holds no result.
    #[inline(never)]
    pub(crate) fn claim_result(&self) -> Result<(), Phase> {
        self.phase
            .cmpxchg(Phase::Returned, Phase::Taken, Full)
            .map(|_| ())
    }

    /// Drops the result, if it is there.
    pub(super) fn discard_result(&self) {
        if self.claim_result().is_ok() {
            // SAFETY: The packet holds the result, and it was just claimed.
            unsafe { (self.vtable.drop_result)(self.block) };
        }
    }
}

/// Says whether a task is dead.
///
/// # Safety
///
/// The task must be valid.
pub(crate) unsafe fn is_dead(task: *const bindings::task_struct) -> bool {
    // SAFETY: The field is one word, which C changes under a lock and reads without.
    unsafe { (&raw const (*task).exit_state).read_volatile() != 0 }
}
