// SPDX-License-Identifier: GPL-2.0

//! What becomes of items each time that they are queued.

use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Full,
            Relaxed, //
        },
        Arc, //
    },
};

/// What became of all items of a kind.
pub(super) struct Tally {
    name: &'static str,
    kind: &'static str,
    made: Atomic<u32>,
    gone: Atomic<u32>,
    queued: Atomic<u32>,
    ran: Atomic<u32>,
    handed_back: Atomic<u32>,
    dropped: Atomic<u32>,
}

impl Tally {
    pub(super) fn new(name: &'static str, kind: &'static str) -> Result<Arc<Self>> {
        let tally = Self {
            name,
            kind,
            made: Atomic::new(0),
            gone: Atomic::new(0),
            queued: Atomic::new(0),
            ran: Atomic::new(0),
            handed_back: Atomic::new(0),
            dropped: Atomic::new(0),
        };
        Ok(Arc::new(tally, GFP_KERNEL)?)
    }

    /// How often the queue dropped one that it had accepted.
    pub(super) fn dropped(&self) -> u32 {
        self.dropped.load(Relaxed)
    }

    /// Checks the sums, when no item ought to be left.
    pub(super) fn check(&self) -> Result {
        let (made, gone) = (self.made.load(Relaxed), self.gone.load(Relaxed));
        ensure!(
            made == gone,
            "{}: {} {} were made, and {} dropped\n",
            self.name,
            made,
            self.kind,
            gone
        );
        let sum = self.ran.load(Relaxed) + self.handed_back.load(Relaxed) + self.dropped();
        ensure!(
            sum == self.queued.load(Relaxed),
            "{}: {} were {} times queued, and {} times accounted for\n",
            self.name,
            self.kind,
            self.queued.load(Relaxed),
            sum
        );
        Ok(())
    }

    pub(super) fn print(&self) {
        pr_info!(
            "{}: {} {}, {} times queued: {} ran, {} handed back, {} dropped\n",
            self.name,
            self.made.load(Relaxed),
            self.kind,
            self.queued.load(Relaxed),
            self.ran.load(Relaxed),
            self.handed_back.load(Relaxed),
            self.dropped()
        );
    }
}

/// A part of an item that counts for it.
pub(super) struct Entry {
    tally: Arc<Tally>,
    /// How often it was queued, less how often it ran or was handed back.
    pending: Atomic<i32>,
}

impl Entry {
    pub(super) fn new(tally: &Arc<Tally>) -> Self {
        tally.made.fetch_add(1, Full);
        Self {
            tally: tally.clone(),
            pending: Atomic::new(0),
        }
    }

    /// Says whether the queue does not have it, and it has run.
    pub(super) fn is_idle(&self) -> bool {
        self.pending.load(Acquire) == 0
    }

    /// It is about to be queued.
    pub(super) fn queues(&self) {
        self.tally.queued.fetch_add(1, Full);
        self.pending.fetch_add(1, Full);
    }

    /// It was not queued, or taken out.
    pub(super) fn handed_back(&self) {
        self.tally.handed_back.fetch_add(1, Full);
        self.pending.fetch_sub(1, Full);
    }

    pub(super) fn ran(&self) {
        self.tally.ran.fetch_add(1, Full);
        self.pending.fetch_sub(1, Full);
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.tally.gone.fetch_add(1, Full);
        // Any other number shows in the sums.
        if self.pending.load(Relaxed) == 1 {
            self.tally.dropped.fetch_add(1, Full);
        }
    }
}
