// SPDX-License-Identifier: GPL-2.0

//! Queues items on workers, one of which lasts, or many of which go away meanwhile.

mod item;
mod late;
mod source;
mod stage;
mod tally;

use crate::{
    producers::{
        self,
        ROUND, //
    },
    progress::Progress,
    rng::Rng, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};
use late::Late;
use source::Source;
use stage::Stage;
use tally::Tally;

/// How many items with delays there are at a time, which all producers use.
const LATES: u32 = 4;

/// How many items one of many workers is given at most, by all producers.
const MOST: u32 = 600;

/// After how many microseconds it goes away at the latest: mostly, and sometimes.
const LATEST: [u32; 2] = [3_000, 20_000];

/// What all workers of a scenario have in common.
struct Scenario {
    progress: Progress,
    attempts: Atomic<u32>,
    items: Arc<Tally>,
    lates: Arc<Tally>,
}

/// Whether a worker lasts until all items were queued.
#[derive(Clone, Copy)]
pub(crate) enum Life {
    Long,
    Short,
}

pub(crate) fn run(name: &'static str, rounds: u32, seed: u64, life: Life) -> Result {
    if rounds == 0 {
        return Ok(());
    }
    let scenario = Scenario {
        progress: Progress::new(name, rounds),
        attempts: Atomic::new(0),
        items: Tally::new(name, "items")?,
        lates: Tally::new(name, "items with delays")?,
    };
    let scenario = Arc::new(scenario, GFP_KERNEL)?;
    // In a thread, so that it is noticed if it waits for ever.
    let employer = kthread::run!("employer", {
        let scenario = scenario.clone();
        move |_cx| scenario.employ(rounds * ROUND, seed, life)
    })?;
    scenario.progress.finish(employer)
}

impl Scenario {
    /// Has one worker after the other run items, until all were queued.
    fn employ(self: &Arc<Self>, total: u32, seed: u64, life: Life) -> Result {
        let mut rng = Rng::new(seed, 0);
        let mut workers = 0;
        let mut left = total;
        while left > 0 {
            let items = match life {
                Life::Long => left,
                Life::Short => left.min(1 + rng.below(MOST)),
            };
            self.employ_one(items, &mut rng, life)?;
            left -= items;
            workers += 1;
        }
        pr_info!("{}: {} workers\n", self.progress.name, workers);
        self.items.print();
        self.lates.print();
        Ok(())
    }

    /// Has one worker run so many items, unless it goes away before.
    fn employ_one(self: &Arc<Self>, total: u32, rng: &mut Rng, life: Life) -> Result {
        let name = self.progress.name;
        let server = kthread::builder!("server")?.worker()?;
        let stage = Arc::new(Stage::new(server.pid()), GFP_KERNEL)?;
        let queue = server.queue();
        let mut lates = KVec::new();
        for _ in 0..LATES {
            lates.push(Late::new(&stage, &self.lates)?, GFP_KERNEL)?;
        }
        let sources =
            producers::make(|id| Source::new(self, &stage, &queue, &lates, id, total, rng.next()))?;
        drop(lates);
        let threads = producers::start(&sources, rng.next())?;
        let lasting = match life {
            Life::Long => Some(server),
            Life::Short => {
                let latest = LATEST[usize::from(rng.one_in(8))];
                fsleep(Delta::from_micros(rng.below(latest).into()));
                drop(server);
                stage.leave();
                None
            }
        };
        for thread in threads {
            self.progress.finish(thread)?;
        }
        drop(lasting);
        for source in &sources {
            source.check();
        }
        drop(sources);
        ensure!(
            !stage.is_wrong(),
            "{}: an item did what it must not do\n",
            name
        );
        self.items.check()?;
        self.lates.check()?;
        ensure!(
            self.items.dropped() == 0,
            "{}: {} items without a delay were dropped\n",
            name,
            self.items.dropped()
        );
        Ok(())
    }

    /// One more time an item was queued, or refused.
    fn count(&self) {
        if (self.attempts.fetch_add(1, Full) + 1) % ROUND == 0 {
            self.progress.add_one();
        }
    }
}
