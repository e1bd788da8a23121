// SPDX-License-Identifier: GPL-2.0

//! A thread that was not started.

use crate::task::Task;
use kernel::task::Pid;

/// A kernel thread that has been created and not started.
///
/// Made by [`Builder::create`](crate::Builder::create), for what needs the thread before it runs,
/// such as its pid. Dropping it drops the closure, which never ran, and joins the thread.
///
/// A thread that is not started for two minutes is reported as a hung task by the kernel.
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
    /// Any. Does not sleep.
    #[doc(alias = "wake_up_process")]
    pub fn start(self) -> Task<T> {
        self.0.start();
        self.0
    }

    /// The thread's id, as in `ps`.
    pub fn pid(&self) -> Pid {
        self.0.pid()
    }
}
