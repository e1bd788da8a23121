// SPDX-License-Identifier: GPL-2.0

//! What an item may do while it runs.

use super::{
    core::Core,
    Queue, //
};
use crate::{
    bindings,
    current::Current,
    work::WorkItemPointer, //
};
use core::{
    mem::ManuallyDrop,
    ops::{
        Deref,
        DerefMut, //
    },
    ptr::NonNull, //
};
use kernel::sync::Arc;

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
    /// Owned by the thread.
    queue: ManuallyDrop<Queue>,
}

impl WorkContext<'_> {
    /// The queue of the worker that runs the item, for other items, or for this one again.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
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
    ///             let _ = cx.queue().enqueue(this);
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
    pub fn queue(&self) -> &Queue {
        &self.queue
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
        // SAFETY: The thread owns a reference, and this one is never given up.
        let queue = ManuallyDrop::new(Queue(unsafe { Arc::from_raw(&raw const *core) }));
        core.run(P::lock_class(), |current| {
            item.call(&mut WorkContext { current, queue })
        });
    }
}
