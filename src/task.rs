// SPDX-License-Identifier: GPL-2.0

//! The owned handle of a thread.

use crate::{
    builder::Builder,
    current::Current,
    packet::{
        Header,
        Phase,
        Shared, //
    },
    park_guard::ParkGuard,
    policy::Policy,
    signal::Signal,
    state::State,
    stop_token::StopToken, //
};
use core::{
    marker::PhantomData,
    mem::ManuallyDrop,
    ptr, //
};
use kernel::{
    cpumask::Cpumask,
    prelude::*,
    str::CStr,
    sync::aref::ARef,
    task::Pid,
    time::Delta, //
};

/// How a thread ended.
///
/// # Examples
///
/// See [`Task`].
#[derive(Debug, PartialEq, Eq)]
#[must_use = "it holds what the closure returned"]
pub enum Exit<T> {
    /// The closure returned this.
    Returned(T),
    /// The thread was stopped before the closure began; the closure was dropped. Not an error: a
    /// thread may be stopped before it got its first turn on a CPU.
    NeverRan,
    /// The thread ended without a result: the closure oopsed, or the module whose code it ran was
    /// unloaded.
    Crashed,
}

/// An owned kernel thread.
///
/// Made by [`run!`](crate::run). Dropping it asks the thread to stop, wakes it and waits until it
/// is gone; what the closure returned is dropped.
///
/// A handle that is forgotten ([`core::mem::forget`], a `static`, a reference cycle) leaves the
/// thread running. It is stopped, with a line in the kernel log, when the module whose code it runs
/// is unloaded.
///
/// A handle that is dropped by the thread itself cannot wait. The thread is asked to stop, and goes
/// on without a handle until it has.
///
/// # Context
///
/// Dropping sleeps. It must not hold a lock that the thread needs in order to end.
///
/// # Examples
///
/// ```
/// use kthread::Exit;
///
/// let task = kthread::run!("adder/{}", 7, |_cx| 1 + 2)?;
/// match task.stop()? {
///     Exit::Returned(sum) => pr_info!("{sum}\n"),
///     Exit::NeverRan => pr_info!("stopped before its first turn\n"),
///     Exit::Crashed => pr_info!("see the log\n"),
/// }
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// `header` is in a packet with a result of type `T`, and its thread was created.
#[must_use = "the thread is stopped at once if the handle is not kept"]
pub struct Task<T> {
    header: ARef<Header>,
    _result: PhantomData<T>,
}

// SAFETY: The handle gives access to a `T` only by value, and all else is `Send`.
unsafe impl<T: Send> Send for Task<T> {}

// SAFETY: A shared handle gives no access to a `T`, and all else is `Sync`.
unsafe impl<T: Send> Sync for Task<T> {}

impl<T: Send + 'static> Task<T> {
    /// Starts the planned thread; drops `body` if there is no plan. For [`run!`](crate::run).
    #[doc(hidden)]
    pub fn run<F>(plan: Result<Builder>, body: F) -> Result<Self>
    where
        F: FnOnce(Current<'_>) -> T + Send + 'static,
    {
        // By reference, as a plan is large.
        plan.as_ref().map_err(|error| *error)?.start(body)
    }
}

impl<T> Task<T> {
    /// Makes the handle of a thread that was created.
    ///
    /// # Safety
    ///
    /// `header` must be in a packet with a result of type `T`, and its thread must have been
    /// created.
    pub(crate) unsafe fn from_header(header: ARef<Header>) -> Self {
        // INVARIANT: By the safety requirements.
        Self {
            header,
            _result: PhantomData,
        }
    }

    pub(crate) fn header(&self) -> &Header {
        &self.header
    }

    /// Asks the thread to stop, waits until it is gone, and returns how it ended.
    ///
    /// # Context
    ///
    /// Sleeps, for as long as the closure takes to notice. No lock may be held that the thread
    /// needs in order to end.
    ///
    /// # Errors
    ///
    /// [`EDEADLK`] when the thread calls this on itself, or a `drop` does while the calling task
    /// joins the thread already. It is then asked to stop, as by dropping the handle.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::time::Delta;
    /// use kthread::Exit;
    ///
    /// let task = kthread::run!("turns", |cx| {
    ///     let mut turns = 0;
    ///     while cx.sleep(Delta::from_millis(1)).is_ok() {
    ///         turns += 1;
    ///     }
    ///     turns
    /// })?;
    /// if let Exit::Returned(turns) = task.stop()? {
    ///     pr_info!("{turns} turns\n");
    /// }
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "kthread_stop")]
    pub fn stop(self) -> Result<Exit<T>> {
        self.header.stop()?;
        Ok(self.into_exit())
    }

    /// Waits until the thread ends by itself, and returns how it ended.
    ///
    /// # Context
    ///
    /// Sleeps, for as long as the closure runs. No lock may be held that the thread needs in order
    /// to end.
    ///
    /// # Errors
    ///
    /// [`EDEADLK`] when the thread calls this on itself, or a `drop` does while the calling task
    /// joins the thread already. It is then asked to stop, as by dropping the handle.
    ///
    /// # Examples
    ///
    /// ```
    /// use kthread::Exit;
    ///
    /// let task = kthread::run!("sum", |_cx| (1..=100).sum::<u32>())?;
    /// assert!(task.join()? == Exit::Returned(5050));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn join(self) -> Result<Exit<T>> {
        self.header.join()?;
        Ok(self.into_exit())
    }

    /// Waits until the thread ends by itself, but no longer than `limit`.
    ///
    /// # Context
    ///
    /// Sleeps. No lock may be held that the thread needs in order to end.
    ///
    /// # Errors
    ///
    /// The handle, if the thread still runs: after `limit`, or at once if the thread calls this on
    /// itself. A negative limit counts as zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::time::Delta;
    ///
    /// let task = kthread::run!("slow", |cx| cx.sleep(Delta::from_secs(3600)))?;
    /// let Err(task) = task.join_timeout(Delta::from_millis(1)) else {
    ///     return Err(EINVAL);
    /// };
    /// drop(task);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn join_timeout(self, limit: Delta) -> Result<Exit<T>, Self> {
        // Once the thread is past the closure, joining takes no longer than its last few steps.
        if self.header.wait_ended(limit) && self.header.join().is_ok() {
            Ok(self.into_exit())
        } else {
            Err(self)
        }
    }

    /// Says whether the thread has ended.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// let task = kthread::run!("quick", |_cx| ())?;
    /// while !task.is_finished() {
    ///     kernel::time::delay::fsleep(kernel::time::Delta::from_millis(1));
    /// }
    /// # Ok::<(), Error>(())
    /// ```
    pub fn is_finished(&self) -> bool {
        self.header.has_ended()
    }

    /// How the thread ended. It must have been joined: there is nothing left to be stopped.
    fn into_exit(self) -> Exit<T> {
        let this = ManuallyDrop::new(self);
        // SAFETY: The handle is not dropped, so this is the one that owns the reference.
        let header = unsafe { ptr::read(&this.header) };
        match header.claim_result() {
            // SAFETY: By the type invariant the result is a `T`, and it was just claimed.
            Ok(()) => Exit::Returned(unsafe { Shared::read_result(&header) }),
            Err(Phase::NeverRan) => Exit::NeverRan,
            Err(_) => Exit::Crashed,
        }
    }

    /// Asks the thread to stop, and does not wait.
    ///
    /// # Context
    ///
    /// Any but NMI. Does not sleep, but calls the hook that [`Current::on_stop`] set.
    ///
    /// # Examples
    ///
    /// Stopping many threads takes no longer than the slowest of them:
    ///
    /// ```
    /// let mut tasks = KVec::new();
    /// for i in 0..4 {
    ///     tasks.push(
    ///         kthread::run!("many/{}", i, |cx| while !cx.should_stop() {
    ///             let _ = cx.sleep(kernel::time::Delta::from_secs(1));
    ///         })?,
    ///         GFP_KERNEL,
    ///     )?;
    /// }
    /// for task in &tasks {
    ///     task.request_stop();
    /// }
    /// drop(tasks);
    /// # Ok::<(), Error>(())
    /// ```
    pub fn request_stop(&self) {
        self.header.request_stop();
    }

    /// A token with which others can ask the thread to stop.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`StopToken`].
    pub fn stop_token(&self) -> StopToken {
        StopToken::new(&self.header)
    }

    /// Parks the thread: waits until it comes to a point where it can be held, and holds it there.
    ///
    /// Such points are [`Current::park_point`] and each wait of [`Current`].
    ///
    /// # Context
    ///
    /// Sleeps, until the thread parks, ends, crashes or is asked to stop. No lock may be held that
    /// the thread needs in order to come to such a point, and it must not be parking the caller.
    ///
    /// # Errors
    ///
    /// - [`EBUSY`] if the thread is parked already, or is about to be.
    /// - [`ESRCH`] if it has ended, or was asked to stop.
    /// - [`EDEADLK`] if the thread calls this on itself.
    ///
    /// # Examples
    ///
    /// See [`ParkGuard`].
    #[doc(alias = "kthread_park")]
    pub fn park(&self) -> Result<ParkGuard<'_>> {
        self.header.park(None)?;
        Ok(ParkGuard::new(&self.header))
    }

    /// Parks the thread like [`park`](Self::park), but waits no longer than `limit`.
    ///
    /// # Context
    ///
    /// Sleeps.
    ///
    /// # Errors
    ///
    /// Those of [`park`](Self::park), and [`ETIMEDOUT`] if the thread came to no such point; it
    /// then goes on. A negative limit counts as zero.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::time::Delta;
    ///
    /// let stubborn = kthread::builder!("stubborn")?.create(|cx| while !cx.should_stop() {})?;
    /// let task = stubborn.start_and_wait();
    /// assert_eq!(task.park_timeout(Delta::from_millis(1)).err(), Some(ETIMEDOUT));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn park_timeout(&self, limit: Delta) -> Result<ParkGuard<'_>> {
        self.header.park(Some(limit))?;
        Ok(ParkGuard::new(&self.header))
    }

    /// Lets the thread go on without a handle. It keeps its module from being unloaded until it
    /// ends, by itself or by a [`StopToken`]; what it returns is dropped by the thread.
    ///
    /// A detached thread that crashes keeps its module for good. One whose module fails to
    /// initialise is stopped.
    ///
    /// # Context
    ///
    /// Sleeps.
    ///
    /// # Errors
    ///
    /// [`ENODEV`] if the module is being unloaded. The thread is then stopped and joined, as by
    /// dropping the handle.
    ///
    /// # Examples
    ///
    /// ```
    /// kthread::run!("errand", |_cx| pr_info!("done\n"))?.detach()?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "module_put_and_kthread_exit")]
    pub fn detach(self) -> Result {
        self.header.detach()
    }

    /// Wakes the thread, should it sleep. A [`Current::sleep`] goes on until its time is over.
    ///
    /// # Context
    ///
    /// Any but NMI. Does not sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// let task = kthread::run!("light", |_cx| ())?;
    /// task.wake_up();
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "wake_up_process")]
    pub fn wake_up(&self) {
        self.header.wake_up();
    }

    /// Changes the scheduling policy.
    ///
    /// # Context
    ///
    /// Sleeps.
    ///
    /// # Errors
    ///
    /// Those of the scheduler, such as [`EBUSY`] where it admits no more real-time tasks.
    ///
    /// # Examples
    ///
    /// ```
    /// use kthread::{Nice, Policy};
    ///
    /// let task = kthread::run!("background", |_cx| ())?;
    /// task.set_policy(Policy::Normal(Nice::new(19)?))?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "sched_set_fifo")]
    #[doc(alias = "sched_set_fifo_low")]
    #[doc(alias = "sched_set_normal")]
    #[doc(alias = "set_user_nice")]
    pub fn set_policy(&self, policy: Policy) -> Result {
        self.header.set_policy(policy)
    }

    /// Lets the thread run on these CPUs only.
    ///
    /// A hint: CPU hotplug and the administrator may overwrite it.
    ///
    /// # Context
    ///
    /// Sleeps.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if none of the CPUs is online.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{cpu::CpuId, cpumask::CpumaskVar};
    ///
    /// let task = kthread::run!("movable", |_cx| ())?;
    /// let mut here = CpumaskVar::new_zero(GFP_KERNEL)?;
    /// here.set(CpuId::current());
    /// task.set_affinity(&here)?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "set_cpus_allowed_ptr")]
    pub fn set_affinity(&self, cpus: &Cpumask) -> Result {
        self.header.set_affinity(cpus)
    }

    /// Sends the thread a signal, as `kill` does.
    ///
    /// One that the thread has not [allowed](crate::Current::allow_signal) is lost, and of several
    /// of one number all but the first may be.
    ///
    /// # Context
    ///
    /// Any but hard interrupts and NMI. Does not sleep.
    ///
    /// # Errors
    ///
    /// [`ESRCH`] if the thread has ended.
    ///
    /// # Examples
    ///
    /// See [`Current::wait_interruptible`](crate::Current::wait_interruptible).
    #[doc(alias = "send_sig")]
    pub fn send_signal(&self, signal: Signal) -> Result {
        self.header.send_signal(signal)
    }

    /// What the thread was doing a moment ago.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`State`].
    pub fn state(&self) -> State {
        self.header.state()
    }

    /// The CPU that the thread ran on a moment ago.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// let task = kthread::run!("somewhere", |_cx| ())?;
    /// pr_info!("runs on CPU {}\n", task.cpu());
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "task_cpu")]
    pub fn cpu(&self) -> u32 {
        self.header.cpu()
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
    /// let task = kthread::run!("called/{}", 1, |_cx| ())?;
    /// assert_eq!(task.name().to_bytes(), b"called/1");
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
    /// let task = kthread::run!("named", |_cx| ())?;
    /// pr_info!("runs as {}\n", task.pid());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn pid(&self) -> Pid {
        self.header.pid()
    }
}

impl<T> Drop for Task<T> {
    fn drop(&mut self) {
        if self.header.drop_handle() && self.header.claim_result().is_ok() {
            // SAFETY: By the type invariant the result is a `T`, and it was just claimed.
            drop(unsafe { Shared::<T>::read_result(&self.header) });
        }
    }
}

/// Creates and starts a kernel thread.
///
/// Takes a format string with its arguments, which give the thread its name, and the closure to
/// run. The closure gets a [`Current`], and may return any value that is `Send`; `()` and
/// `Result<(), Stopped>` are the usual ones. Returns [`Result<Task<T>>`](Task).
///
/// The thread belongs to the module that uses the macro. `/proc/PID/comm` shows the whole name,
/// `ps` and the kernel log its first 15 bytes.
///
/// # Context
///
/// Sleeps. A task that was killed cannot start threads.
///
/// # Errors
///
/// - [`ENOMEM`] if memory is short.
/// - [`EINVAL`] if the name contains a NUL.
/// - [`EINTR`] if the calling task was killed.
/// - [`EAGAIN`] if there are too many tasks. C also says so where memory is short for one of its
///   blocks.
/// - [`ENODEV`] if the module is being unloaded, and is past its own cleaning up.
///
/// In each case the closure was dropped.
///
/// # Examples
///
/// ```
/// use kernel::time::Delta;
/// use kthread::Stopped;
///
/// let cpu = 3;
/// let task = kthread::run!("heartbeat/{}", cpu, |cx| -> Result<(), Stopped> {
///     loop {
///         pr_info!("still here\n");
///         cx.sleep(Delta::from_secs(1))?;
///     }
/// })?;
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "kthread_run")]
#[macro_export]
macro_rules! run {
    ($name:tt, $($rest:tt)+) => {
        $crate::__run!([$name] $($rest)+)
    };
}

/// Splits the arguments of [`run!`] before the last one.
#[doc(hidden)]
#[macro_export]
macro_rules! __run {
    ([$($name:tt)+] $body:expr $(,)?) => {
        $crate::Task::run($crate::builder!($($name)+), $body)
    };
    ([$($name:tt)+] $arg:expr, $($rest:tt)+) => {
        $crate::__run!([$($name)+, $arg] $($rest)+)
    };
}
