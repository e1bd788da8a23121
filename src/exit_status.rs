// SPDX-License-Identifier: GPL-2.0

//! How a process has ended.

use crate::signal::Signal;
use kernel::{
    fmt,
    prelude::*, //
};

/// How a user-mode helper has ended: by itself, with a code, or by a signal.
///
/// # Examples
///
/// ```
/// use kthread::{Command, Signal};
///
/// let task = kthread::run!("caller", |cx| -> Result {
///     let shell = Command::new(c"/bin/sh")?.arg(c"-c")?;
///     match shell.arg(c"kill -9 $$")?.status(&cx)? {
///         Ok(status) => assert_eq!(status.signal(), Some(Signal::KILL)),
///         Err(error) => pr_warn!("the helper cannot be run: {error:?}\n"),
///     }
///     Ok(())
/// })?;
/// assert!(task.join()? == kthread::Exit::Returned(Ok(())));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a helper may have failed"]
pub struct ExitStatus(c_int);

impl ExitStatus {
    /// Decodes what `wait()` tells of a process that has ended.
    pub(crate) fn new(wait_status: c_int) -> Self {
        Self(wait_status)
    }

    /// Says whether the process has ended by itself, with code 0.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`Command`](crate::Command).
    pub const fn success(self) -> bool {
        self.0 == 0
    }

    /// The code that it has ended with, from 0 to 255, if it has ended by itself.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`Command::status`](crate::Command::status).
    #[doc(alias = "WEXITSTATUS")]
    pub const fn code(self) -> Option<i32> {
        match self.0 & 0x7f {
            0 => Some(self.0 >> 8 & 0xff),
            _ => None,
        }
    }

    /// The signal that has ended it, if it has not ended by itself.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// See [`ExitStatus`].
    #[doc(alias = "WTERMSIG")]
    pub fn signal(self) -> Option<Signal> {
        Signal::new(self.0 & 0x7f).ok()
    }
}

impl fmt::Display for ExitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.signal() {
            Some(signal) => signal.fmt(f),
            None => f.write_fmt(fmt!("exit code {}", self.0 >> 8 & 0xff)),
        }
    }
}
