// SPDX-License-Identifier: GPL-2.0

//! Doing something again and again, at a steady rate.

use crate::{
    bindings,
    current::{
        Current,
        Stopped, //
    },
    sleep::after, //
};
use core::num::NonZeroU64;
use kernel::time::Delta;

/// Ticks at a steady rate. Made by [`Current::every`].
///
/// The n-th tick comes n periods after this was made: however long the work between two ticks
/// takes, and however late the thread wakes up, the next one is not shifted. Of the ticks that are
/// over when the thread waits for one, the last one counts as that; the others are missed, which is
/// counted and not made up for.
///
/// # Examples
///
/// ```
/// use kernel::time::Delta;
///
/// let task = kthread::run!("sampler", |cx| -> Result<(), kthread::Stopped> {
///     let mut ticks = cx.every(Delta::from_millis(10));
///     loop {
///         let missed = ticks.wait(&cx)?;
///         if missed > 0 {
///             pr_warn!("{missed} samples lost\n");
///         }
///     }
/// })?;
/// # Ok::<(), Error>(())
/// ```
#[must_use = "ticks come to those who wait"]
pub struct Ticks {
    /// When the next tick comes, in nanoseconds of the monotonic clock.
    next: i64,
    /// In nanoseconds.
    period: NonZeroU64,
}

/// The shortest period, in nanoseconds.
const SHORTEST: NonZeroU64 = NonZeroU64::MIN.saturating_add(999);

impl Ticks {
    pub(crate) fn new(period: Delta) -> Self {
        // CAST: Not negative.
        let nanos = NonZeroU64::new(period.as_nanos().max(0) as u64);
        let period = nanos.map_or(SHORTEST, |nanos| nanos.max(SHORTEST));
        Self {
            next: after(Delta::ZERO).saturating_add_unsigned(period.get()),
            period,
        }
    }

    /// Waits for the next tick; returns how many were missed before it.
    ///
    /// Parks when the thread is asked to; the ticks meanwhile are missed.
    ///
    /// # Context
    ///
    /// Sleeps, so no spinlock may be held.
    ///
    /// # Errors
    ///
    /// [`Stopped`] if the thread was asked to stop before the tick came.
    ///
    /// # Examples
    ///
    /// See [`Ticks`].
    #[doc(alias = "hrtimer_forward_now")]
    #[track_caller]
    pub fn wait(&mut self, cx: &Current<'_>) -> Result<u64, Stopped> {
        cx.sleep_until_time(self.next)?;
        // CAST: Not negative.
        let late = after(Delta::ZERO).saturating_sub(self.next).max(0) as u64;
        let missed = whole_periods(late, self.period);
        let periods = self.period.get().saturating_mul(missed.saturating_add(1));
        self.next = self.next.saturating_add_unsigned(periods);
        Ok(missed)
    }
}

/// How many periods there are in a time: Rust has no such division where words have 32 bits.
#[inline(never)]
fn whole_periods(nanos: u64, period: NonZeroU64) -> u64 {
    // SAFETY: The function has no requirements but that the divisor is not zero.
    unsafe { bindings::div64_u64(nanos, period.get()) }
}
