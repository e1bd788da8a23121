// SPDX-License-Identifier: GPL-2.0

//! H75: only an item that has a timer can be delayed.
// error[E0277]: HasDelayedWork

include!("common/module.rs");

use kernel::{
    sync::Arc,
    time::Delta, //
};
use kthread::{
    impl_has_work,
    new_work,
    Work,
    WorkContext,
    WorkItem, //
};

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

fn case() -> Result {
    let worker = kthread::builder!("worker")?.worker()?;
    let item = Arc::pin_init(pin_init!(Item { work <- new_work!() }), GFP_KERNEL)?;
    let _ = Delta::ZERO;
    #[cfg(misuse)]
    worker.enqueue_delayed(item.clone(), Delta::ZERO)?;
    worker.enqueue(item)?;
    Ok(())
}
