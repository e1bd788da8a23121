// SPDX-License-Identifier: GPL-2.0

//! What a per-CPU thread may do for itself.

use crate::{
    bindings,
    sleep::{
        after,
        Sleep,
        Slept, //
    },
};
use core::marker::PhantomData;
use kernel::{
    cpu::CpuId,
    prelude::*,
    time::Delta,
    types::NotThreadSafe, //
};

/// The thread was asked to leave [`run`](crate::PerCpuThread::run): its CPU is about to go offline,
/// or the handle was dropped.
///
/// As an [`Error`] it is [`EINTR`].
///
/// # Examples
///
/// See [`PerCpuContext::sleep`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leave;

impl From<Leave> for Error {
    fn from(_: Leave) -> Self {
        EINTR
    }
}

/// Proof of running in a thread of a [`PerCpu`](crate::PerCpu), on its own CPU.
///
/// # Examples
///
/// See [`PerCpuContext::sleep`].
pub struct PerCpuContext<'a> {
    cpu: CpuId,
    _call: PhantomData<&'a ()>,
    _not_send: NotThreadSafe,
}

impl PerCpuContext<'_> {
    /// The caller must be the thread of that CPU.
    pub(super) fn new(cpu: CpuId) -> Self {
        Self {
            cpu,
            _call: PhantomData,
            _not_send: NotThreadSafe,
        }
    }

    /// The CPU that this runs on.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`PerCpu`](crate::PerCpu).
    pub fn cpu(&self) -> CpuId {
        self.cpu
    }

    /// Says whether the thread was asked to leave `run`.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use kthread::{Leave, PerCpuContext};
    ///
    /// fn crunch(cx: &PerCpuContext<'_>, blocks: &[u64]) -> Result<u64, Leave> {
    ///     let mut sum = 0u64;
    ///     for block in blocks {
    ///         // The CPU waits for no more than one block when it is to go offline.
    ///         if cx.should_leave() {
    ///             return Err(Leave);
    ///         }
    ///         sum = sum.wrapping_add(*block);
    ///     }
    ///     Ok(sum)
    /// }
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "kthread_should_park")]
    #[doc(alias = "kthread_should_stop")]
    #[must_use = "a thread that ignores it holds up CPU hotplug"]
    #[inline(never)]
    pub fn should_leave(&self) -> bool {
        // SAFETY: The calling task is a kthread.
        unsafe { bindings::kthread_should_stop() || bindings::kthread_should_park() }
    }

    /// Sleeps for `duration`, or until the thread is asked to leave `run`.
    ///
    /// At least as long as asked for, and up to 50 µs longer, so that timers can be served
    /// together. A negative duration counts as zero.
    ///
    /// # Context
    ///
    /// Sleeps, so no spinlock may be held.
    ///
    /// # Errors
    ///
    /// [`Leave`] if the thread was asked to leave before the time was over.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{cpu::CpuId, time::Delta};
    /// use kthread::{Leave, PerCpuContext, PerCpuThread};
    ///
    /// struct Ticker;
    ///
    /// impl PerCpuThread for Ticker {
    ///     fn should_run(&self, _cpu: CpuId) -> bool {
    ///         true
    ///     }
    ///
    ///     fn run(&self, cx: &PerCpuContext<'_>) -> Result<(), Leave> {
    ///         cx.sleep(Delta::from_secs(3600))?;
    ///         pr_info!("an hour is over\n");
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let threads = kthread::per_cpu!("ticker", Ticker)?;
    /// // Does not take an hour.
    /// drop(threads);
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "schedule_hrtimeout_range")]
    #[inline(never)]
    pub fn sleep(&self, duration: Delta) -> Result<(), Leave> {
        let sleep = Sleep {
            until: Some(after(duration)),
            ..Sleep::new(bindings::TASK_IDLE)
        };
        while !self.should_leave() {
            // C sets the flag before it wakes the thread, so neither is missed.
            if sleep.sleep(|| self.should_leave()) == Slept::UntilTime {
                return Ok(());
            }
        }
        Err(Leave)
    }
}
