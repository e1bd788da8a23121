// SPDX-License-Identifier: GPL-2.0

//! What a thread is to be like, before there is one.

use crate::{
    created::Created,
    current::Current,
    lock_class::LockClass,
    name::Name,
    owner::Owner,
    packet::{
        flags::{
            FREEZABLE,
            PARK,
            SERVES, //
        },
        Header,
        Packet, //
    },
    placement::Placement,
    policy::Policy,
    scope::{
        OpenScope,
        Scope, //
    },
    task::Task,
    worker::Core, //
};
use core::ptr;
use kernel::{
    cpu::CpuId,
    cpumask::CpumaskVar,
    fmt,
    prelude::*,
    sync::Arc, //
};

/// The plan of a thread.
///
/// Made by [`builder!`](crate::builder), which takes the name. Where the thread is placed and how
/// it is scheduled is settled before it runs its first instruction.
///
/// # Examples
///
/// ```
/// use kernel::cpu::CpuId;
/// use kthread::Policy;
///
/// let task = kthread::builder!("sampler/{}", 0)?
///     .bind(CpuId::current())
///     .policy(Policy::FifoLow)
///     .run(|cx| while cx.sleep(kernel::time::Delta::from_millis(10)).is_ok() {})?;
/// # Ok::<(), Error>(())
/// ```
#[must_use = "a plan starts no thread"]
pub struct Builder(pub(crate) Plan);

/// What is in a [`Builder`].
pub(crate) struct Plan {
    pub(crate) owner: Owner,
    pub(crate) class: LockClass,
    pub(crate) name: Name,
    pub(crate) node: Option<u32>,
    pub(crate) placement: Placement,
    pub(crate) policy: Option<Policy>,
    pub(crate) freezable: bool,
    /// What the thread is to serve, if it is to be that of a worker.
    pub(crate) queue: Option<Arc<Core>>,
}

/// Plans a thread in the name of `owner`. Use [`builder!`](crate::builder), which knows owner and
/// class.
///
/// The name is what the kernel log says when a driver is loaded that was built against another
/// build of the crate: a symbol of that name, with what tells builds apart, is unknown.
#[doc(hidden)]
#[inline(never)]
pub fn this_module_needs_the_kthread_that_it_was_built_with(
    owner: Owner,
    class: LockClass,
    name: fmt::Arguments<'_>,
) -> Result<Builder> {
    Ok(Builder(Plan {
        owner,
        class,
        name: Name::new(name)?,
        node: None,
        placement: Placement::Default,
        policy: None,
        freezable: false,
        queue: None,
    }))
}

impl Builder {
    /// Asks for the thread's stack and `task_struct` to be on this NUMA node.
    ///
    /// A thread that is neither bound nor has preferred CPUs then also runs on the node's CPUs.
    ///
    /// # Errors
    ///
    /// Creation fails with [`EINVAL`] if the node is not online.
    ///
    /// # Examples
    ///
    /// ```
    /// let task = kthread::builder!("near")?.node(0).run(|_cx| ())?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "kthread_create_on_node")]
    pub fn node(mut self, node: u32) -> Self {
        self.0.node = Some(node);
        self
    }

    /// Binds the thread to a CPU. Replaces preferred CPUs.
    ///
    /// If the CPU goes offline, the binding is lost for good: it is no licence to use per-CPU data
    /// unlocked.
    ///
    /// # Errors
    ///
    /// Creation fails with [`EINVAL`] if the machine cannot have such a CPU.
    ///
    /// # Examples
    ///
    /// See [`Builder`].
    #[doc(alias = "kthread_bind")]
    pub fn bind(mut self, cpu: CpuId) -> Self {
        self.0.placement = Placement::Bound(cpu);
        self
    }

    /// Lets the thread run on these CPUs for as long as one of them is online. Replaces a binding.
    ///
    /// # Errors
    ///
    /// Creation fails with [`EINVAL`] if the mask is empty, and with [`ENOMEM`] if memory is short.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{cpu::CpuId, cpumask::CpumaskVar};
    ///
    /// let mut cpus = CpumaskVar::new_zero(GFP_KERNEL)?;
    /// cpus.set(CpuId::current());
    /// let task = kthread::builder!("close")?.affine_preferred(cpus).run(|_cx| ())?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "kthread_affine_preferred")]
    pub fn affine_preferred(mut self, cpus: CpumaskVar) -> Self {
        self.0.placement = Placement::Preferred(cpus);
        self
    }

    /// Sets the scheduling policy; without it, that is [`Policy::Normal`] with nice 0.
    ///
    /// # Errors
    ///
    /// Creation fails with those of [`Task::set_policy`].
    ///
    /// # Examples
    ///
    /// See [`Builder`].
    #[doc(alias = "sched_set_fifo")]
    #[doc(alias = "sched_set_fifo_low")]
    #[doc(alias = "sched_set_normal")]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.0.policy = Some(policy);
        self
    }

    /// Lets the thread be frozen while the system is suspended.
    ///
    /// For a thread that may not touch its device or a file system then. By default threads go on.
    ///
    /// It is frozen wherever [`Current`] lets it wait, sleep or park. If it works for long without,
    /// it has to call [`Current::park_point`] now and then: a suspend that it keeps waiting for
    /// 20 seconds fails. While it is frozen it neither stops nor parks: who stops, joins or parks
    /// it waits until the system goes on, and so must not be what the system waits for, such as a
    /// driver's suspend or resume callback. It must not hold a lock where it waits, either.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::time::Delta;
    ///
    /// let task = kthread::builder!("writer")?
    ///     .freezable()
    ///     .run(|cx| while cx.sleep(Delta::from_millis(100)).is_ok() {})?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "set_freezable")]
    #[doc(alias = "kthread_freezable_should_stop")]
    pub fn freezable(mut self) -> Self {
        self.0.freezable = true;
        self
    }

    /// Creates the thread, and does not start it.
    ///
    /// # Context
    ///
    /// Sleeps. A task that was killed cannot create threads.
    ///
    /// # Errors
    ///
    /// Those of [`run!`](crate::run), and those of the options.
    ///
    /// # Examples
    ///
    /// See [`Created`].
    #[doc(alias = "kthread_create")]
    pub fn create<F, T>(self, body: F) -> Result<Created<T>>
    where
        F: FnOnce(Current<'_>) -> T + Send + 'static,
        T: Send + 'static,
    {
        // SAFETY: Closure and result are `'static`.
        unsafe { self.make(PARK, ptr::null(), body) }.map(Created)
    }

    /// Creates and starts the thread.
    ///
    /// # Context
    ///
    /// Sleeps.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create).
    ///
    /// # Examples
    ///
    /// See [`Builder`].
    #[doc(alias = "kthread_run")]
    pub fn run<F, T>(self, body: F) -> Result<Task<T>>
    where
        F: FnOnce(Current<'_>) -> T + Send + 'static,
        T: Send + 'static,
    {
        self.start(body)
    }

    /// Creates and starts a thread of this plan.
    pub(crate) fn start<F, T>(&self, body: F) -> Result<Task<T>>
    where
        F: FnOnce(Current<'_>) -> T + Send + 'static,
        T: Send + 'static,
    {
        // SAFETY: Closure and result are `'static`.
        unsafe { self.make(0, ptr::null(), body) }
    }

    /// Creates and starts the thread in a scope, so that it may borrow.
    ///
    /// # Context
    ///
    /// Sleeps.
    ///
    /// # Errors
    ///
    /// Those of [`create`](Self::create), and [`ENODEV`] if the scope is about to end.
    ///
    /// # Examples
    ///
    /// See [`scope()`](crate::scope()).
    pub fn run_scoped<'scope, F, T>(
        self,
        scope: &'scope Scope<'scope, '_>,
        body: F,
    ) -> Result<Task<T>>
    where
        F: FnOnce(Current<'_>) -> T + Send + 'scope,
        T: Send + 'scope,
    {
        // SAFETY: What is borrowed for `'scope` outlives the scope, at whose end the thread is
        // joined, whatever happens to the handle.
        unsafe { self.make(0, scope.open(), body) }
    }

    /// Makes the thread.
    ///
    /// # Safety
    ///
    /// Those of [`Packet::allocate`].
    unsafe fn make<F, T>(&self, flags: u32, scope: *const OpenScope, body: F) -> Result<Task<T>>
    where
        F: FnOnce(Current<'_>) -> T + Send,
        T: Send,
    {
        let flags = flags
            | if self.0.freezable { FREEZABLE } else { 0 }
            | if self.0.queue.is_some() { SERVES } else { 0 };
        // SAFETY: By the safety requirements.
        let packet = unsafe { Packet::allocate(&self.0, flags, scope, body) }?;
        let header = Header::create(packet, &self.0)?;
        // SAFETY: The packet was just made for a `T`, and its thread was created.
        Ok(unsafe { Task::from_header(header) })
    }
}

/// Plans a kernel thread: takes a format string with its arguments, which give the thread its name.
///
/// Returns [`Result<Builder>`](Builder), for whose errors see [`run!`](crate::run). The thread
/// belongs to the module that uses the macro.
///
/// # Examples
///
/// ```
/// let task = kthread::builder!("plain/{}", 1)?.run(|_cx| ())?;
/// # Ok::<(), Error>(())
/// ```
#[macro_export]
macro_rules! builder {
    ($($name:tt)+) => {
        $crate::__private::this_module_needs_the_kthread_that_it_was_built_with(
            $crate::__owner!(),
            $crate::__lock_class!(),
            ::kernel::prelude::fmt!($($name)+),
        )
    };
}
