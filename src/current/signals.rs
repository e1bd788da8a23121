// SPDX-License-Identifier: GPL-2.0

//! What a thread does about signals.

use super::{
    Current,
    Stopped, //
};
use crate::{
    event::Event,
    signal::Signal,
    sleep::{
        after,
        Sleep, //
    },
    wait_queue::{
        Outcome,
        WaitQueue, //
    },
};
use kernel::{
    prelude::*,
    time::Delta, //
};

/// Why an interruptible wait ended early.
///
/// As an [`Error`] it is [`EINTR`].
///
/// # Examples
///
/// See [`Current::wait_interruptible`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interrupted {
    /// The thread was asked to stop.
    Stopped,
    /// The thread was sent this signal, which was taken from those that are pending.
    Signal(Signal),
}

impl From<Stopped> for Interrupted {
    fn from(_: Stopped) -> Self {
        Self::Stopped
    }
}

impl From<Interrupted> for Error {
    fn from(_: Interrupted) -> Self {
        EINTR
    }
}

impl Current<'_> {
    /// Lets a signal reach this thread, until the closure returns. All others are ignored.
    ///
    /// It ends interruptible waits only: [`wait`](Self::wait) and [`sleep`](Self::sleep) are not
    /// for signals. While a `SIGKILL` is pending, the thread can create no other, and the
    /// kernel's own killable waits may fail: see [`dequeue_signal`](Self::dequeue_signal).
    ///
    /// # Context
    ///
    /// Interrupts must be enabled, and no raw spinlock be held. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`wait_interruptible`](Self::wait_interruptible).
    #[doc(alias = "kernel_sigaction")]
    pub fn allow_signal(&self, signal: Signal) {
        self.header.allow_signal(signal);
    }

    /// Has a signal ignored again, and forgotten if it is pending.
    ///
    /// # Context
    ///
    /// That of [`allow_signal`](Self::allow_signal).
    ///
    /// # Examples
    ///
    /// ```
    /// use kthread::Signal;
    ///
    /// let task = kthread::run!("deaf again", |cx| {
    ///     cx.allow_signal(Signal::USR1);
    ///     cx.disallow_signal(Signal::USR1);
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "kernel_sigaction")]
    pub fn disallow_signal(&self, signal: Signal) {
        self.header.disallow_signal(signal);
    }

    /// Says whether a signal that was allowed is pending.
    ///
    /// Not, as `signal_pending()` does, because the thread was asked to stop.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`dequeue_signal`](Self::dequeue_signal).
    #[doc(alias = "task_sigpending")]
    pub fn signal_pending(&self) -> bool {
        self.header.is_signal_pending()
    }

    /// Takes one of the signals that are pending.
    ///
    /// # Context
    ///
    /// That of [`allow_signal`](Self::allow_signal).
    ///
    /// # Examples
    ///
    /// ```
    /// use kthread::Signal;
    ///
    /// let task = kthread::run!("busy", |cx| {
    ///     cx.allow_signal(Signal::HUP);
    ///     while !cx.should_stop() {
    ///         if cx.dequeue_signal() == Some(Signal::HUP) {
    ///             pr_info!("starting over\n");
    ///         }
    ///         cx.cond_resched();
    ///     }
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "kernel_dequeue_signal")]
    pub fn dequeue_signal(&self) -> Option<Signal> {
        self.header.dequeue_signal()
    }

    /// Waits like [`wait`](Self::wait), or until there is a signal.
    ///
    /// A signal that came before ends it, too, unless the condition holds.
    ///
    /// # Context
    ///
    /// Sleeps, so no spinlock may be held.
    ///
    /// # Errors
    ///
    /// [`Interrupted`] if the thread was asked to stop, or sent a signal that it allows, before the
    /// condition held.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::sync::{atomic::{Atomic, Relaxed}, Arc};
    /// use kthread::{new_wait_queue, Interrupted, Signal, WaitQueue};
    ///
    /// let queue = Arc::pin_init(new_wait_queue!(), GFP_KERNEL)?;
    /// let task = kthread::run!("collector", move |cx| {
    ///     cx.allow_signal(Signal::HUP);
    ///     loop {
    ///         match cx.wait_interruptible(&queue, || false) {
    ///             Ok(()) => pr_info!("something to collect\n"),
    ///             Err(Interrupted::Signal(signal)) => pr_info!("{}\n", signal),
    ///             Err(Interrupted::Stopped) => break,
    ///         }
    ///     }
    /// })?;
    /// task.send_signal(Signal::HUP)?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "wait_event_interruptible")]
    #[track_caller]
    pub fn wait_interruptible<C: Outcome>(
        &self,
        queue: &WaitQueue,
        mut condition: impl FnMut() -> C,
    ) -> Result<C::Value, Interrupted> {
        loop {
            let sleep = Sleep::interruptible(self.header);
            if let Some(value) = self.wait_for_signal(queue, &sleep, &mut condition)? {
                return Ok(value);
            }
        }
    }

    /// Waits like [`wait_timeout`](Self::wait_timeout), or until there is a signal.
    ///
    /// # Context
    ///
    /// Sleeps, so no spinlock may be held.
    ///
    /// # Errors
    ///
    /// Those of [`wait_interruptible`](Self::wait_interruptible).
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{sync::Arc, time::Delta};
    /// use kthread::{new_wait_queue, Interrupted, Signal};
    ///
    /// let queue = Arc::pin_init(new_wait_queue!(), GFP_KERNEL)?;
    /// let task = kthread::run!("impatient", move |cx| -> Result<(), Interrupted> {
    ///     cx.allow_signal(Signal::TERM);
    ///     while cx.wait_interruptible_timeout(&queue, Delta::from_secs(1), || false)?.is_none() {
    ///         pr_info!("nothing yet\n");
    ///     }
    ///     Ok(())
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "wait_event_interruptible_timeout")]
    #[track_caller]
    pub fn wait_interruptible_timeout<C: Outcome>(
        &self,
        queue: &WaitQueue,
        limit: Delta,
        condition: impl FnMut() -> C,
    ) -> Result<Option<C::Value>, Interrupted> {
        let sleep = Sleep {
            until: Some(after(limit)),
            ..Sleep::interruptible(self.header)
        };
        self.wait_for_signal(queue, &sleep, condition)
    }

    /// Waits like [`wait_event`](Self::wait_event), or until there is a signal.
    ///
    /// # Context
    ///
    /// Sleeps, so no spinlock may be held.
    ///
    /// # Errors
    ///
    /// Those of [`wait_interruptible`](Self::wait_interruptible).
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::sync::Arc;
    /// use kthread::{Interrupted, Signal};
    ///
    /// let event = Arc::pin_init(kthread::new_event!(), GFP_KERNEL)?;
    /// let task = kthread::run!("handler", move |cx| -> Result<(), Interrupted> {
    ///     cx.allow_signal(Signal::KILL);
    ///     loop {
    ///         cx.wait_event_interruptible(&event)?;
    ///         pr_info!("it happened\n");
    ///     }
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "wait_for_completion_interruptible")]
    #[track_caller]
    pub fn wait_event_interruptible(&self, event: &Event) -> Result<(), Interrupted> {
        loop {
            let sleep = Sleep {
                exclusive: true,
                ..Sleep::interruptible(self.header)
            };
            let raised = self.wait_for_signal(event.queue(), &sleep, || event.take())?;
            if raised.is_some() {
                return Ok(());
            }
        }
    }

    /// Sleeps like [`sleep`](Self::sleep), or until there is a signal.
    ///
    /// # Context
    ///
    /// Sleeps, so no spinlock may be held.
    ///
    /// # Errors
    ///
    /// [`Interrupted`] if the thread was asked to stop, or sent a signal that it allows, before the
    /// time was over.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::time::Delta;
    /// use kthread::{Interrupted, Signal};
    ///
    /// let task = kthread::run!("light sleeper", |cx| -> Result<(), Interrupted> {
    ///     cx.allow_signal(Signal::KILL);
    ///     loop {
    ///         cx.sleep_interruptible(Delta::from_secs(3600))?;
    ///     }
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "msleep_interruptible")]
    #[inline(never)]
    #[track_caller]
    pub fn sleep_interruptible(&self, duration: Delta) -> Result<(), Interrupted> {
        let sleep = Sleep {
            until: Some(after(duration)),
            ..Sleep::interruptible(self.header)
        };
        self.sleep_until_done(&sleep, || self.go_on_without_signal())
    }

    #[track_caller]
    fn wait_for_signal<C: Outcome>(
        &self,
        queue: &WaitQueue,
        sleep: &Sleep<'_>,
        condition: impl FnMut() -> C,
    ) -> Result<Option<C::Value>, Interrupted> {
        self.wait_in(queue, sleep, condition, || self.go_on_without_signal())
    }

    /// Parks if the thread should, and says whether it should stop or there is a signal.
    fn go_on_without_signal(&self) -> Result<(), Interrupted> {
        self.go_on()?;
        self.dequeue_signal()
            .map_or(Ok(()), |signal| Err(Interrupted::Signal(signal)))
    }
}
