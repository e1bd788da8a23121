// SPDX-License-Identifier: GPL-2.0

//! What a thread is to be like, before there is one.

use crate::{
    created::Created,
    current::Current,
    owner::Owner,
    packet::{
        Header,
        Packet, //
    },
    placement::Placement,
    policy::Policy,
    task::Task, //
};
use kernel::{
    cpu::CpuId,
    cpumask::CpumaskVar,
    fmt,
    prelude::*,
    str::CString, //
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
pub struct Builder {
    owner: Owner,
    plan: Plan,
}

/// The part of a [`Builder`] that the creation of the thread needs.
pub(crate) struct Plan {
    pub(crate) name: CString,
    pub(crate) node: Option<u32>,
    pub(crate) placement: Placement,
    pub(crate) policy: Option<Policy>,
}

impl Builder {
    /// Plans a thread in the name of `owner`.
    ///
    /// Use [`builder!`](crate::builder), which knows the owner.
    #[doc(hidden)]
    pub fn new(owner: Owner, name: fmt::Arguments<'_>) -> Result<Self> {
        Ok(Self {
            owner,
            plan: Plan {
                name: CString::try_from_fmt(name)?,
                node: None,
                placement: Placement::Default,
                policy: None,
            },
        })
    }

    /// Asks for the thread's stack and `task_struct` to be on this NUMA node.
    ///
    /// A thread that is neither bound nor has preferred CPUs then also runs on the node's CPUs.
    /// Creation fails with [`EINVAL`] if the node is not online.
    #[doc(alias = "kthread_create_on_node")]
    pub fn node(mut self, node: u32) -> Self {
        self.plan.node = Some(node);
        self
    }

    /// Binds the thread to a CPU. Replaces preferred CPUs.
    ///
    /// Creation fails with [`EINVAL`] if the machine cannot have such a CPU. If the CPU goes
    /// offline, the binding is lost for good: it is no licence to use per-CPU data unlocked.
    #[doc(alias = "kthread_bind")]
    pub fn bind(mut self, cpu: CpuId) -> Self {
        self.plan.placement = Placement::Bound(cpu);
        self
    }

    /// Lets the thread run on these CPUs for as long as one of them is online. Replaces a binding.
    ///
    /// Creation fails with [`EINVAL`] if the mask is empty.
    #[doc(alias = "kthread_affine_preferred")]
    pub fn affine_preferred(mut self, cpus: CpumaskVar) -> Self {
        self.plan.placement = Placement::Preferred(cpus);
        self
    }

    /// Sets the scheduling policy; without it, that is [`Policy::Normal`] with nice 0.
    #[doc(alias = "sched_set_fifo")]
    #[doc(alias = "sched_set_fifo_low")]
    #[doc(alias = "sched_set_normal")]
    pub fn policy(mut self, policy: Policy) -> Self {
        self.plan.policy = Some(policy);
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
    #[doc(alias = "kthread_create")]
    pub fn create<F, T>(self, body: F) -> Result<Created<T>>
    where
        F: FnOnce(Current<'_>) -> T + Send + 'static,
        T: Send + 'static,
    {
        let header = Header::create(Packet::allocate(self.owner, body)?, &self.plan)?;
        // SAFETY: The packet was just made for a `T`, and its thread was created.
        Ok(Created(unsafe { Task::from_header(header) }))
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
    #[doc(alias = "kthread_run")]
    pub fn run<F, T>(self, body: F) -> Result<Task<T>>
    where
        F: FnOnce(Current<'_>) -> T + Send + 'static,
        T: Send + 'static,
    {
        Ok(self.create(body)?.start())
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
        $crate::Builder::new($crate::__owner!(), ::kernel::prelude::fmt!($($name)+))
    };
}
