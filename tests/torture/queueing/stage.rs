// SPDX-License-Identifier: GPL-2.0

//! Where the items of a worker run, one at a time.

use crate::producers::PRODUCERS;
use kernel::{
    current,
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        AtomicFlag,
        Full,
        Relaxed,
        Release, //
    },
    task::Pid, //
};

pub(super) struct Stage {
    /// That of the worker.
    pid: Pid,
    busy: AtomicFlag,
    /// How many items of each producer have run.
    ran: [Atomic<u32>; PRODUCERS as usize],
    /// The worker is gone.
    empty: AtomicFlag,
    wrong: AtomicFlag,
}

impl Stage {
    pub(super) fn new(pid: Pid) -> Self {
        Self {
            pid,
            busy: AtomicFlag::new(false),
            ran: [const { Atomic::new(0) }; PRODUCERS as usize],
            empty: AtomicFlag::new(false),
            wrong: AtomicFlag::new(false),
        }
    }

    /// Does what an item does, which has to be alone, and in the worker's thread.
    pub(super) fn alone(&self, what: impl FnOnce()) {
        self.demand(current!().pid() == self.pid, "runs in another thread");
        self.demand(!self.busy.xchg(true, Full), "runs while another one does");
        what();
        self.busy.store(false, Release);
    }

    /// One of that producer runs, which has to be its next one.
    pub(super) fn in_order(&self, producer: u32, number: u32) {
        self.demand(self.ran(producer) == number, "runs out of order");
        // CAST: A small number.
        if let Some(ran) = self.ran.get(producer as usize) {
            ran.store(number + 1, Relaxed);
        }
    }

    /// How many of that producer have run, in their order.
    pub(super) fn ran(&self, producer: u32) -> u32 {
        // CAST: A small number.
        self.ran
            .get(producer as usize)
            .map_or(0, |ran| ran.load(Relaxed))
    }

    /// The worker is gone, so that no item is to come.
    pub(super) fn leave(&self) {
        self.empty.store(true, Release);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.empty.load(Acquire)
    }

    /// Says so if an item does something that it must not do.
    pub(super) fn demand(&self, right: bool, what: &str) {
        if !right && !self.wrong.xchg(true, Full) {
            pr_err!("an item {}\n", what);
        }
    }

    pub(super) fn is_wrong(&self) -> bool {
        self.wrong.load(Relaxed)
    }
}
