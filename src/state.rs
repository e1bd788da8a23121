// SPDX-License-Identifier: GPL-2.0

//! What a thread is doing.

use kernel::fmt;

/// What a thread was doing a moment ago.
///
/// # Examples
///
/// ```
/// use kthread::State;
///
/// let task = kthread::run!("short", |_cx| ())?;
/// while task.state() != State::Ended {
///     kernel::time::delay::fsleep(kernel::time::Delta::from_millis(1));
/// }
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Held before its closure began: not started, or parked as early as that.
    Created,
    /// Running, ready to run, or blocked in something that this crate does not know of.
    Running,
    /// In [`Current::sleep`](crate::Current::sleep).
    Sleeping,
    /// Waiting in a [`WaitQueue`](crate::WaitQueue), or for an item to run.
    Waiting,
    /// Parked by [`Task::park`](crate::Task::park).
    Parked,
    /// Asked to stop, and not there yet.
    Stopping,
    /// Past its closure, or crashed.
    Ended,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Created => "created",
            Self::Running => "running",
            Self::Sleeping => "sleeping",
            Self::Waiting => "waiting",
            Self::Parked => "parked",
            Self::Stopping => "stopping",
            Self::Ended => "ended",
        })
    }
}

/// What a thread says of itself, for [`State`].
pub(crate) const RUNNING: u32 = 0;
pub(crate) const SLEEPING: u32 = 1;
pub(crate) const WAITING: u32 = 2;
