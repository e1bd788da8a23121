// SPDX-License-Identifier: GPL-2.0

//! A thread that was not started.

use crate::{
    state::State,
    stop_token::StopToken,
    task::Task, //
};
use kernel::task::Pid;

/// A kernel thread that has been created and not started.
///
/// Made by [`Builder::create`](crate::Builder::create), for what needs the thread before it runs,
/// such as its pid. It is parked, and may be kept for as long as one likes. Dropping it drops the
/// closure, which never ran, and joins the thread.
///
/// # Context
///
/// Dropping sleeps.
///
/// # Examples
///
/// ```
/// let created = kthread::builder!("prepared")?.create(|_cx| ())?;
/// pr_info!("will run as {}\n", created.pid());
/// let task = created.start();
/// # Ok::<(), Error>(())
/// ```
#[must_use = "the thread is stopped at once if it is not kept"]
pub struct Created<T>(pub(crate) Task<T>);

impl<T> Created<T> {
    /// Starts the thread.
    ///
    /// # Context
    ///
    /// Any but NMI. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`Created`].
    #[doc(alias = "wake_up_process")]
    pub fn start(self) -> Task<T> {
        self.0.header().unpark();
        self.0
    }

    /// Starts the thread, and waits until its closure has begun.
    ///
    /// The closure then runs to its end, however soon the thread is asked to stop. Only if that
    /// happened before, by a [`StopToken`], may it still be that it never ran.
    ///
    /// # Context
    ///
    /// Sleeps.
    ///
    /// # Examples
    ///
    /// ```
    /// use kthread::Exit;
    ///
    /// let task = kthread::builder!("certain")?.create(|_cx| 1)?.start_and_wait();
    /// assert!(task.stop()? == Exit::Returned(1));
    /// # Ok::<(), Error>(())
    /// ```
    pub fn start_and_wait(self) -> Task<T> {
        let task = self.start();
        task.header().wait_begun();
        task
    }

    /// The thread's id, as in `ps`.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`Created`].
    pub fn pid(&self) -> Pid {
        self.0.pid()
    }

    /// What the thread is doing: that it was created, or that it was asked to stop.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`State`].
    pub fn state(&self) -> State {
        self.0.state()
    }

    /// A token with which others can stop the thread. Stopped before it was started, it never runs.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`StopToken`].
    pub fn stop_token(&self) -> StopToken {
        self.0.stop_token()
    }
}
