// SPDX-License-Identifier: GPL-2.0

//! What a thread waits for.

use super::{
    Current,
    Stopped, //
};
use crate::{
    event::Event,
    sleep::{
        after,
        Sleep, //
    },
    state::WAITING,
    wait_queue::{
        Outcome,
        WaitQueue, //
    },
};
use core::panic::Location;
use kernel::{
    sync::lock::{
        Backend,
        Guard,
        Lock, //
    },
    time::Delta, //
};

impl Current<'_> {
    /// Waits until the condition holds, and returns its value, or until the thread is asked to
    /// stop. Parks when asked to.
    ///
    /// A thread that was asked to stop before does not look at the condition.
    ///
    /// # Context
    ///
    /// Sleeps, so no spinlock may be held.
    ///
    /// # Errors
    ///
    /// [`Stopped`] if the thread was asked to stop before the condition held.
    ///
    /// # Examples
    ///
    /// See [`WaitQueue`].
    #[doc(alias = "wait_event_idle")]
    #[track_caller]
    pub fn wait<C: Outcome>(
        &self,
        queue: &WaitQueue,
        mut condition: impl FnMut() -> C,
    ) -> Result<C::Value, Stopped> {
        loop {
            let sleep = Sleep::idle(self.header);
            if let Some(value) = self.wait_idle(queue, &sleep, &mut condition)? {
                return Ok(value);
            }
        }
    }

    /// Waits like [`wait`](Self::wait), as one of those of whom [`WaitQueue::wake_one`] wakes one.
    ///
    /// One that is woken looks at the condition before it sees that it is to stop, so what the
    /// wake-up was for is not left behind.
    ///
    /// # Context
    ///
    /// Sleeps, so no spinlock may be held.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Self::wait).
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{new_mutex, sync::{Arc, Mutex}};
    /// use kthread::{new_wait_queue, Current, Stopped, WaitQueue};
    ///
    /// #[pin_data]
    /// struct Jobs {
    ///     #[pin]
    ///     list: Mutex<KVec<u32>>,
    ///     #[pin]
    ///     queue: WaitQueue,
    /// }
    ///
    /// fn work(cx: Current<'_>, jobs: &Jobs) -> Result<(), Stopped> {
    ///     loop {
    ///         let job = cx.wait_exclusive(&jobs.queue, || jobs.list.lock().pop())?;
    ///         pr_info!("job {job}\n");
    ///     }
    /// }
    ///
    /// let jobs = Arc::pin_init(
    ///     pin_init!(Jobs {
    ///         list <- new_mutex!(KVec::new()),
    ///         queue <- new_wait_queue!(),
    ///     }),
    ///     GFP_KERNEL,
    /// )?;
    /// let one = kthread::run!("one", { let jobs = jobs.clone(); move |cx| work(cx, &jobs) })?;
    /// let two = kthread::run!("two", { let jobs = jobs.clone(); move |cx| work(cx, &jobs) })?;
    /// jobs.list.lock().push(7, GFP_KERNEL)?;
    /// jobs.queue.wake_one();
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "wait_event_idle_exclusive")]
    #[track_caller]
    pub fn wait_exclusive<C: Outcome>(
        &self,
        queue: &WaitQueue,
        mut condition: impl FnMut() -> C,
    ) -> Result<C::Value, Stopped> {
        loop {
            let sleep = Sleep {
                exclusive: true,
                ..Sleep::idle(self.header)
            };
            if let Some(value) = self.wait_idle(queue, &sleep, &mut condition)? {
                return Ok(value);
            }
        }
    }

    /// Waits like [`wait`](Self::wait), but no longer than `limit`; returns the condition's value
    /// if it holds.
    ///
    /// The wait is at least as long as asked for, and up to 50 µs longer; a negative limit counts
    /// as zero. A condition that holds when the time is over still counts.
    ///
    /// # Context
    ///
    /// Sleeps, so no spinlock may be held.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Self::wait).
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{sync::Arc, time::Delta};
    /// use kthread::new_wait_queue;
    ///
    /// let queue = Arc::pin_init(new_wait_queue!(), GFP_KERNEL)?;
    /// let task = kthread::run!("impatient", move |cx| {
    ///     cx.wait_timeout(&queue, Delta::from_millis(1), || false)
    /// })?;
    /// assert!(task.join()? == kthread::Exit::Returned(Ok(None)));
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "wait_event_idle_timeout")]
    #[track_caller]
    pub fn wait_timeout<C: Outcome>(
        &self,
        queue: &WaitQueue,
        limit: Delta,
        condition: impl FnMut() -> C,
    ) -> Result<Option<C::Value>, Stopped> {
        let sleep = Sleep {
            until: Some(after(limit)),
            ..Sleep::idle(self.header)
        };
        self.wait_idle(queue, &sleep, condition)
    }

    /// Waits like [`wait`](Self::wait) for a condition on what a lock protects. The lock is not
    /// held meanwhile.
    ///
    /// Takes the guard of the lock, and gives it back when the condition holds.
    ///
    /// # Context
    ///
    /// Sleeps, so no other spinlock may be held.
    ///
    /// # Errors
    ///
    /// Those of [`wait`](Self::wait); the lock is not held then.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{new_mutex, sync::{Arc, Mutex}};
    /// use kthread::{new_wait_queue, WaitQueue};
    ///
    /// #[pin_data]
    /// struct Jobs {
    ///     #[pin]
    ///     list: Mutex<KVec<u32>>,
    ///     #[pin]
    ///     queue: WaitQueue,
    /// }
    ///
    /// let jobs = Arc::pin_init(
    ///     pin_init!(Jobs {
    ///         list <- new_mutex!(KVec::new()),
    ///         queue <- new_wait_queue!(),
    ///     }),
    ///     GFP_KERNEL,
    /// )?;
    /// let task = kthread::run!("collector", {
    ///     let jobs = jobs.clone();
    ///     move |cx| -> Result<usize, kthread::Stopped> {
    ///         let list = jobs.list.lock();
    ///         let mut list = cx.wait_locked(&jobs.queue, list, |list| list.len() >= 2)?;
    ///         let jobs = list.len();
    ///         list.clear();
    ///         Ok(jobs)
    ///     }
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "wait_event_lock_irq")]
    #[track_caller]
    pub fn wait_locked<'l, T: ?Sized, B: Backend>(
        &self,
        queue: &WaitQueue,
        guard: Guard<'l, T, B>,
        mut condition: impl FnMut(&T) -> bool,
    ) -> Result<Guard<'l, T, B>, Stopped> {
        // With the lock the thread must not park.
        if self.should_stop() {
            return Err(Stopped);
        }
        if condition(&guard) {
            return Ok(guard);
        }
        let lock: &'l Lock<T, B> = guard.lock_ref();
        drop(guard);
        self.wait(queue, || {
            let guard = lock.lock();
            condition(&guard).then_some(guard)
        })
    }

    /// Waits until the event is raised, and consumes it, or until the thread is asked to stop.
    /// Parks when asked to.
    ///
    /// If several threads wait, each time that the event is raised is for one of them.
    ///
    /// # Context
    ///
    /// Sleeps, so no spinlock may be held.
    ///
    /// # Errors
    ///
    /// [`Stopped`] if the thread was asked to stop before.
    ///
    /// # Examples
    ///
    /// See [`Event`].
    #[doc(alias = "wait_for_completion")]
    #[track_caller]
    pub fn wait_event(&self, event: &Event) -> Result<(), Stopped> {
        self.wait_exclusive(event.queue(), || event.take())
    }

    /// Waits like [`wait_event`](Self::wait_event), but no longer than `limit`; says whether the
    /// event was raised.
    ///
    /// # Context
    ///
    /// Sleeps, so no spinlock may be held.
    ///
    /// # Errors
    ///
    /// Those of [`wait_event`](Self::wait_event).
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{sync::Arc, time::Delta};
    ///
    /// let event = Arc::pin_init(kthread::new_event!(), GFP_KERNEL)?;
    /// let task = kthread::run!("watchful", move |cx| -> Result<(), kthread::Stopped> {
    ///     while cx.wait_event_timeout(&event, Delta::from_secs(1))? {
    ///         pr_info!("still alive\n");
    ///     }
    ///     Ok(())
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "wait_for_completion_timeout")]
    #[track_caller]
    pub fn wait_event_timeout(&self, event: &Event, limit: Delta) -> Result<bool, Stopped> {
        let sleep = Sleep {
            exclusive: true,
            until: Some(after(limit)),
            ..Sleep::idle(self.header)
        };
        let taken = self.wait_idle(event.queue(), &sleep, || event.take())?;
        Ok(taken.is_some())
    }

    #[track_caller]
    fn wait_idle<C: Outcome>(
        &self,
        queue: &WaitQueue,
        sleep: &Sleep<'_>,
        condition: impl FnMut() -> C,
    ) -> Result<Option<C::Value>, Stopped> {
        self.wait_in(queue, sleep, condition, || self.go_on())
    }

    /// Waits in the queue, or until `go_on` returns a reason not to.
    #[track_caller]
    pub(super) fn wait_in<C: Outcome, E>(
        &self,
        queue: &WaitQueue,
        sleep: &Sleep<'_>,
        condition: impl FnMut() -> C,
        go_on: impl FnMut() -> Result<(), E>,
    ) -> Result<Option<C::Value>, E>
    where
        E: From<Stopped>,
    {
        self.go_on()?;
        self.header.while_doing(WAITING, Location::caller(), || {
            queue.wait_until(sleep, condition, go_on)
        })
    }
}
