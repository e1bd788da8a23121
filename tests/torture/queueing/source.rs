// SPDX-License-Identifier: GPL-2.0

//! One who queues items.

use super::{
    item::Item,
    late::Late,
    stage::Stage,
    Scenario,
    LATES, //
};
use crate::{
    producers::{
        share,
        Producer,
        THREADS, //
    },
    rng::Rng,
    table::Row, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
};
use kthread::{
    EnqueueError,
    Queue, //
};

/// How many items a producer has, which it queues again and again.
const POOL: u32 = 16;

/// How many items a producer queues in a row at most, unless none is idle.
const BURST: u32 = 24;

/// Who queues items `0..total`, in this order, and others, with delays, in between.
pub(super) struct Source {
    stage: Arc<Stage>,
    queue: Queue,
    id: u32,
    seed: u64,
    items: KVec<Arc<Item>>,
    lates: KVec<Arc<Late>>,
    turns: Atomic<u32>,
    next: Atomic<u32>,
    total: u32,
    accepted: Atomic<u32>,
}

impl Source {
    pub(super) fn new(
        scenario: &Arc<Scenario>,
        stage: &Arc<Stage>,
        queue: &Queue,
        lates: &[Arc<Late>],
        id: u32,
        total: u32,
        seed: u64,
    ) -> Result<Self> {
        let total = share(id, total);
        let mut items = KVec::new();
        for _ in 0..total.min(POOL) {
            items.push(Item::new(id, stage, &scenario.items)?, GFP_KERNEL)?;
        }
        let mut shared = KVec::new();
        shared.extend_from_slice(lates, GFP_KERNEL)?;
        Ok(Self {
            stage: stage.clone(),
            queue: queue.clone(),
            id,
            seed,
            items,
            lates: shared,
            turns: Atomic::new(0),
            next: Atomic::new(0),
            total,
            accepted: Atomic::new(0),
        })
    }

    /// Queues the next item. Says whether one was idle.
    fn queue_one(&self) -> bool {
        let number = self.next.load(Relaxed);
        // CAST: A small number.
        let Some(item) = self.items.get((number % POOL) as usize) else {
            return false;
        };
        let was_gone = self.stage.is_empty();
        if !item.entry.is_idle() {
            self.stage
                .demand(!was_gone, "was accepted, and does not run");
            return false;
        }
        item.number.store(number, Relaxed);
        item.entry.queues();
        match Row::Enqueue.attempt(|| self.queue.enqueue(item.clone())) {
            Ok(()) => {
                let accepted = self.accepted.fetch_add(1, Relaxed);
                self.stage
                    .demand(accepted == number, "is accepted after one was refused");
            }
            Err(EnqueueError::Closed(back)) if Arc::ptr_eq(&back, item) => item.entry.handed_back(),
            Err(_) => self.stage.demand(false, "is refused for no reason"),
        }
        self.next.store(number + 1, Relaxed);
        true
    }

    /// All that was accepted has run, when the worker is gone.
    pub(super) fn check(&self) {
        let accepted = self.accepted.load(Relaxed);
        self.stage.demand(
            self.stage.ran(self.id) == accepted,
            "was accepted, and has not run",
        );
    }
}

impl Producer for Source {
    fn produce(&self) {
        let turn = self.turns.fetch_add(1, Relaxed);
        let mut rng = Rng::new(self.seed, turn.into());
        // CAST: A small number.
        if let Some(late) = self.lates.get(rng.below(LATES) as usize) {
            late.touch(&self.queue, self.id < THREADS, &mut rng);
        }
        for _ in 0..=rng.below(BURST) {
            if !self.has_more() || !self.queue_one() {
                break;
            }
        }
    }

    fn has_more(&self) -> bool {
        self.next.load(Relaxed) < self.total && !self.stage.is_wrong()
    }
}
