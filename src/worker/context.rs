// SPDX-License-Identifier: GPL-2.0

//! What an item may do while it runs.

use super::{
    core::Core,
    Queue, //
};
use crate::{
    bindings,
    current::Current,
    lock_class::LockClass,
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

/// What only the type of an item knows.
pub(crate) struct ItemType {
    call: unsafe fn(NonNull<bindings::kthread_work>, &mut WorkContext<'_>),
    discard: unsafe fn(NonNull<bindings::kthread_work>),
    class: fn() -> LockClass,
}

impl ItemType {
    /// The type of the items that are queued by way of a `P`.
    pub(crate) const fn of<P, const ID: u64>() -> Self
    where
        P: WorkItemPointer<ID>,
    {
        Self {
            // SAFETY: By the requirements of a call: those of `run_item`.
            call: |work, cx| unsafe { P::from_work(work) }.call(cx),
            // SAFETY: As above.
            discard: |work| drop(unsafe { P::from_work(work) }),
            class: P::lock_class,
        }
    }

    /// What lockdep knows the run of such an item as.
    pub(super) fn class(&self) -> LockClass {
        (self.class)()
    }
}

/// Runs an item, or drops what it owns if the worker is over.
///
/// # Safety
///
/// Only for the worker to call: the item was queued by way of a pointer of that type, and is not
/// any more.
#[inline(never)]
pub(crate) unsafe fn run_item(work: NonNull<bindings::kthread_work>, item: &'static ItemType) {
    // SAFETY: The item is valid. What it is in may be dropped below, but not what the thread owns.
    let core = unsafe { Core::of(work) };
    let core = core.as_deref();
    let Some((core, thread)) = core.and_then(|core| Some((core, core.begin(item)?))) else {
        // SAFETY: By the safety requirements.
        unsafe { (item.discard)(work) };
        return;
    };
    let mut cx = WorkContext {
        current: Current::new(thread),
        // SAFETY: The thread owns a reference, and this one is never given up.
        queue: ManuallyDrop::new(Queue(unsafe { Arc::from_raw(core) })),
    };
    // SAFETY: By the safety requirements.
    let mut call = || unsafe { (item.call)(work, &mut cx) };
    // As for a thread's body.
    if cfg!(not(CONFIG_LOCKDEP)) || thread.is_freezable() {
        call();
    } else {
        item.class().hold(call);
    }
    core.end(thread, item);
}
