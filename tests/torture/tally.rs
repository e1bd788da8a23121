// SPDX-License-Identifier: GPL-2.0

//! What becomes of items each time that they are queued.

use crate::table::Row;
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
pub(crate) struct Tally {
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
    pub(crate) fn new(name: &'static str, kind: &'static str) -> Result<Arc<Self>> {
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
    pub(crate) fn dropped(&self) -> u32 {
        self.dropped.load(Relaxed)
    }

    /// Checks the sums, when no item ought to be left.
    pub(crate) fn check(&self) -> Result {
        let (ran, handed_back) = (self.ran.load(Relaxed), self.handed_back.load(Relaxed));
        let (queued, dropped) = (self.queued.load(Relaxed), self.dropped());
        let (made, gone) = (self.made.load(Relaxed), self.gone.load(Relaxed));
        ensure!(
            made == gone,
            "{}: {} {} were made, and {} dropped\n",
            self.name,
            made,
            self.kind,
            gone
        );
        ensure!(
            ran + handed_back + dropped == queued,
            "{}: {} were {} times queued: {} ran, {} were handed back, {} dropped\n",
            self.name,
            self.kind,
            queued,
            ran,
            handed_back,
            dropped
        );
        Ok(())
    }

    /// Adds them to the table.
    pub(crate) fn enter(&self) {
        Row::Queued.add(self.queued.load(Relaxed));
        Row::ItemRan.add(self.ran.load(Relaxed));
        Row::HandedBack.add(self.handed_back.load(Relaxed));
        Row::ItemDropped.add(self.dropped());
    }
}

/// A part of an item that counts for it.
pub(crate) struct Entry {
    tally: Arc<Tally>,
    /// How often it was queued, less how often it ran or was handed back.
    pending: Atomic<i32>,
}

impl Entry {
    pub(crate) fn new(tally: &Arc<Tally>) -> Self {
        tally.made.fetch_add(1, Full);
        Self {
            tally: tally.clone(),
            pending: Atomic::new(0),
        }
    }

    /// Says whether the queue does not have it, and it has run.
    pub(crate) fn is_idle(&self) -> bool {
        self.pending.load(Acquire) == 0
    }

    /// It is about to be queued.
    pub(crate) fn queues(&self) {
        self.tally.queued.fetch_add(1, Full);
        self.pending.fetch_add(1, Full);
    }

    /// It was not queued, or taken out.
    pub(crate) fn handed_back(&self) {
        self.tally.handed_back.fetch_add(1, Full);
        self.pending.fetch_sub(1, Full);
    }

    pub(crate) fn ran(&self) {
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
