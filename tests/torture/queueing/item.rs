// SPDX-License-Identifier: GPL-2.0

//! An item, which has a number each time that it is queued.

use super::stage::Stage;
use crate::tally::{
    Entry,
    Tally, //
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
    time::{
        delay::{
            fsleep,
            udelay, //
        },
        Delta, //
    },
};
use kthread::{
    impl_has_work,
    new_work,
    Work,
    WorkContext,
    WorkItem, //
};

/// How long an item takes, every now and then.
const LONG: Delta = Delta::from_micros(30);

#[pin_data]
pub(super) struct Item {
    stage: Arc<Stage>,
    pub(super) entry: Entry,
    producer: u32,
    pub(super) number: Atomic<u32>,
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl HasWork<Self> for Item { self.work }
}

impl WorkItem for Item {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>, _cx: &mut WorkContext<'_>) {
        this.stage.alone(|| {
            let number = this.number.load(Relaxed);
            this.stage.in_order(this.producer, number);
            match number % 256 {
                1 => udelay(LONG),
                2 => fsleep(LONG),
                _ => {}
            }
            // Its producer may now queue it again.
            this.entry.ran();
        });
    }
}

impl Item {
    pub(super) fn new(producer: u32, stage: &Arc<Stage>, tally: &Arc<Tally>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                stage: stage.clone(),
                entry: Entry::new(tally),
                producer,
                number: Atomic::new(0),
                work <- new_work!(),
            }),
            GFP_KERNEL,
        )
    }
}
