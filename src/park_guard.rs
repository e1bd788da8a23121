// SPDX-License-Identifier: GPL-2.0

//! A parked thread.

use crate::packet::Header;

/// Keeps a thread parked. Dropping it lets the thread go on.
///
/// Made by [`Task::park`](crate::Task::park). The thread stays where it parked until the guard is
/// dropped or the thread is asked to stop. If the guard is forgotten, the thread stays parked, and
/// can still be stopped.
///
/// # Context
///
/// Dropping does not sleep, and may be done anywhere but in an NMI.
///
/// # Examples
///
/// ```
/// use kernel::time::Delta;
///
/// let task = kthread::run!("parkable", |cx| while cx.sleep(Delta::from_millis(1)).is_ok() {})?;
/// let parked = task.park()?;
/// // Nothing that the thread does happens here.
/// drop(parked);
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "kthread_unpark")]
#[must_use = "the thread goes on at once if the guard is not kept"]
pub struct ParkGuard<'a>(&'a Header);

impl<'a> ParkGuard<'a> {
    /// The thread must be parked, in the name of the new guard.
    pub(crate) fn new(header: &'a Header) -> Self {
        Self(header)
    }
}

impl Drop for ParkGuard<'_> {
    fn drop(&mut self) {
        self.0.unpark();
    }
}
