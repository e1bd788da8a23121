// SPDX-License-Identifier: GPL-2.0

//! What becomes of the closures.

use crate::{
    becomes_true,
    table::Row, //
};
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
};

/// What became of all closures of a scenario.
pub(crate) struct Totals {
    made: Atomic<u32>,
    ran: Atomic<u32>,
    never_ran: Atomic<u32>,
    dropped: Atomic<u32>,
    twice: Atomic<u32>,
}

impl Totals {
    pub(crate) fn new() -> Result<Arc<Self>> {
        let totals = Self {
            made: Atomic::new(0),
            ran: Atomic::new(0),
            never_ran: Atomic::new(0),
            dropped: Atomic::new(0),
            twice: Atomic::new(0),
        };
        Ok(Arc::new(totals, GFP_KERNEL)?)
    }

    /// Waits until every closure was dropped, for those of threads that nobody joins; checks the
    /// sums, and adds them to the table.
    pub(crate) fn check(&self, name: &str) -> Result {
        let made = self.made.load(Relaxed);
        becomes_true(|| self.dropped.load(Relaxed) >= made);
        let ran = self.ran.load(Relaxed);
        let never_ran = self.never_ran.load(Relaxed);
        let dropped = self.dropped.load(Relaxed);
        Row::Made.add(made);
        Row::Ran.add(ran);
        Row::NeverRan.add(never_ran);
        Row::Dropped.add(dropped);
        ensure!(
            dropped == made && self.twice.load(Relaxed) == 0,
            "{}: of {} closures {} were dropped, {} twice\n",
            name,
            made,
            dropped,
            self.twice.load(Relaxed)
        );
        ensure!(
            ran + never_ran == made,
            "{}: of {} closures {} ran, and {} never did\n",
            name,
            made,
            ran,
            never_ran
        );
        Ok(())
    }
}

/// What became of one closure.
pub(crate) struct Fate {
    totals: Arc<Totals>,
    ran: Atomic<u32>,
    dropped: Atomic<u32>,
}

impl Fate {
    /// One more closure, which is to own the probe.
    pub(crate) fn new(totals: &Arc<Totals>) -> Result<(Arc<Self>, Probe)> {
        let fate = Self {
            totals: totals.clone(),
            ran: Atomic::new(0),
            dropped: Atomic::new(0),
        };
        let fate = Arc::new(fate, GFP_KERNEL)?;
        totals.made.fetch_add(1, Full);
        Ok((fate.clone(), Probe(fate)))
    }

    pub(crate) fn ran(&self) -> bool {
        self.ran.load(Relaxed) != 0
    }

    pub(crate) fn was_dropped(&self) -> bool {
        self.dropped.load(Relaxed) == 1
    }
}

/// Owned by a closure, which may hand it on as its result. Owns memory, so that a leak would be
/// seen.
pub(crate) struct Probe(Arc<Fate>);

impl Probe {
    /// The closure has begun.
    pub(crate) fn runs(&self) {
        if self.0.ran.fetch_add(1, Full) != 0 {
            self.0.totals.twice.fetch_add(1, Full);
        }
        self.0.totals.ran.fetch_add(1, Full);
    }

    /// Says whether it is the one of that closure.
    pub(crate) fn is_of(&self, fate: &Arc<Fate>) -> bool {
        Arc::ptr_eq(&self.0, fate)
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        let totals = &self.0.totals;
        if !self.0.ran() {
            totals.never_ran.fetch_add(1, Full);
        }
        if self.0.dropped.fetch_add(1, Full) != 0 {
            totals.twice.fetch_add(1, Full);
        }
        totals.dropped.fetch_add(1, Full);
    }
}
