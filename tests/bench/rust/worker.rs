// SPDX-License-Identifier: GPL-2.0

//! What items of a worker cost.

use crate::measure::measure;
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
    impl_has_work,
    new_event,
    new_work,
    Event,
    Work,
    WorkContext,
    WorkItem, //
};

const ONE_BY_ONE: usize = 50;
const ITEMS: usize = 1000;
const WORKERS: usize = 10;

#[pin_data]
struct Item {
    runs: Atomic<u32>,
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl HasWork<Self> for Item { self.work }
}

impl WorkItem for Item {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>, _cx: &mut WorkContext<'_>) {
        this.runs.store(this.runs.load(Relaxed) + 1, Relaxed);
    }
}

impl Item {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self { runs: Atomic::new(0), work <- new_work!() }),
            GFP_KERNEL,
        )
    }
}

#[pin_data]
struct Again {
    again: Atomic<usize>,
    #[pin]
    last: Event,
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl HasWork<Self> for Again { self.work }
}

impl WorkItem for Again {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>, cx: &mut WorkContext<'_>) {
        let again = this.again.load(Relaxed);
        this.again.store(again - 1, Relaxed);
        if again > 1 {
            let _ = cx.queue().enqueue(this);
        } else {
            this.last.raise();
        }
    }
}

pub(crate) fn measure_all() -> Result {
    let worker = kthread::builder!("worker")?.worker()?;
    let mut items = KVec::new();
    for _ in 0..ITEMS {
        items.push(Item::new()?, GFP_KERNEL)?;
    }
    let again = Arc::pin_init(
        pin_init!(Again {
            again: Atomic::new(0),
            last <- new_event!("last"),
            work <- new_work!(),
        }),
        GFP_KERNEL,
    )?;

    measure("worker_one", ONE_BY_ONE, || {
        for _ in 0..ONE_BY_ONE {
            worker.enqueue(items[0].clone())?;
            items[0].work.flush()?;
        }
        Ok(())
    })?;
    measure("worker_many", ITEMS, || {
        for item in &items {
            worker.enqueue(item.clone())?;
        }
        worker.flush()
    })?;
    measure("worker_again", ITEMS, || {
        again.again.store(ITEMS, Relaxed);
        worker.enqueue(again.clone())?;
        again.last.wait();
        Ok(())
    })?;
    measure("worker_flush", ONE_BY_ONE, || {
        for _ in 0..ONE_BY_ONE {
            worker.flush()?;
        }
        Ok(())
    })?;
    measure("worker_create", WORKERS, || {
        for _ in 0..WORKERS {
            drop(kthread::builder!("short")?.worker()?);
        }
        Ok(())
    })
}
