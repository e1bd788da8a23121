// SPDX-License-Identifier: GPL-2.0

//! An item runs in another thread than that which queues it.
// error[E0277]: cannot be sent between threads safely

include!("common/module.rs");

use kthread::{
    impl_has_work,
    new_work,
    Work,
    WorkContext,
    WorkItem, //
};

#[cfg(misuse)]
type Value = *mut u8;
#[cfg(not(misuse))]
type Value = usize;

#[pin_data]
struct Item {
    value: Value,
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl HasWork<Self> for Item { self.work }
}

impl WorkItem for Item {
    type Pointer = Pin<KBox<Self>>;

    fn run(this: Pin<KBox<Self>>, _cx: &mut WorkContext<'_>) {
        let _ = this.value;
    }
}

fn case() -> Result {
    let worker = kthread::builder!("worker")?.worker()?;
    let item = pin_init!(Item { value: 0 as Value, work <- new_work!() });
    worker.enqueue(KBox::pin_init(item, GFP_KERNEL)?)?;
    Ok(())
}
