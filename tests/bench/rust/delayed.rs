// SPDX-License-Identifier: GPL-2.0

//! What items of a worker cost that are to run later.

use crate::measure::measure;
use kernel::{
    prelude::*,
    sync::Arc,
    time::Delta, //
};
use kthread::{
    impl_has_delayed_work,
    new_delayed_work,
    DelayedWork,
    WorkContext,
    WorkItem, //
};

const COUNT: usize = 100;

#[pin_data]
struct Item {
    #[pin]
    work: DelayedWork<Self>,
}

impl_has_delayed_work! {
    impl HasDelayedWork<Self> for Item { self.work }
}

impl WorkItem for Item {
    type Pointer = Arc<Self>;

    fn run(_this: Arc<Self>, _cx: &mut WorkContext<'_>) {}
}

pub(crate) fn measure_all() -> Result {
    let worker = kthread::builder!("worker")?.worker()?;
    let item = Arc::pin_init(pin_init!(Item { work <- new_delayed_work!() }), GFP_KERNEL)?;

    measure("delayed_cancel", COUNT, || {
        for _ in 0..COUNT {
            worker.enqueue_delayed(item.clone(), Delta::from_secs(3600))?;
            item.work.cancel()?;
        }
        Ok(())
    })?;
    measure("delayed_modify", COUNT, || {
        for i in 0..COUNT as i64 {
            worker.mod_delayed(item.clone(), Delta::from_secs(3600 + i))?;
        }
        Ok(())
    })?;
    item.work.cancel()?;
    measure("delayed_run", COUNT, || {
        for _ in 0..COUNT {
            worker.enqueue_delayed(item.clone(), Delta::ZERO)?;
            item.work.flush()?;
        }
        Ok(())
    })
}
