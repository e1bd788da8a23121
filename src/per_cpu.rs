// SPDX-License-Identifier: GPL-2.0

//! Threads that are there once for each CPU, and follow CPU hotplug.

mod callbacks;
mod context;
mod instance;
pub(crate) mod instances;
mod store;

pub use self::context::{
    Leave,
    PerCpuContext, //
};

use self::instance::Instance;
use crate::builder::Builder;
use kernel::{
    cpu::CpuId,
    prelude::*,
    sync::Arc, //
};

/// What the threads of a [`PerCpu`] do. They share one value of this type.
///
/// Each thread calls [`should_run`](Self::should_run) whenever it wakes up, and then
/// [`run`](Self::run) for as long as that returns `true`. The other methods tell it of the life of
/// its CPU; all calls for one CPU come one after the other.
///
/// ```text
///  CPU online          CPU goes offline           CPU back
///     │                       │                      │
///   setup ─▶ should_run, run ─┴▶ park ─▶ (nothing) ──┴▶ unpark ─▶ should_run, run ..
///                 │                          │
///                 └───── handle dropped ─────┴──▶ cleanup
/// ```
///
/// # Context
///
/// All but `should_run` may sleep, but a CPU that is to go offline waits for them, and all other
/// hotplug with it; so does who drops the handle. They must not wait for CPU hotplug: whatever
/// takes its lock is forbidden, such as making a workqueue, which lockdep reports. To make a
/// [`PerCpu`] is an error in such a thread, and one that is dropped there is ended later.
///
/// A method that oopses ends the thread of its CPU for good, and a warning comes whenever that CPU
/// goes offline. Everything else goes on, and the handle can be dropped. Only if the CPU is waiting
/// for the thread at that moment, it waits for ever.
///
/// # Examples
///
/// See [`PerCpu`].
#[doc(alias = "smp_hotplug_thread")]
pub trait PerCpuThread: Send + Sync + 'static {
    /// Says whether there is something to do on this CPU.
    ///
    /// # Context
    ///
    /// Called on that CPU with preemption disabled: it must not sleep, nor take what sleeps, such
    /// as a [`Mutex`](kernel::sync::Mutex), or, on `PREEMPT_RT`, a
    /// [`SpinLock`](kernel::sync::SpinLock). To look at atomics is what it is for.
    fn should_run(&self, cpu: CpuId) -> bool;

    /// Does it, or a part of it, on the CPU that the context tells.
    ///
    /// What it returns makes no difference; it lets `?` leave the method.
    ///
    /// # Errors
    ///
    /// [`Leave`] when it left early, as a wait told it to.
    fn run(&self, cx: &PerCpuContext<'_>) -> Result<(), Leave>;

    /// Called before all else of a thread, when its CPU is online for the first time.
    fn setup(&self, cpu: CpuId) {
        let _ = cpu;
    }

    /// Called last, if `setup` was called. `online` says whether the CPU is; if it is not, this
    /// runs on another one.
    fn cleanup(&self, cpu: CpuId, online: bool) {
        let _ = (cpu, online);
    }

    /// Called when the CPU is about to go offline.
    fn park(&self, cpu: CpuId) {
        let _ = cpu;
    }

    /// Called when the CPU is back, if `park` was called before.
    fn unpark(&self, cpu: CpuId) {
        let _ = cpu;
    }
}

impl<T: PerCpuThread> PerCpuThread for Arc<T> {
    fn should_run(&self, cpu: CpuId) -> bool {
        T::should_run(self, cpu)
    }

    fn run(&self, cx: &PerCpuContext<'_>) -> Result<(), Leave> {
        T::run(self, cx)
    }

    fn setup(&self, cpu: CpuId) {
        T::setup(self, cpu);
    }

    fn cleanup(&self, cpu: CpuId, online: bool) {
        T::cleanup(self, cpu, online);
    }

    fn park(&self, cpu: CpuId) {
        T::park(self, cpu);
    }

    fn unpark(&self, cpu: CpuId) {
        T::unpark(self, cpu);
    }
}

/// A thread on each CPU that is online.
///
/// The owned handle, made by [`per_cpu!`](crate::per_cpu). Dropping it stops the threads, waits
/// until they are gone, and drops the value that they share. A thread whose CPU goes offline is
/// parked until the CPU is back; a CPU that is new gets a thread.
///
/// The threads are called `name/N`, `N` being the CPU. They are not in the crate's list in debugfs.
///
/// A handle that is forgotten leaves the threads running. They are stopped, with a line in the
/// kernel log, when the module whose code they run is unloaded.
///
/// # Context
///
/// Dropping sleeps, for as long as the threads take to notice, and takes the lock of CPU hotplug.
/// No lock may be held that one of them needs, nor that of CPU hotplug. In a thread of a `PerCpu` a
/// handle may be dropped anywhere; what it stands for is then ended a moment later.
///
/// # Examples
///
/// ```
/// use kernel::{cpu::CpuId, sync::{atomic::{Atomic, Relaxed}, Arc}};
/// use kthread::{Leave, PerCpuContext, PerCpuThread};
///
/// struct Flusher {
///     dirty: [Atomic<bool>; 64],
/// }
///
/// impl Flusher {
///     fn dirty(&self, cpu: CpuId) -> &Atomic<bool> {
///         &self.dirty[cpu.as_u32() as usize % self.dirty.len()]
///     }
/// }
///
/// impl PerCpuThread for Flusher {
///     fn should_run(&self, cpu: CpuId) -> bool {
///         self.dirty(cpu).load(Relaxed)
///     }
///
///     fn run(&self, cx: &PerCpuContext<'_>) -> Result<(), Leave> {
///         self.dirty(cx.cpu()).store(false, Relaxed);
///         pr_info!("flushed CPU {}\n", cx.cpu().as_u32());
///         Ok(())
///     }
/// }
///
/// let flusher = Flusher { dirty: [const { Atomic::new(false) }; 64] };
/// let flusher = Arc::new(flusher, GFP_KERNEL)?;
/// let threads = kthread::per_cpu!("flusher", flusher.clone())?;
/// let cpu = CpuId::current();
/// flusher.dirty(cpu).store(true, Relaxed);
/// threads.wake_up(cpu);
/// # Ok::<(), Error>(())
/// ```
#[must_use = "the threads are stopped at once if the handle is not kept"]
pub struct PerCpu(Arc<Instance>);

impl PerCpu {
    /// Starts the planned threads; drops `value` if there is no plan. For
    /// [`per_cpu!`](crate::per_cpu).
    #[doc(hidden)]
    pub fn register<T: PerCpuThread>(plan: Result<Builder>, value: T) -> Result<Self> {
        let plan = plan?;
        let value: *mut T = KBox::into_raw(KBox::new(value, GFP_KERNEL)?);
        // SAFETY: The value was just made a box, and is handed over.
        unsafe { Instance::register(plan.0, value, drop_value::<T>) }.map(Self)
    }

    /// Wakes the thread of a CPU, so that it looks whether there is something to do.
    ///
    /// Does nothing for a CPU that is offline, or that there is not. A [`PerCpuContext::sleep`]
    /// goes on until its time is over.
    ///
    /// # Context
    ///
    /// Any but NMI. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`PerCpu`].
    #[doc(alias = "wake_up_process")]
    pub fn wake_up(&self, cpu: CpuId) {
        self.0.wake_up(cpu);
    }

    /// Wakes all threads.
    ///
    /// # Context
    ///
    /// Any but NMI. Does not sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::cpu::CpuId;
    /// use kthread::{Leave, PerCpuContext, PerCpuThread};
    ///
    /// struct Idle;
    ///
    /// impl PerCpuThread for Idle {
    ///     fn should_run(&self, _cpu: CpuId) -> bool {
    ///         false
    ///     }
    ///
    ///     fn run(&self, _cx: &PerCpuContext<'_>) -> Result<(), Leave> {
    ///         Ok(())
    ///     }
    /// }
    ///
    /// let threads = kthread::per_cpu!("idle", Idle)?;
    /// threads.wake_all();
    /// # Ok::<(), Error>(())
    /// ```
    pub fn wake_all(&self) {
        self.0.wake_all();
    }
}

impl Drop for PerCpu {
    fn drop(&mut self) {
        self.0.drop_handle();
    }
}

/// Drops the value that the threads shared.
///
/// # Safety
///
/// `value` must be a box of a `T`, which the caller gives up.
unsafe fn drop_value<T: PerCpuThread>(value: *mut dyn PerCpuThread) {
    // SAFETY: By the safety requirements.
    drop(unsafe { KBox::from_raw(value.cast::<T>()) });
}

/// Starts a thread on each CPU.
///
/// Takes a format string with its arguments, which give the threads the first part of their name,
/// and a value that is [`PerCpuThread`], or an [`Arc`] of one. Returns
/// [`Result<PerCpu>`](crate::PerCpu).
///
/// The threads belong to the module that uses the macro.
///
/// # Context
///
/// Sleeps, and takes the lock of CPU hotplug, which must not be held. A task that was killed cannot
/// start threads.
///
/// # Errors
///
/// Those of [`run!`](crate::run), and [`EDEADLK`] in a thread of a [`PerCpu`](crate::PerCpu), for
/// which CPU hotplug may be waiting.
///
/// In each case the value was dropped.
///
/// # Examples
///
/// See [`PerCpu`](crate::PerCpu).
#[doc(alias = "smpboot_register_percpu_thread")]
#[macro_export]
macro_rules! per_cpu {
    ($name:tt, $($rest:tt)+) => {
        $crate::__per_cpu!([$name] $($rest)+)
    };
}

/// Splits the arguments of [`per_cpu!`] before the last one.
#[doc(hidden)]
#[macro_export]
macro_rules! __per_cpu {
    ([$($name:tt)+] $value:expr $(,)?) => {
        $crate::PerCpu::register($crate::builder!($($name)+), $value)
    };
    ([$($name:tt)+] $arg:expr, $($rest:tt)+) => {
        $crate::__per_cpu!([$($name)+, $arg] $($rest)+)
    };
}
