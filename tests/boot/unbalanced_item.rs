// SPDX-License-Identifier: GPL-2.0

//! An item that returns with a spinlock.

use kernel::{
    new_spinlock,
    prelude::*,
    sync::SpinLock, //
};
use kthread::{
    impl_has_work,
    new_work,
    Work,
    WorkContext,
    WorkItem, //
};

module! {
    type: UnbalancedItem,
    name: "kthread_unbalanced_item",
    authors: ["The kthread authors"],
    description: "Runs an item that returns with a spinlock",
    license: "GPL",
}

/// Takes a lock, and never gives it back.
#[pin_data]
struct Forgetful {
    lock: &'static SpinLock<()>,
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl HasWork<Self> for Forgetful { self.work }
}

impl WorkItem for Forgetful {
    type Pointer = Pin<KBox<Self>>;

    fn run(this: Pin<KBox<Self>>, _cx: &mut WorkContext<'_>) {
        core::mem::forget(this.lock.lock());
    }
}

struct UnbalancedItem;

impl kernel::Module for UnbalancedItem {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // Nobody frees a lock that is held.
        let lock = KBox::leak(KBox::new(
            KBox::pin_init(new_spinlock!(()), GFP_KERNEL)?,
            GFP_KERNEL,
        )?);
        let item = pin_init!(Forgetful { lock: &**lock, work <- new_work!() });
        let worker = kthread::builder!("unbalanced")?.worker()?;
        worker.enqueue(KBox::pin_init(item, GFP_KERNEL)?)?;
        Ok(Self)
    }
}
