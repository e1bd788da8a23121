// SPDX-License-Identifier: GPL-2.0

//! The right to ask a thread to stop.

use crate::packet::Header;
use kernel::sync::aref::ARef;

/// Asks a thread to stop, and knows whether it was asked to.
///
/// Made by [`Task::stop_token`](crate::Task::stop_token) and
/// [`Current::stop_token`](crate::Current::stop_token), for whoever is to end the thread without
/// owning it: an interrupt handler, a timer, another thread. It keeps nothing alive but the memory
/// that closure and result were in, and may outlive the thread and the module.
///
/// # Examples
///
/// ```
/// let task = kthread::run!("stoppable", |cx| while !cx.should_stop() {
///     let _ = cx.sleep(kernel::time::Delta::from_secs(3600));
/// })?;
/// let token = task.stop_token();
/// token.request_stop();
/// assert!(token.is_stop_requested());
/// let _ = task.join()?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone)]
pub struct StopToken(ARef<Header>);

impl StopToken {
    pub(crate) fn new(header: &Header) -> Self {
        Self(header.into())
    }

    /// Asks the thread to stop, and does not wait.
    ///
    /// # Context
    ///
    /// Any but NMI. Does not sleep, but calls the hook that [`Current::on_stop`] set.
    ///
    /// [`Current::on_stop`]: crate::Current::on_stop
    ///
    /// # Examples
    ///
    /// See [`StopToken`].
    pub fn request_stop(&self) {
        self.0.request_stop();
    }

    /// Says whether the thread was asked to stop, be it by another token or by its owner.
    ///
    /// # Context
    ///
    /// Any. Does not sleep; costs one load.
    ///
    /// # Examples
    ///
    /// See [`StopToken`].
    #[doc(alias = "kthread_should_stop")]
    pub fn is_stop_requested(&self) -> bool {
        self.0.should_stop()
    }
}
