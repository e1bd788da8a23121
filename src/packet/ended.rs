// SPDX-License-Identifier: GPL-2.0

//! The end of a thread, as something to wait for.

use crate::bindings;
use kernel::{
    prelude::*,
    time::{
        Delta,
        Instant,
        Monotonic, //
    },
    types::Opaque, //
};

/// Told once, by the thread as the last thing it does or by whoever joined it.
///
/// # Invariants
///
/// `completion` is initialised.
#[pin_data]
pub(super) struct Ended {
    #[pin]
    completion: Opaque<bindings::completion>,
}

// SAFETY: A completion may be used by any task.
unsafe impl Send for Ended {}

// SAFETY: A completion has a lock of its own.
unsafe impl Sync for Ended {}

/// How often a waiter looks for a thread that crashed, and so will never tell.
const CRASH_CHECK: Delta = Delta::from_secs(1);

impl Ended {
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: Initialised here.
            completion <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid for writes.
                unsafe { bindings::init_completion(slot) }
            }),
        })
    }

    /// Lets all waiters go on, for good.
    pub(super) fn tell(&self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::complete_all(self.completion.get()) };
    }

    /// Says whether it was told.
    pub(super) fn was_told(&self) -> bool {
        // SAFETY: By the type invariant.
        unsafe { bindings::completion_done(self.completion.get()) }
    }

    /// Waits until it is told, until `crashed` says so, or until the time is over; returns whether
    /// the thread has ended. No limit is no limit.
    pub(super) fn wait(&self, limit: Option<Delta>, crashed: impl Fn() -> bool) -> bool {
        let start = Instant::<Monotonic>::now();
        loop {
            let left = limit.map(|limit| limit.max(Delta::ZERO) - start.elapsed());
            let pause = left.map_or(CRASH_CHECK, |left| left.min(CRASH_CHECK));
            // SAFETY: By the type invariant.
            let told = unsafe {
                bindings::wait_for_completion_timeout(self.completion.get(), jiffies(pause))
            };
            if told != 0 || crashed() {
                return true;
            }
            if left.is_some_and(|left| left <= CRASH_CHECK) {
                return self.was_told();
            }
        }
    }
}

/// A duration of at most some seconds, rounded up.
fn jiffies(duration: Delta) -> c_ulong {
    // CAST: Not negative.
    let nanos = duration.as_nanos().max(0) as u64;
    // SAFETY: The function has no requirements.
    unsafe { bindings::nsecs_to_jiffies(nanos) }.saturating_add(1)
}
