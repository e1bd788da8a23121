// SPDX-License-Identifier: GPL-2.0

//! Queues items on workers, one of which lasts, or many of which go away meanwhile.

mod item;
mod late;
mod source;
mod stage;

use crate::{
    crew,
    producers::{
        self,
        ROUND, //
    },
    rng::Rng,
    table::Row,
    tally::Tally, //
};
use kernel::{
    prelude::*,
    sync::Arc,
    time::{
        delay::fsleep,
        Delta, //
    },
};
use late::Late;
use source::Source;
use stage::Stage;

const NAME: &str = "item";

/// How many items with delays there are at a time, which all producers use.
const LATES: u32 = 4;

/// How many items one of many workers is given at most, by all producers.
const MOST: u32 = 600;

/// After how many microseconds it goes away at the latest: mostly, and sometimes.
const LATEST: [u32; 2] = [3_000, 20_000];

/// What all workers of a scenario have in common.
struct Scenario {
    items: Arc<Tally>,
    lates: Arc<Tally>,
}

/// Whether a worker lasts until all items were queued.
#[derive(Clone, Copy)]
enum Life {
    Long,
    Short,
}

pub(crate) fn run(rounds: u32, seed: u64) -> Result {
    run_for(Life::Long, rounds, seed)
}

pub(crate) fn run_closing(rounds: u32, seed: u64) -> Result {
    run_for(Life::Short, rounds, seed)
}

fn run_for(life: Life, rounds: u32, seed: u64) -> Result {
    let scenario = Scenario {
        items: Tally::new(NAME, "items")?,
        lates: Tally::new(NAME, "items with delays")?,
    };
    let scenario = Arc::new(scenario, GFP_KERNEL)?;
    scenario.employ(rounds * ROUND, seed, life)
}

impl Scenario {
    /// Has one worker after the other run items, until all were queued.
    fn employ(self: &Arc<Self>, total: u32, seed: u64, life: Life) -> Result {
        let mut rng = Rng::new(seed, 0);
        let mut left = total;
        while left > 0 {
            let items = match life {
                Life::Long => left,
                Life::Short => left.min(1 + rng.below(MOST)),
            };
            self.employ_one(items, &mut rng, life)?;
            left -= items;
        }
        self.items.enter();
        self.lates.enter();
        Ok(())
    }

    /// Has one worker run so many items, unless it goes away before.
    fn employ_one(self: &Arc<Self>, total: u32, rng: &mut Rng, life: Life) -> Result {
        let mut plan = kthread::builder!("torture/server")?;
        if rng.one_in(2) {
            plan = plan.freezable();
        }
        let server = Row::Worker.attempt(|| plan.worker())?;
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
                Row::DropWorker.call(|| drop(server));
                stage.leave();
                None
            }
        };
        for thread in threads {
            crew::finish(NAME, thread)?;
        }
        Row::DropWorker.call(|| drop(lasting));
        for source in &sources {
            source.check();
        }
        drop(sources);
        ensure!(
            !stage.is_wrong(),
            "{}: an item did what it must not do\n",
            NAME
        );
        self.items.check()?;
        self.lates.check()?;
        ensure!(
            self.items.dropped() == 0,
            "{}: {} items without a delay were dropped\n",
            NAME,
            self.items.dropped()
        );
        Ok(())
    }
}
