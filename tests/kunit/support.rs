// SPDX-License-Identifier: GPL-2.0

//! What the suites share: probes that outlive a test, and bounded waits.

use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
};
use kthread::{
    State,
    Task, //
};

/// A number that a test shares with its threads.
#[derive(Clone)]
pub(crate) struct Counter(Arc<Atomic<i32>>);

impl Counter {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self(Arc::new(Atomic::new(0), GFP_KERNEL)?))
    }

    pub(crate) fn increment(&self) {
        self.add(1);
    }

    pub(crate) fn add(&self, value: i32) {
        self.0.fetch_add(value, Full);
    }

    pub(crate) fn get(&self) -> i32 {
        self.0.load(Relaxed)
    }

    /// A value that counts its own drop.
    pub(crate) fn on_drop(&self) -> CountsDrop {
        CountsDrop(self.clone())
    }

    /// Waits until the number is at least `value`; `false` after ten seconds.
    pub(crate) fn reaches(&self, value: i32) -> bool {
        eventually(|| self.get() >= value)
    }
}

/// Waits until the condition holds; `false` after ten seconds.
pub(crate) fn eventually(holds: impl Fn() -> bool) -> bool {
    let start = Instant::<Monotonic>::now();
    while !holds() {
        if start.elapsed() > Delta::from_secs(10) {
            return false;
        }
        fsleep(Delta::from_micros(100));
    }
    true
}

/// Waits until the thread is in a state; `false` after ten seconds.
pub(crate) fn comes_to<T>(task: &Task<T>, state: State) -> bool {
    eventually(|| task.state() == state)
}

/// See [`Counter::on_drop`].
pub(crate) struct CountsDrop(Counter);

impl Drop for CountsDrop {
    fn drop(&mut self) {
        self.0.increment();
    }
}
