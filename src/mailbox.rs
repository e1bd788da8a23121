// SPDX-License-Identifier: GPL-2.0

//! Values that are sent to a thread.

mod ring;

pub use self::ring::{
    Batch,
    SendError, //
};

use self::ring::{
    Consumer,
    Ring, //
};
use crate::{
    current::{
        Current,
        Stopped, //
    },
    lock_class::LockClass,
    wait_queue::WaitQueue, //
};
use core::convert::Infallible;
use kernel::{
    prelude::*,
    time::Delta, //
};

/// A mailbox: anybody sends values, also hard interrupts, and one thread receives them.
///
/// It has room for `N` values, a power of two, and allocates nothing: a value is moved to where the
/// mailbox is, and moved out again. A sender never waits. It gets its value back if the mailbox is
/// full, or closed.
///
/// The values of each sender come in the order in which it sent them, each exactly once. Whatever
/// is left when the mailbox is dropped is dropped with it.
///
/// To send and to receive a value takes about 75 instructions together on x86-64, as neither a lock
/// nor the wait queue is touched while the receiver is busy. Only who sends the value that the
/// receiver sleeps for wakes it, so that one that is behind takes what has piled up as one batch.
///
/// # Examples
///
/// ```
/// use kernel::sync::Arc;
/// use kthread::{new_mailbox, Mailbox, Stopped};
///
/// let samples: Arc<Mailbox<u32, 64>> = Arc::pin_init(new_mailbox!("samples"), GFP_KERNEL)?;
/// let task = kthread::run!("averager", {
///     let samples = samples.clone();
///     move |cx| -> Result<u32, Error> {
///         let mut receiver = samples.receiver()?;
///         let mut sum = 0;
///         while let Ok(batch) = receiver.receive(&cx) {
///             sum += batch.sum::<u32>();
///         }
///         // Asked to stop: what was sent before still counts, and there will be no more.
///         sum += receiver.close().sum::<u32>();
///         Ok(sum)
///     }
/// })?;
/// // In an interrupt handler, for one:
/// samples.send(7)?;
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "kfifo")]
#[doc(alias = "ptr_ring")]
#[doc(alias = "llist_head")]
#[pin_data]
pub struct Mailbox<T, const N: usize> {
    ring: Ring<T, N>,
    #[pin]
    queue: WaitQueue,
}

/// Creates a [`Mailbox`], with a lockdep class of its own and the name that lockdep knows it by.
///
/// # Examples
///
/// See [`Mailbox`].
#[macro_export]
macro_rules! new_mailbox {
    ($($name:literal)?) => {
        $crate::Mailbox::new($crate::LockClass::new(
            ::kernel::optional_name!($($name)?),
            ::kernel::static_lock_class!(),
        ))
    };
}

impl<T> From<SendError<T>> for Error {
    fn from(error: SendError<T>) -> Self {
        match error {
            SendError::Full(_) => EAGAIN,
            SendError::Closed(_) => EPIPE,
        }
    }
}

impl<T, const N: usize> Mailbox<T, N> {
    /// Creates an empty mailbox. Use [`new_mailbox!`](crate::new_mailbox).
    #[doc(hidden)]
    pub fn new(class: LockClass) -> impl PinInit<Self> {
        let ring = |slot| {
            // SAFETY: `slot` is valid for writes.
            unsafe { Ring::init(slot) };
            Ok::<_, Infallible>(())
        };
        pin_init!(Self {
            // SAFETY: `Ring::init` initialises all of it.
            ring <- unsafe { pin_init::init_from_closure(ring) },
            queue <- WaitQueue::new(class),
        })
    }

    /// Sends a value, and wakes the receiver if it waits for one.
    ///
    /// # Context
    ///
    /// Any but NMI. Does not sleep, and takes no lock unless the receiver waits; then that of
    /// [`WaitQueue::wake_all`].
    ///
    /// # Errors
    ///
    /// [`SendError::Full`] if there are `N` values already, and [`SendError::Closed`] if the
    /// mailbox was closed, both with the value. As an [`Error`] they are [`EAGAIN`] and [`EPIPE`].
    ///
    /// # Examples
    ///
    /// ```
    /// use kthread::{new_mailbox, Mailbox, SendError};
    ///
    /// let mailbox: Pin<KBox<Mailbox<u32, 2>>> = KBox::pin_init(new_mailbox!(), GFP_KERNEL)?;
    /// mailbox.send(1)?;
    /// mailbox.send(2)?;
    /// assert_eq!(mailbox.send(3), Err(SendError::Full(3)));
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "kfifo_put")]
    #[inline]
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.ring.push(value)? {
            self.queue.wake_all();
        }
        Ok(())
    }

    /// Takes the role of the receiver, until what is returned is dropped.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Errors
    ///
    /// [`EBUSY`] if there is a receiver, and [`EPIPE`] if the mailbox is closed.
    ///
    /// # Examples
    ///
    /// ```
    /// use kthread::{new_mailbox, Mailbox};
    ///
    /// let mailbox: Pin<KBox<Mailbox<u32, 2>>> = KBox::pin_init(new_mailbox!(), GFP_KERNEL)?;
    /// let first = mailbox.receiver()?;
    /// assert!(mailbox.receiver().is_err());
    /// drop(first);
    /// let second = mailbox.receiver()?;
    /// # Ok::<(), Error>(())
    /// ```
    #[track_caller]
    pub fn receiver(&self) -> Result<Receiver<'_, T, N>> {
        let receiver = Receiver {
            consumer: self.ring.consumer().ok_or(EBUSY)?,
            mailbox: self,
        };
        if self.ring.is_closed() {
            return Err(EPIPE);
        }
        Ok(receiver)
    }
}

/// The one who receives what is sent to a [`Mailbox`].
///
/// Dropping it leaves what is in the mailbox there, for the next one.
///
/// # Examples
///
/// See [`Mailbox`].
pub struct Receiver<'a, T, const N: usize> {
    consumer: Consumer<'a, T, N>,
    mailbox: &'a Mailbox<T, N>,
}

impl<'a, T, const N: usize> Receiver<'a, T, N> {
    /// Waits until there is a value, or until the thread is asked to stop, and gives what is there.
    /// Parks when asked to.
    ///
    /// # Context
    ///
    /// Sleeps, so no spinlock may be held.
    ///
    /// # Errors
    ///
    /// [`Stopped`] if the thread was asked to stop before; there may be values nevertheless, which
    /// [`batch`](Self::batch) and [`close`](Self::close) give.
    ///
    /// # Examples
    ///
    /// See [`Mailbox`].
    #[doc(alias = "wait_event_idle")]
    #[track_caller]
    pub fn receive(&mut self, cx: &Current<'_>) -> Result<Batch<'_, T, N>, Stopped> {
        cx.wait(&self.mailbox.queue, || self.consumer.has_next())?;
        Ok(self.batch())
    }

    /// Waits like [`receive`](Self::receive), but no longer than `limit`; the batch is empty if
    /// nothing has come.
    ///
    /// # Context
    ///
    /// Sleeps, so no spinlock may be held.
    ///
    /// # Errors
    ///
    /// Those of [`receive`](Self::receive).
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{sync::Arc, time::Delta};
    /// use kthread::{new_mailbox, Mailbox};
    ///
    /// let mailbox: Arc<Mailbox<u32, 2>> = Arc::pin_init(new_mailbox!(), GFP_KERNEL)?;
    /// let task = kthread::run!("watchful", move |cx| -> Result {
    ///     let mut receiver = mailbox.receiver()?;
    ///     while receiver.receive_timeout(&cx, Delta::from_secs(1))?.count() > 0 {
    ///         pr_info!("still alive\n");
    ///     }
    ///     Ok(())
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "wait_event_idle_timeout")]
    #[track_caller]
    pub fn receive_timeout(
        &mut self,
        cx: &Current<'_>,
        limit: Delta,
    ) -> Result<Batch<'_, T, N>, Stopped> {
        cx.wait_timeout(&self.mailbox.queue, limit, || self.consumer.has_next())?;
        Ok(self.batch())
    }

    /// Gives what is there, which may be nothing.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// use kthread::{new_mailbox, Mailbox};
    ///
    /// let mailbox: Pin<KBox<Mailbox<u32, 4>>> = KBox::pin_init(new_mailbox!(), GFP_KERNEL)?;
    /// for i in 1..=4 {
    ///     mailbox.send(i)?;
    /// }
    /// let mut receiver = mailbox.receiver()?;
    /// assert_eq!(receiver.batch().next(), Some(1));
    /// assert!(receiver.batch().eq([2, 3, 4]));
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "kfifo_get")]
    pub fn batch(&mut self) -> Batch<'_, T, N> {
        self.consumer.batch()
    }

    /// Closes the mailbox for good, and gives what is left in it.
    ///
    /// # Context
    ///
    /// Any. Does not sleep, but [`Rest`] does.
    ///
    /// # Examples
    ///
    /// ```
    /// use kthread::{new_mailbox, Mailbox, SendError};
    ///
    /// let mailbox: Pin<KBox<Mailbox<u32, 4>>> = KBox::pin_init(new_mailbox!(), GFP_KERNEL)?;
    /// mailbox.send(1)?;
    /// let rest = mailbox.receiver()?.close();
    /// assert_eq!(mailbox.send(2), Err(SendError::Closed(2)));
    /// assert!(rest.eq([1]));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn close(mut self) -> Rest<'a, T, N> {
        Rest {
            end: self.consumer.close(),
            receiver: self,
        }
    }
}

/// The values that are left in a mailbox that was closed, the oldest first: an iterator.
///
/// It gives every value that a sender does not get back: it waits for those who were about to put
/// one in when the mailbox was closed. Dropping it drops what was not taken.
///
/// # Context
///
/// Sleeps, uninterruptibly and not for long, also when it is dropped.
///
/// # Examples
///
/// See [`Receiver::close`].
#[must_use = "dropping it drops the values"]
pub struct Rest<'a, T, const N: usize> {
    receiver: Receiver<'a, T, N>,
    end: usize,
}

impl<T, const N: usize> Iterator for Rest<'_, T, N> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        let Receiver { consumer, mailbox } = &mut self.receiver;
        if consumer.is_at(self.end) {
            return None;
        }
        mailbox.queue.wait(|| consumer.has_next());
        consumer.pop()
    }
}

impl<T, const N: usize> Drop for Rest<'_, T, N> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}
