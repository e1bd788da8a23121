// SPDX-License-Identifier: GPL-2.0

//! Workers: threads that run items one after the other.

mod context;
mod core;
mod flush;
mod load;

pub use self::context::WorkContext;
pub(crate) use self::{
    context::{
        run_item,
        ItemType, //
    },
    core::{
        unbind,
        Core, //
    },
    flush::init_work, //
};

use self::core::Refusal;
use crate::{
    bindings,
    builder::Builder,
    compat::{
        as_millis_ceil,
        ESHUTDOWN, //
    },
    current::Current,
    delayed_work::DelayedWorkItemPointer,
    packet::Header,
    state::State,
    task::Task,
    work::WorkItemPointer, //
};
use ::core::ops::Deref;
use kernel::{
    prelude::*,
    str::CStr,
    sync::{
        Arc, //
    },
    task::Pid,
    time::{
        msecs_to_jiffies,
        Delta, //
    },
};

/// A thread that runs items, one after the other, in the order in which they were queued.
///
/// The owned handle, made by [`Builder::worker`]. Dropping it closes the queue, lets all that was
/// queued run, and waits until the thread is gone. If an item itself drops the handle, that happens
/// later. An item may also ask its own thread to stop, by a [`StopToken`](crate::StopToken): that
/// closes the queue only.
///
/// All that concerns the queue is a method of [`Queue`], of which there may be many, for those who
/// give the worker something to do.
///
/// # Examples
///
/// ```
/// use kernel::sync::{atomic::{Atomic, Relaxed}, Arc};
/// use kthread::{impl_has_work, new_work, Work, WorkContext, WorkItem};
///
/// #[pin_data]
/// struct Flash {
///     count: Atomic<u32>,
///     #[pin]
///     work: Work<Self>,
/// }
///
/// impl_has_work! {
///     impl HasWork<Self> for Flash { self.work }
/// }
///
/// impl WorkItem for Flash {
///     type Pointer = Arc<Self>;
///
///     fn run(this: Arc<Self>, _cx: &mut WorkContext<'_>) {
///         this.count.add(1, Relaxed);
///     }
/// }
///
/// let flash = Arc::pin_init(
///     pin_init!(Flash { count: Atomic::new(0), work <- new_work!() }),
///     GFP_KERNEL,
/// )?;
/// let worker = kthread::builder!("flasher")?.worker()?;
/// worker.enqueue(flash.clone())?;
/// flash.work.flush()?;
/// assert_eq!(flash.count.load(Relaxed), 1);
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "kthread_worker")]
#[must_use = "the worker ends when the handle is dropped"]
pub struct Worker {
    task: Task<()>,
    queue: Queue,
}

impl Builder {
    /// Creates and starts a worker.
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
    /// See [`Worker`].
    #[doc(alias = "kthread_run_worker")]
    #[doc(alias = "kthread_create_worker")]
    #[inline(never)]
    pub fn worker(mut self) -> Result<Worker> {
        let core = Core::new(&self.0)?;
        self.0.queue = Some(core.clone());
        // INVARIANT: The plan owns it, and then the header does.
        let serving = Serving(&raw const *core);
        let created = self.create(move |cx| serving.serve(&cx))?;
        core.set_thread(created.0.header());
        Ok(Worker {
            task: created.start(),
            queue: Queue(core),
        })
    }
}

impl Worker {
    /// The queue, for those who give the worker something to do.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`Queue`].
    pub fn queue(&self) -> Queue {
        self.queue.clone()
    }

    /// The thread's whole name.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`Task::name`].
    pub fn name(&self) -> &CStr {
        self.task.name()
    }

    /// The thread's id, as in `ps`.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`Task::pid`].
    pub fn pid(&self) -> Pid {
        self.task.pid()
    }

    /// What the thread is doing.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`State`].
    pub fn state(&self) -> State {
        self.task.state()
    }
}

impl Deref for Worker {
    type Target = Queue;

    fn deref(&self) -> &Queue {
        &self.queue
    }
}

impl Drop for Worker {
    #[inline(never)]
    fn drop(&mut self) {
        self.queue.0.finish_first();
        // One that is stopped before it begins would run nothing.
        self.task.header().wait_begun();
    }
}

/// What the thread of a worker does, until it is gone.
///
/// Owns nothing, as that would be lost if the thread crashes.
///
/// # Invariants
///
/// The core is there: its maker, and then the thread's header, own it until the thread was joined.
struct Serving(*const Core);

// SAFETY: A core may be used by any task.
unsafe impl Send for Serving {}

impl Serving {
    fn core(&self) -> &Core {
        // SAFETY: By the type invariant.
        unsafe { &*self.0 }
    }

    fn serve(&self, cx: &Current<'_>) {
        // SAFETY: The worker is there for as long as `self` is, and has no other thread.
        unsafe { bindings::kthread_worker_fn(self.core().worker().cast()) };
        cx.uninterrupted(|| self.core().finish());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.core().clear();
    }
}

/// The queue of a [`Worker`].
///
/// It does not keep the worker running: after the handle was dropped nothing is accepted.
///
/// # Examples
///
/// ```
/// let worker = kthread::builder!("busy")?.worker()?;
/// let queue = worker.queue();
/// assert!(!queue.is_closed());
/// drop(worker);
/// assert!(queue.is_closed());
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct Queue(Arc<Core>);

/// Why an item was not queued, and what owns it.
///
/// # Examples
///
/// ```
/// use kthread::{impl_has_work, new_work, EnqueueError, Work, WorkContext, WorkItem};
///
/// #[pin_data]
/// struct Reset {
///     port: u32,
///     #[pin]
///     work: Work<Self>,
/// }
///
/// impl_has_work! {
///     impl HasWork<Self> for Reset { self.work }
/// }
///
/// impl WorkItem for Reset {
///     type Pointer = Pin<KBox<Self>>;
///
///     fn run(this: Pin<KBox<Self>>, _cx: &mut WorkContext<'_>) {
///         pr_info!("port {} is reset\n", this.port);
///     }
/// }
///
/// let reset = KBox::pin_init(pin_init!(Reset { port: 3, work <- new_work!() }), GFP_KERNEL)?;
/// let worker = kthread::builder!("resetter")?.worker()?;
/// let queue = worker.queue();
/// drop(worker);
/// match queue.enqueue(reset) {
///     // For the caller to drop, where that may be done.
///     Err(EnqueueError::Closed(reset)) => assert_eq!(reset.port, 3),
///     _ => return Err(EINVAL),
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Debug, PartialEq, Eq)]
pub enum EnqueueError<P> {
    /// It is queued already, or is being cancelled. It may run once more, or not.
    Pending(P),
    /// The worker accepts nothing any more.
    Closed(P),
    /// The item belongs to another worker: that on which it was queued first.
    OtherWorker(P),
    /// The item runs code of another module than that which the worker belongs to, and which is
    /// all that is waited for when it is unloaded.
    OtherModule(P),
}

impl<P> EnqueueError<P> {
    fn new(refusal: Refusal, item: P) -> Self {
        match refusal {
            Refusal::Pending => Self::Pending(item),
            Refusal::Closed => Self::Closed(item),
            Refusal::OtherWorker => Self::OtherWorker(item),
            Refusal::OtherModule => Self::OtherModule(item),
        }
    }

    /// What owns the item.
    ///
    /// # Examples
    ///
    /// See [`EnqueueError`].
    pub fn into_inner(self) -> P {
        match self {
            Self::Pending(item)
            | Self::Closed(item)
            | Self::OtherWorker(item)
            | Self::OtherModule(item) => item,
        }
    }
}

impl<P> From<EnqueueError<P>> for Error {
    fn from(error: EnqueueError<P>) -> Self {
        match error {
            EnqueueError::Pending(_) => EBUSY,
            EnqueueError::Closed(_) => ESHUTDOWN,
            EnqueueError::OtherWorker(_) => EINVAL,
            EnqueueError::OtherModule(_) => EXDEV,
        }
    }
}

impl Queue {
    /// Queues an item, to be run once after those that are queued already.
    ///
    /// # Context
    ///
    /// Any but NMI. Does not sleep, and allocates nothing. An item that is refused is the caller's
    /// to drop: in an interrupt it must not be the last pointer to something whose `drop` may
    /// sleep, so keep another one elsewhere.
    ///
    /// # Errors
    ///
    /// [`EnqueueError`], with the item. As an [`Error`] it is [`EBUSY`], [`ESHUTDOWN`], [`EINVAL`]
    /// or [`EXDEV`]; the item is dropped then.
    ///
    /// # Examples
    ///
    /// See [`Worker`].
    #[doc(alias = "kthread_queue_work")]
    pub fn enqueue<P, const ID: u64>(&self, item: P) -> Result<(), EnqueueError<P>>
    where
        P: WorkItemPointer<ID>,
    {
        self.insert(item, 0)
    }

    /// Queues an item when a delay is over, in the resolution of the kernel's tick. A negative
    /// delay counts as zero, which queues it at once; one of more than twelve days may end early,
    /// as C's timers do.
    ///
    /// # Context
    ///
    /// As for [`enqueue`](Self::enqueue).
    ///
    /// # Errors
    ///
    /// Those of [`enqueue`](Self::enqueue).
    ///
    /// # Examples
    ///
    /// See [`DelayedWork`](crate::DelayedWork).
    #[doc(alias = "kthread_queue_delayed_work")]
    pub fn enqueue_delayed<P, const ID: u64>(
        &self,
        item: P,
        delay: Delta,
    ) -> Result<(), EnqueueError<P>>
    where
        P: DelayedWorkItemPointer<ID>,
    {
        self.insert(item, to_jiffies(delay))
    }

    /// Queues an item after a delay in jiffies, which must be zero if it has no timer.
    fn insert<P, const ID: u64>(&self, item: P, delay: c_ulong) -> Result<(), EnqueueError<P>>
    where
        P: WorkItemPointer<ID>,
    {
        let work = item.into_work();
        // SAFETY: The item owns what it is in until it is run or taken out, and has a timer for a
        // delay.
        unsafe { self.0.as_arc_borrow().enqueue(work, delay) }.map_err(|refusal| {
            // SAFETY: It was not queued.
            EnqueueError::new(refusal, unsafe { P::from_work(work) })
        })
    }

    /// Queues an item when a delay is over that begins now, also if it is queued already or another
    /// delay is not over. In that case the pointer is returned, which was not needed.
    ///
    /// # Context
    ///
    /// As for [`enqueue`](Self::enqueue).
    ///
    /// # Errors
    ///
    /// Those of [`enqueue`](Self::enqueue).
    ///
    /// # Examples
    ///
    /// See [`DelayedWork`](crate::DelayedWork).
    #[doc(alias = "kthread_mod_delayed_work")]
    pub fn mod_delayed<P, const ID: u64>(
        &self,
        item: P,
        delay: Delta,
    ) -> Result<Option<P>, EnqueueError<P>>
    where
        P: DelayedWorkItemPointer<ID>,
    {
        let work = item.into_work();
        // SAFETY: The item owns what it is in until it is run or taken out, and has a timer.
        match unsafe { self.0.as_arc_borrow().enqueue_anew(work, to_jiffies(delay)) } {
            Ok(false) => Ok(None),
            // SAFETY: It owned what it is in already.
            Ok(true) => Ok(Some(unsafe { P::from_work(work) })),
            // SAFETY: It was not queued by this.
            Err(refusal) => Err(EnqueueError::new(refusal, unsafe { P::from_work(work) })),
        }
    }

    /// Waits until all that was queued before has run.
    ///
    /// # Context
    ///
    /// Sleeps.
    ///
    /// # Errors
    ///
    /// - [`EDEADLK`] from an item of this worker.
    /// - [`ESHUTDOWN`] if the worker is gone.
    ///
    /// # Examples
    ///
    /// ```
    /// let worker = kthread::builder!("idle")?.worker()?;
    /// worker.flush()?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "kthread_flush_worker")]
    pub fn flush(&self) -> Result {
        self.0.as_arc_borrow().flush()
    }

    /// Says whether the thread is gone, or about to be.
    #[inline(never)]
    pub(crate) fn has_ended(&self) -> bool {
        self.0.thread().is_none_or(Header::has_ended)
    }

    /// Tells lockdep that the calling task is about to wait for what is queued.
    ///
    /// # Errors
    ///
    /// [`EDEADLK`] from the worker's own thread.
    #[inline(never)]
    pub(crate) fn about_to_wait(&self) -> Result {
        self.0.about_to_wait()
    }

    /// Says whether nothing is accepted any more.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`Queue`].
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }
}

/// A delay in ticks of the kernel, at least as long. Most delays are known to the compiler.
#[inline]
fn to_jiffies(delay: Delta) -> c_ulong {
    match u32::try_from(as_millis_ceil(delay).max(0)) {
        Ok(0) => 0,
        // The current tick has begun already.
        Ok(millis) => msecs_to_jiffies(millis).saturating_add(1),
        Err(_) => c_ulong::MAX / 4 - 1,
    }
}
