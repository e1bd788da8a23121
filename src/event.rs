// SPDX-License-Identifier: GPL-2.0

//! Something that happened, for a thread to deal with.

use crate::{
    lock_class::LockClass,
    wait_queue::WaitQueue, //
};
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::{
            Acquire,
            Full, //
        },
        AtomicFlag, //
    },
    time::Delta,
};

/// An event: raised by an interrupt handler or by anybody else, consumed by a thread.
///
/// Each time that it was raised since it was last consumed counts as once. An event that is raised
/// before the thread waits for it, or while it deals with the one before, is not lost; and a thread
/// that was not given one does not run.
///
/// # Examples
///
/// ```
/// use kernel::sync::Arc;
/// use kthread::{new_event, Stopped};
///
/// let event = Arc::pin_init(new_event!("data ready"), GFP_KERNEL)?;
/// let task = kthread::run!("handler", {
///     let event = event.clone();
///     move |cx| -> Result<(), Stopped> {
///         loop {
///             cx.wait_event(&event)?;
///             pr_info!("it happened\n");
///         }
///     }
/// })?;
/// // In an interrupt handler, for one:
/// event.raise();
/// # Ok::<(), Error>(())
/// ```
#[pin_data]
pub struct Event {
    pending: AtomicFlag,
    #[pin]
    queue: WaitQueue,
}

/// Creates an [`Event`], with a lockdep class of its own and the name that lockdep knows it by.
///
/// # Examples
///
/// See [`Event`].
#[macro_export]
macro_rules! new_event {
    ($($name:literal)?) => {
        $crate::Event::new($crate::LockClass::new(
            ::kernel::optional_name!($($name)?),
            ::kernel::static_lock_class!(),
        ))
    };
}

impl Event {
    /// Creates an event that was not raised. Use [`new_event!`](crate::new_event).
    #[doc(hidden)]
    pub fn new(class: LockClass) -> impl PinInit<Self> {
        pin_init!(Self {
            pending: AtomicFlag::new(false),
            queue <- WaitQueue::new(class),
        })
    }

    /// Raises the event, and wakes one of those who wait for it.
    ///
    /// # Context
    ///
    /// That of [`WaitQueue::wake_one`].
    ///
    /// # Examples
    ///
    /// See [`Event`].
    #[doc(alias = "complete")]
    pub fn raise(&self) {
        // Who consumes it sees what came before.
        if !self.pending.xchg(true, Full) {
            self.queue.wake_one();
        }
    }

    /// Says whether the event was raised, and not consumed yet.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`take`](Self::take).
    pub fn is_raised(&self) -> bool {
        self.pending.load(Acquire)
    }

    /// Consumes the event, if it was raised; says whether it was.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// let event = KBox::pin_init(kthread::new_event!(), GFP_KERNEL)?;
    /// event.raise();
    /// event.raise();
    /// assert!(event.is_raised());
    /// assert!(event.take());
    /// assert!(!event.take());
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "try_wait_for_completion")]
    pub fn take(&self) -> bool {
        self.pending.xchg(false, Full)
    }

    /// Waits until the event is raised, and consumes it.
    ///
    /// For tasks that are no threads of this crate; those have
    /// [`Current::wait_event`](crate::Current::wait_event).
    ///
    /// # Context
    ///
    /// Sleeps, uninterruptibly, so no spinlock may be held.
    ///
    /// # Examples
    ///
    /// ```
    /// let event = KBox::pin_init(kthread::new_event!(), GFP_KERNEL)?;
    /// event.raise();
    /// event.wait();
    /// assert!(!event.is_raised());
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "wait_for_completion")]
    pub fn wait(&self) {
        self.queue.wait_exclusive(|| self.take());
    }

    /// Waits like [`wait`](Self::wait), but no longer than `limit`; says whether the event was
    /// consumed.
    ///
    /// Also for a thread that has to know how something ends, such as what a device is doing, even
    /// if it is asked to stop meanwhile. It is not parked here.
    ///
    /// # Context
    ///
    /// Sleeps, uninterruptibly, so no spinlock may be held.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::time::Delta;
    ///
    /// let event = KBox::pin_init(kthread::new_event!(), GFP_KERNEL)?;
    /// assert!(!event.wait_timeout(Delta::from_millis(1)));
    /// event.raise();
    /// assert!(event.wait_timeout(Delta::from_millis(1)));
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "wait_for_completion_timeout")]
    pub fn wait_timeout(&self, limit: Delta) -> bool {
        self.queue.wait_timeout(limit, || self.take()).is_some()
    }

    /// Where threads wait for it.
    pub(crate) fn queue(&self) -> &WaitQueue {
        &self.queue
    }
}
