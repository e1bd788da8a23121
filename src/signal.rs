// SPDX-License-Identifier: GPL-2.0

//! Signals by number.

use crate::bindings;
use kernel::{
    fmt,
    prelude::*, //
};

/// A signal that a thread can be sent.
///
/// A thread ignores all signals but those that it has
/// [allowed](crate::Current::allow_signal).
///
/// # Examples
///
/// ```
/// use kthread::Signal;
///
/// assert_eq!(Signal::new(9)?, Signal::KILL);
/// assert!(Signal::new(0).is_err());
/// assert!(Signal::new(65).is_err());
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Signal(i32);

/// Those that stop a process. To a thread of the kernel they mean nothing.
const STOPPING: [u32; 4] = [
    bindings::SIGSTOP,
    bindings::SIGTSTP,
    bindings::SIGTTIN,
    bindings::SIGTTOU,
];

impl Signal {
    /// `SIGHUP`, by custom the request to read the configuration again.
    pub const HUP: Self = Self(bindings::SIGHUP as i32);
    /// `SIGINT`.
    pub const INT: Self = Self(bindings::SIGINT as i32);
    /// `SIGQUIT`.
    pub const QUIT: Self = Self(bindings::SIGQUIT as i32);
    /// `SIGKILL`, which a thread of the kernel ignores like any other.
    pub const KILL: Self = Self(bindings::SIGKILL as i32);
    /// `SIGUSR1`.
    pub const USR1: Self = Self(bindings::SIGUSR1 as i32);
    /// `SIGUSR2`.
    pub const USR2: Self = Self(bindings::SIGUSR2 as i32);
    /// `SIGTERM`.
    pub const TERM: Self = Self(bindings::SIGTERM as i32);

    /// The signal of this number.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if there is no such signal, or if it is one of those that stop a process
    /// (`SIGSTOP`, `SIGTSTP`, `SIGTTIN`, `SIGTTOU`).
    ///
    /// # Examples
    ///
    /// See [`Signal`].
    #[doc(alias = "valid_signal")]
    pub fn new(number: i32) -> Result<Self> {
        match u32::try_from(number) {
            Ok(1..=bindings::_NSIG) if !STOPPING.contains(&number.unsigned_abs()) => {
                Ok(Self(number))
            }
            _ => Err(EINVAL),
        }
    }

    /// The signal's number, from 1 to 64 on most architectures.
    ///
    /// # Context
    ///
    /// Any. Does not sleep.
    ///
    /// # Examples
    ///
    /// ```
    /// assert_eq!(kthread::Signal::KILL.number(), 9);
    /// # Ok::<(), Error>(())
    /// ```
    pub const fn number(self) -> i32 {
        self.0
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_fmt(fmt!("signal {}", self.0))
    }
}
