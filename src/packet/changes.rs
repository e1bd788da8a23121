// SPDX-License-Identifier: GPL-2.0

//! Where other tasks wait for a thread to come further.

use crate::bindings;
use kernel::{
    prelude::*,
    sync::static_lock_class,
    time::{
        Delta,
        Instant,
        Monotonic, //
    },
    types::Opaque, //
};

/// Tells waiters that a thread began, parked, ended or was joined.
///
/// # Invariants
///
/// `queue` is an initialised wait queue.
#[pin_data]
pub(super) struct Changes {
    #[pin]
    queue: Opaque<bindings::wait_queue_head>,
}

// SAFETY: A wait queue may be used by any task.
unsafe impl Send for Changes {}

// SAFETY: A wait queue has a lock of its own.
unsafe impl Sync for Changes {}

/// How often a waiter looks for what nobody tells: that a thread crashed.
const LOOK_AGAIN: Delta = Delta::from_secs(1);

impl Changes {
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: Initialised here.
            queue <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid for writes; name and class are static.
                unsafe {
                    bindings::__init_waitqueue_head(
                        slot,
                        c"kthread packet".as_char_ptr(),
                        static_lock_class!().as_ptr(),
                    )
                }
            }),
        })
    }

    /// Has all waiters look at what they wait for. A full barrier comes first.
    pub(super) fn tell(&self) {
        // SAFETY: By the type invariant.
        if unsafe { bindings::wq_has_sleeper(self.queue.get()) } {
            // SAFETY: As above. Zero stands for all waiters.
            unsafe {
                bindings::__wake_up(
                    self.queue.get(),
                    bindings::TASK_NORMAL,
                    0,
                    core::ptr::null_mut(),
                )
            };
        }
    }

    /// Waits until `done`, or until the time is over; returns the last answer.
    pub(super) fn wait(&self, limit: Option<Delta>, done: impl Fn() -> bool) -> bool {
        let start = Instant::<Monotonic>::now();
        let entry = Opaque::<bindings::wait_queue_entry>::uninit();
        // SAFETY: `entry` is valid for writes, and is used on this stack only.
        unsafe { bindings::init_wait_entry(entry.get(), 0) };
        let answer = loop {
            // SAFETY: By the type invariant; the entry stays valid until `finish_wait()`.
            unsafe {
                bindings::prepare_to_wait(
                    self.queue.get(),
                    entry.get(),
                    // CAST: A small constant.
                    bindings::TASK_UNINTERRUPTIBLE as c_int,
                )
            };
            let left = limit.map(|limit| limit.max(Delta::ZERO) - start.elapsed());
            if done() {
                break true;
            }
            if left.is_some_and(|left| left <= Delta::ZERO) {
                break false;
            }
            let pause = left.map_or(LOOK_AGAIN, |left| left.min(LOOK_AGAIN));
            // SAFETY: The state was set above.
            unsafe { bindings::schedule_timeout(jiffies(pause)) };
        };
        // SAFETY: As above.
        unsafe { bindings::finish_wait(self.queue.get(), entry.get()) };
        answer
    }
}

/// A positive duration of at most some seconds, rounded up.
fn jiffies(duration: Delta) -> c_long {
    // CAST: Positive.
    let nanos = duration.as_nanos() as u64;
    // SAFETY: The function has no requirements.
    let ticks = unsafe { bindings::nsecs_to_jiffies(nanos) };
    // CAST: A few seconds of ticks.
    ticks.saturating_add(1) as c_long
}
