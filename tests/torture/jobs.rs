// SPDX-License-Identifier: GPL-2.0

//! Uses workers that others use at the same time, and that go away.

use crate::{
    crew,
    fate::{
        Fate,
        Probe,
        Totals, //
    },
    rng::Rng,
    table::Row,
    tally::{
        Entry,
        Tally, //
    }, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full, //
        },
        Arc,
        Mutex, //
    },
    time::delay::fsleep, //
};
use kthread::{
    impl_has_work,
    new_work,
    EnqueueError,
    Exit,
    Queue,
    Work,
    WorkContext,
    WorkItem,
    Worker, //
};

const NAME: &str = "job";

/// How many workers there are at a time: few, so that those who use them meet.
const OFFICES: u32 = 2;

/// How many items each of them has.
const ITEMS: u32 = 4;

/// A worker, and items that anybody may queue on it.
struct Office {
    worker: Worker,
    items: [Arc<Item>; ITEMS as usize],
}

/// Whoever drops the last reference ends the worker.
type Slot = Mutex<Option<Arc<Office>>>;

#[pin_data]
struct Item {
    entry: Entry,
    seed: u64,
    runs: Atomic<u64>,
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl HasWork<Self> for Item { self.work }
}

impl WorkItem for Item {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>, cx: &mut WorkContext<'_>) {
        let mut rng = Rng::new(this.seed, this.runs.fetch_add(1, Full));
        rng.pause();
        // What waits for itself is told so.
        if this.work.flush() != Err(kthread::__private::EDEADLK) {
            pr_err!("job: an item can wait for itself !!!\n");
        }
        this.entry.ran();
        if rng.one_in(4) && !cx.queue().is_closed() {
            this.enqueue(cx.queue());
        }
    }
}

impl Item {
    fn new(seed: u64, tally: &Arc<Tally>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                entry: Entry::new(tally),
                seed,
                runs: Atomic::new(0),
                work <- new_work!(),
            }),
            GFP_KERNEL,
        )
    }

    fn enqueue(self: Arc<Self>, queue: &Queue) {
        self.entry.queues();
        match Row::Enqueue.attempt(|| queue.enqueue(self)) {
            Ok(()) => {}
            Err(EnqueueError::Pending(item) | EnqueueError::Closed(item)) => {
                item.entry.handed_back();
            }
            // The sums will tell.
            Err(_) => {}
        }
    }
}

impl Office {
    fn open(rng: &mut Rng, tally: &Arc<Tally>) -> Result<Arc<Self>> {
        let mut plan = kthread::builder!("torture/office")?;
        if rng.one_in(2) {
            plan = plan.freezable();
        }
        let office = Self {
            worker: Row::Worker.attempt(|| plan.worker())?,
            items: [
                Item::new(rng.next(), tally)?,
                Item::new(rng.next(), tally)?,
                Item::new(rng.next(), tally)?,
                Item::new(rng.next(), tally)?,
            ],
        };
        Ok(Arc::new(office, GFP_KERNEL)?)
    }
}

pub(crate) fn run(rounds: u32, seed: u64) -> Result {
    let tally = Tally::new(NAME, "items")?;
    let totals = Totals::new()?;
    let mut slots = KVec::new();
    for _ in 0..OFFICES {
        let slot: Arc<Slot> = Arc::pin_init(new_mutex!(None), GFP_KERNEL)?;
        slots.push(slot, GFP_KERNEL)?;
    }
    crew::run(NAME, rounds, seed, |worker| {
        worker.each_round(|worker| one_round(&slots, &mut worker.rng, &tally, &totals))
    })?;
    drop(slots);
    tally.check()?;
    tally.enter();
    totals.check(NAME)
}

fn one_round(
    slots: &[Arc<Slot>],
    rng: &mut Rng,
    tally: &Arc<Tally>,
    totals: &Arc<Totals>,
) -> Result {
    // CAST: A small number.
    let slot = &slots[rng.below(OFFICES) as usize];
    let mut shared = slot.lock();
    let office = match shared.take() {
        Some(office) => office,
        None => Office::open(rng, tally)?,
    };
    // Every so often it is not put back.
    if !rng.one_in(16) {
        *shared = Some(office.clone());
    }
    drop(shared);
    for _ in 0..1 + rng.below(8) {
        rng.pause();
        // CAST: A small number.
        let item = &office.items[rng.below(ITEMS) as usize];
        match rng.below(8) {
            0..=2 => item.clone().enqueue(&office.worker),
            3 => {
                let cancelled = Row::Cancel.attempt(|| item.work.cancel())?;
                if cancelled.is_some() {
                    item.entry.handed_back();
                }
            }
            4 => Row::FlushItem.attempt(|| item.work.flush())?,
            5 => Row::Flush.attempt(|| office.worker.flush())?,
            _ => use_job(&office.worker, rng, totals)?,
        }
    }
    // Maybe the last reference.
    Row::DropWorker.call(|| drop(office));
    Ok(())
}

/// Has the worker run a closure, and maybe waits for it.
fn use_job(queue: &Queue, rng: &mut Rng, totals: &Arc<Totals>) -> Result {
    let (fate, probe) = Fate::new(totals)?;
    let pause = rng.delay();
    let job = Row::RunJob.attempt(|| {
        queue.run(move |_cx| -> Probe {
            probe.runs();
            fsleep(pause);
            probe
        })
    })?;
    match rng.below(4) {
        // It runs all the same.
        0 => drop(job),
        1 => {
            Row::Flush.attempt(|| queue.flush())?;
            ensure!(job.is_finished(), "job: a flush did not wait for it\n");
        }
        _ => match Row::WaitForJob.attempt(|| job.wait())? {
            Exit::Returned(probe) => ensure!(
                probe.is_of(&fate) && fate.ran() && !fate.was_dropped(),
                "job: a result is not that of the closure\n"
            ),
            _ => ensure!(false, "job: it does not run\n"),
        },
    }
    Ok(())
}
