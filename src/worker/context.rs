// SPDX-License-Identifier: GPL-2.0

//! What an item may do while it runs.

use super::{
    core::Core,
    enqueue,
    enqueue_delayed,
    EnqueueError,
    Queue, //
};
use crate::{
    bindings,
    current::Current,
    delayed_work::DelayedWorkItemPointer,
    work::WorkItemPointer, //
};
use core::{
    ops::{
        Deref,
        DerefMut, //
    },
    ptr::NonNull, //
};
use kernel::{
    sync::ArcBorrow,
    time::Delta, //
};

/// Proof of running in a worker's thread.
///
/// All that a thread may do for itself is there by way of [`Current`]: its sleeps and waits end
/// when the worker is about to end, which [`Current::should_stop`] tells as well.
///
/// # Examples
///
/// See [`Worker`](crate::Worker).
pub struct WorkContext<'a> {
    current: Current<'a>,
    core: ArcBorrow<'a, Core>,
}

impl WorkContext<'_> {
    /// Queues an item on the worker that runs this one, which may be this one itself.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Errors
    ///
    /// Those of [`Queue::enqueue`].
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::sync::{atomic::{Atomic, Relaxed}, Arc};
    /// use kthread::{impl_has_work, new_work, Work, WorkContext, WorkItem};
    ///
    /// #[pin_data]
    /// struct Countdown {
    ///     left: Atomic<i32>,
    ///     #[pin]
    ///     work: Work<Self>,
    /// }
    ///
    /// impl_has_work! {
    ///     impl HasWork<Self> for Countdown { self.work }
    /// }
    ///
    /// impl WorkItem for Countdown {
    ///     type Pointer = Arc<Self>;
    ///
    ///     fn run(this: Arc<Self>, cx: &mut WorkContext<'_>) {
    ///         if this.left.fetch_sub(1, Relaxed) > 1 {
    ///             // Others have their turn in between.
    ///             let _ = cx.enqueue(this);
    ///         }
    ///     }
    /// }
    ///
    /// let countdown = Arc::pin_init(
    ///     pin_init!(Countdown { left: Atomic::new(3), work <- new_work!() }),
    ///     GFP_KERNEL,
    /// )?;
    /// let worker = kthread::builder!("countdown")?.worker()?;
    /// worker.enqueue(countdown)?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "kthread_queue_work")]
    pub fn enqueue<P, const ID: u64>(&self, item: P) -> Result<(), EnqueueError<P>>
    where
        P: WorkItemPointer<ID>,
    {
        enqueue(self.core, item)
    }

    /// Queues an item on the worker that runs this one, when a delay is over.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Errors
    ///
    /// Those of [`Queue::enqueue`].
    ///
    /// # Examples
    ///
    /// See [`Queue::enqueue_delayed`].
    #[doc(alias = "kthread_queue_delayed_work")]
    pub fn enqueue_delayed<P, const ID: u64>(
        &self,
        item: P,
        delay: Delta,
    ) -> Result<(), EnqueueError<P>>
    where
        P: DelayedWorkItemPointer<ID>,
    {
        enqueue_delayed(self.core, item, delay)
    }

    /// The queue of the worker that runs the item.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`enqueue`](Self::enqueue).
    pub fn queue(&self) -> Queue {
        Queue(self.core.into())
    }
}

impl<'a> Deref for WorkContext<'a> {
    type Target = Current<'a>;

    fn deref(&self) -> &Current<'a> {
        &self.current
    }
}

impl<'a> DerefMut for WorkContext<'a> {
    fn deref_mut(&mut self) -> &mut Current<'a> {
        &mut self.current
    }
}

/// Runs an item, or drops what it owns if the worker is over.
///
/// # Safety
///
/// Only for the worker to call: the item was queued by way of a `P`, and is not any more.
pub(crate) unsafe fn run_item<P, const ID: u64>(work: NonNull<bindings::kthread_work>)
where
    P: WorkItemPointer<ID>,
{
    // SAFETY: The item is valid. What it is in may be dropped below, but not what the thread owns.
    let core = unsafe { Core::of(work) };
    // SAFETY: By the safety requirements.
    let item = unsafe { P::from_work(work) };
    if let Some(core) = core {
        core.run(|current| item.call(&mut WorkContext { current, core }));
    }
}
