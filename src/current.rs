// SPDX-License-Identifier: GPL-2.0

//! What a thread may do for itself.

use crate::{
    bindings,
    packet::Header,
    sleep::{
        after,
        Sleep,
        Slept, //
    },
    state::SLEEPING,
    stop_token::StopToken,
    ticks::Ticks,
};
use core::panic::Location;
use kernel::{
    prelude::*,
    str::CStr,
    task::{
        might_sleep,
        Pid, //
    },
    time::{
        Delta,
        Instant,
        Monotonic, //
    },
    types::NotThreadSafe, //
};

mod mm;
mod signals;
mod waits;

pub use self::signals::Interrupted;

/// The thread was asked to stop.
///
/// A wait that ends for this reason returns it as an error, so that `?` leaves the body of the
/// thread. As an [`Error`] it is [`EINTR`].
///
/// # Examples
///
/// See [`Current::sleep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stopped;

impl From<Stopped> for Error {
    fn from(_: Stopped) -> Self {
        EINTR
    }
}

/// Proof of running in a thread of this crate.
///
/// The closure of a thread gets it as its argument, and it cannot leave the closure: all that
/// concerns the calling thread is a method of it.
///
/// # Examples
///
/// ```
/// use kthread::Current;
///
/// fn count(cx: Current<'_>) -> u64 {
///     let mut turns = 0;
///     while !cx.should_stop() {
///         turns += 1;
///         // The count survives a stop, so the reason for waking up does not matter.
///         let _ = cx.sleep(kernel::time::Delta::from_millis(1));
///     }
///     turns
/// }
///
/// let counter = kthread::run!("counter", count)?;
/// let turns = counter.stop()?;
/// # Ok::<(), Error>(())
/// ```
pub struct Current<'a> {
    header: &'a Header,
    _not_send: NotThreadSafe,
}

impl<'a> Current<'a> {
    /// The caller must be the thread of `header`.
    pub(crate) fn new(header: &'a Header) -> Self {
        Self {
            header,
            _not_send: NotThreadSafe,
        }
    }

    /// Says whether the thread was asked to stop. It orders nothing: what the asker has written
    /// before may be seen later.
    ///
    /// # Context
    ///
    /// Any. Does not sleep; costs one load.
    ///
    /// # Examples
    ///
    /// ```
    /// let task = kthread::run!("spinner", |cx| {
    ///     while !cx.should_stop() {
    ///         core::hint::spin_loop();
    ///     }
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "kthread_should_stop")]
    #[must_use = "a thread that ignores it cannot be stopped"]
    #[inline]
    pub fn should_stop(&self) -> bool {
        self.header.should_stop()
    }

    /// Sleeps for `duration`, or until the thread is asked to stop. Parks when asked to.
    ///
    /// The sleep is at least as long as asked for, and up to 50 µs longer so that timers can be
    /// served together, unless the thread has a real-time policy. A negative duration counts as
    /// zero; one too long to be represented lasts until the thread is asked to stop.
    ///
    /// # Context
    ///
    /// Sleeps, so no spinlock may be held.
    ///
    /// # Errors
    ///
    /// [`Stopped`] if the thread was asked to stop before the time was over.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::time::Delta;
    /// use kthread::Stopped;
    ///
    /// let task = kthread::run!("sleeper", |cx| -> Result<(), Stopped> {
    ///     loop {
    ///         cx.sleep(Delta::from_secs(3600))?;
    ///     }
    /// })?;
    /// // Does not take an hour.
    /// drop(task);
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "schedule_hrtimeout_range")]
    #[doc(alias = "msleep_interruptible")]
    #[doc(alias = "schedule_timeout_idle")]
    #[track_caller]
    pub fn sleep(&self, duration: Delta) -> Result<(), Stopped> {
        self.sleep_until_time(after(duration))
    }

    /// Sleeps until a point in time, or until the thread is asked to stop. Parks when asked to.
    ///
    /// Up to 50 µs longer, so that timers can be served together. Returns at once if the time is
    /// over.
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
    /// ```
    /// use kernel::time::{Delta, Instant, Monotonic};
    ///
    /// let deadline = Instant::<Monotonic>::now() + Delta::from_millis(5);
    /// let task = kthread::run!("punctual", move |cx| cx.sleep_until(deadline))?;
    /// assert!(task.join()? == kthread::Exit::Returned(Ok(())));
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "schedule_hrtimeout_range")]
    #[track_caller]
    pub fn sleep_until(&self, time: Instant<Monotonic>) -> Result<(), Stopped> {
        loop {
            // As the clocks are not read at once, this is too early rather than too late.
            let before = after(Delta::ZERO);
            let left = time - Instant::now();
            self.sleep_until_time(before.saturating_add(left.as_nanos()))?;
            if (time - Instant::now()).as_nanos() <= 0 {
                return Ok(());
            }
        }
    }

    /// Ticks at a steady rate, the first of which comes a period from now.
    ///
    /// A period shorter than a microsecond counts as one.
    ///
    /// # Context
    ///
    /// Any. Does not sleep; [`Ticks::wait`] does.
    ///
    /// # Examples
    ///
    /// See [`Ticks`].
    pub fn every(&self, period: Delta) -> Ticks {
        Ticks::new(period)
    }

    /// Sleeps until a time of the monotonic clock in nanoseconds.
    #[inline(never)]
    #[track_caller]
    pub(crate) fn sleep_until_time(&self, expires: i64) -> Result<(), Stopped> {
        let sleep = Sleep {
            // The last time that there is never comes.
            until: (expires != i64::MAX).then_some(expires),
            ..Sleep::idle(self.header)
        };
        self.sleep_until_done(&sleep, || self.go_on())
    }

    /// Sleeps until the time is over, or until `go_on` returns a reason not to.
    #[track_caller]
    fn sleep_until_done<E>(
        &self,
        sleep: &Sleep<'_>,
        mut go_on: impl FnMut() -> Result<(), E>,
    ) -> Result<(), E> {
        self.header
            .while_doing(SLEEPING, Location::caller(), || loop {
                go_on()?;
                // The barrier before the look at the flags pairs with the ones in
                // `Header::request_stop` and `Header::park`.
                if sleep.sleep(|| sleep.is_asked()) == Slept::UntilTime {
                    return Ok(());
                }
            })
    }

    /// Parks if the thread should, and says whether it should stop.
    fn go_on(&self) -> Result<(), Stopped> {
        self.header.park_point();
        if self.should_stop() {
            Err(Stopped)
        } else {
            Ok(())
        }
    }

    /// Says whether the thread was asked to park.
    ///
    /// # Context
    ///
    /// Any. Does not sleep; costs one load.
    ///
    /// # Examples
    ///
    /// ```
    /// let task = kthread::run!("polite", |cx| while !cx.should_stop() {
    ///     if cx.should_park() {
    ///         pr_info!("about to park\n");
    ///     }
    ///     cx.park_point();
    /// })?;
    /// drop(task.park()?);
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "kthread_should_park")]
    #[must_use = "it has no effect but its answer"]
    #[inline]
    pub fn should_park(&self) -> bool {
        self.header.should_park()
    }

    /// Parks the thread if it was asked to, until it may go on or is asked to stop.
    ///
    /// A [`sleep`](Self::sleep) is such a point, too.
    ///
    /// # Context
    ///
    /// Sleeps, so no spinlock may be held. A lock that the parking task wants must not be held
    /// either.
    ///
    /// # Examples
    ///
    /// See [`should_park`](Self::should_park).
    #[doc(alias = "kthread_parkme")]
    pub fn park_point(&self) {
        might_sleep();
        self.header.park_point();
    }

    /// Calls `body`, during which a request to stop the thread also calls `hook`.
    ///
    /// For a body that waits for something that knows nothing of the thread: the hook releases it.
    /// It is called once, or not at all if there is no such request before `body` returns. If the
    /// thread was asked to stop before, it is called at once, before `body`.
    ///
    /// # Context
    ///
    /// That of `body`. The hook is called by whoever asks the thread to stop, with interrupts
    /// disabled and under a raw spinlock: it may neither sleep nor wait. If a hard interrupt asks,
    /// it may do no more than that interrupt may:
    /// [`WaitQueue::wake_all`](crate::WaitQueue::wake_all), but no `complete_all()`. A hook that
    /// oopses panics the kernel.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::sync::{Arc, Completion};
    ///
    /// let answer = Arc::pin_init(Completion::new(), GFP_KERNEL)?;
    /// let task = kthread::run!("blocked", move |cx| {
    ///     cx.on_stop(|| answer.complete_all(), || answer.wait_for_completion());
    /// })?;
    /// // Does not wait for an answer that never comes.
    /// drop(task);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn on_stop<R>(&self, hook: impl FnMut() + Send, body: impl FnOnce() -> R) -> R {
        self.header.on_stop(hook, body)
    }

    /// Calls `body`, in which the kernel's own interruptible waits are not ended by the request to
    /// stop.
    ///
    /// For cleaning up after a stop: [`Task::stop`](crate::Task::stop) marks the thread as having a
    /// signal, so that it leaves such waits, and the mark stays. The waits of this type end all the
    /// same; what is for other tasks does not, such as [`WaitQueue::wait`](crate::WaitQueue::wait).
    ///
    /// On Linux 7.2 a mark that is set while `body` runs still ends its waits.
    ///
    /// # Context
    ///
    /// That of `body`.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{new_condvar, new_mutex, sync::{Arc, CondVar, Mutex}};
    ///
    /// #[pin_data]
    /// struct Shared {
    ///     #[pin]
    ///     busy: Mutex<bool>,
    ///     #[pin]
    ///     idle: CondVar,
    /// }
    ///
    /// let shared = Arc::pin_init(
    ///     pin_init!(Shared {
    ///         busy <- new_mutex!(false),
    ///         idle <- new_condvar!(),
    ///     }),
    ///     GFP_KERNEL,
    /// )?;
    /// let task = kthread::run!("thorough", move |cx| {
    ///     while cx.sleep(kernel::time::Delta::from_secs(1)).is_ok() {}
    ///     cx.uninterrupted(|| {
    ///         let mut busy = shared.busy.lock();
    ///         while *busy {
    ///             // Sleeps until it is notified, though the thread was asked to stop.
    ///             let _ = shared.idle.wait_interruptible(&mut busy);
    ///         }
    ///     });
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "no_notify_signal_save")]
    #[doc(alias = "no_notify_signal_restore")]
    pub fn uninterrupted<R>(&self, body: impl FnOnce() -> R) -> R {
        let _quiet = NoNotifySignal::new();
        body()
    }

    /// Lets other tasks run, if there are any that should.
    ///
    /// For a thread that works for long without sleeping: on a kernel without preemption nothing
    /// else would run on its CPU.
    ///
    /// # Context
    ///
    /// May sleep, so no spinlock may be held.
    ///
    /// # Examples
    ///
    /// ```
    /// let task = kthread::run!("busy", |cx| while !cx.should_stop() {
    ///     cx.cond_resched();
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn cond_resched(&self) {
        // SAFETY: A thread may give up its CPU.
        unsafe { bindings::cond_resched() };
    }

    /// A token with which others can ask this thread to stop.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`StopToken`].
    pub fn stop_token(&self) -> StopToken {
        StopToken::new(self.header)
    }

    /// The thread's whole name.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// let task = kthread::run!("introduces/{}", "itself", |cx| pr_info!("{}\n", cx.name()))?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "get_kthread_comm")]
    pub fn name(&self) -> &CStr {
        self.header.name()
    }

    /// The thread's id, as in `ps`.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// let task = kthread::run!("itself", |cx| cx.pid())?;
    /// # Ok::<(), Error>(())
    /// ```
    pub fn pid(&self) -> Pid {
        self.header.pid()
    }
}

/// While it is there, the calling task is not taken for one that has a signal because of
/// `TIF_NOTIFY_SIGNAL`, which `kthread_stop()` sets.
struct NoNotifySignal {
    flags: c_uint,
    _not_send: NotThreadSafe,
}

impl NoNotifySignal {
    #[inline(never)]
    fn new() -> Self {
        Self {
            // SAFETY: The function has no requirements.
            flags: unsafe { bindings::no_notify_signal_save() },
            _not_send: NotThreadSafe,
        }
    }
}

impl Drop for NoNotifySignal {
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: These are the flags of this task from before.
        unsafe { bindings::no_notify_signal_restore(self.flags) };
    }
}
