// SPDX-License-Identifier: GPL-2.0

//! Signals to a thread.

use super::{
    flags::SIGNALS,
    Header, //
};
use crate::{
    bindings,
    signal::Signal, //
};
use kernel::{
    error::to_result,
    prelude::*, //
};

impl Header {
    /// Lets a signal reach the calling thread.
    #[inline(never)]
    pub(crate) fn allow_signal(&self, signal: Signal) {
        self.flags.set(SIGNALS);
        // SAFETY: A `Signal` has the number of one, and a kthread shares its handlers with nobody.
        unsafe { bindings::allow_signal(signal.number()) };
    }

    /// Has a signal ignored again, and forgotten if it is pending.
    #[inline(never)]
    pub(crate) fn disallow_signal(&self, signal: Signal) {
        // SAFETY: As above.
        unsafe { bindings::disallow_signal(signal.number()) };
    }

    /// Has all signals ignored again. Called by the thread.
    pub(crate) fn ignore_signals(&self) {
        if self.flags.has(SIGNALS) {
            self.ignore_all();
        }
    }

    #[cold]
    fn ignore_all(&self) {
        // CAST: 64, or 128 on MIPS.
        for number in 1..=bindings::_NSIG as i32 {
            // SAFETY: As above.
            unsafe { bindings::disallow_signal(number) };
        }
        self.flags.clear(SIGNALS);
    }

    /// Says whether there is a signal for the calling thread.
    #[inline(never)]
    pub(crate) fn is_signal_pending(&self) -> bool {
        // SAFETY: The function has no requirements.
        unsafe { bindings::is_signal_pending() }
    }

    /// Takes one of the signals of the calling thread.
    #[inline(never)]
    pub(crate) fn dequeue_signal(&self) -> Option<Signal> {
        if !self.is_signal_pending() {
            return None;
        }
        // SAFETY: A thread may take its own signals.
        let number = unsafe { bindings::kernel_dequeue_signal() };
        Signal::new(number).ok()
    }

    /// Sends the thread a signal.
    ///
    /// # Errors
    ///
    /// [`ESRCH`] if it has ended.
    #[inline(never)]
    pub(crate) fn send_signal(&self, signal: Signal) -> Result {
        let task = self.task().ok_or(ESRCH)?;
        if self.has_ended() {
            return Err(ESRCH);
        }
        // SAFETY: The header owns a reference to the task. That it may be gone is looked at there.
        to_result(unsafe { bindings::send_sig(signal.number(), task.as_ptr(), FROM_THE_KERNEL) })
    }
}

/// What tells that it was not a process that sent a signal.
const FROM_THE_KERNEL: c_int = 1;
