// SPDX-License-Identifier: GPL-2.0

//! How costs grow: with the threads and workers that are alive, and with the items that are queued.

use crate::measure::measure;
use kernel::{
    prelude::*,
    str::CString,
    sync::Arc,
    time::Delta, //
};
use kthread::{
    impl_has_work,
    new_work,
    Current,
    Stopped,
    Work,
    WorkContext,
    WorkItem,
    Worker, //
};

const COUNT: usize = 10;
const ALIVE: [usize; 4] = [1, 10, 100, 1000];
/// How many items a round has at least, in as many turns as it takes.
const ITEMS_OF_ROUND: usize = 1000;
const ITEMS: [usize; 6] = [1, 10, 100, 1000, 10_000, 100_000];

#[pin_data]
struct Item {
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl HasWork<Self> for Item { self.work }
}

impl WorkItem for Item {
    type Pointer = Arc<Self>;

    fn run(_this: Arc<Self>, _cx: &mut WorkContext<'_>) {}
}

fn items(count: usize) -> Result<VVec<Arc<Item>>> {
    let mut items = VVec::with_capacity(count, GFP_KERNEL)?;
    for _ in 0..count {
        items.push(
            Arc::pin_init(pin_init!(Item { work <- new_work!() }), GFP_KERNEL)?,
            GFP_KERNEL,
        )?;
    }
    Ok(items)
}

fn wait_for_stop(cx: Current<'_>) -> Result<(), Stopped> {
    cx.sleep(Delta::from_nanos(i64::MAX))
}

fn name(of: &str, count: usize) -> Result<CString> {
    CString::try_from_fmt(fmt!("{of}_{count}"))
}

/// There are so many threads and workers besides those that are measured.
fn measure_alive(alive: usize) -> Result {
    let mut tasks = KVec::with_capacity(alive, GFP_KERNEL)?;
    for _ in 0..alive {
        tasks.push(kthread::run!("alive", wait_for_stop)?, GFP_KERNEL)?;
    }
    measure(name("threads", alive)?.to_str()?, COUNT, || {
        for _ in 0..COUNT {
            let _ = kthread::run!("short", wait_for_stop)?.stop()?;
        }
        Ok(())
    })?;
    drop(tasks);

    let mut workers: KVec<Worker> = KVec::with_capacity(alive, GFP_KERNEL)?;
    for _ in 0..alive {
        workers.push(kthread::builder!("alive")?.worker()?, GFP_KERNEL)?;
    }
    let items = items(1)?;
    measure(name("workers", alive)?.to_str()?, COUNT, || {
        for _ in 0..COUNT {
            workers[0].enqueue(items[0].clone())?;
            items[0].work.flush()?;
        }
        Ok(())
    })
}

pub(crate) fn measure_all() -> Result {
    for alive in ALIVE {
        measure_alive(alive)?;
    }
    let worker = kthread::builder!("items")?.worker()?;
    for count in ITEMS {
        let items = items(count)?;
        let turns = ITEMS_OF_ROUND.div_ceil(count);
        measure(name("items", count)?.to_str()?, turns * count, || {
            for _ in 0..turns {
                for item in &items {
                    worker.enqueue(item.clone())?;
                }
                worker.flush()?;
            }
            Ok(())
        })?;
    }
    Ok(())
}
