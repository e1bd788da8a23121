// SPDX-License-Identifier: GPL-2.0

//! An item runs what its type says: the field must be of the type that the item is said to have.
// error[E0308]: mismatched types

include!("common/module.rs");

use kernel::sync::Arc;
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
    work: Work<Self, 0>,
}

#[cfg(misuse)]
impl_has_work! {
    impl HasWork<Self, 1> for Item { self.work }
}

impl_has_work! {
    impl HasWork<Self> for Item { self.work }
}

impl WorkItem<0> for Item {
    type Pointer = Arc<Self>;

    fn run(_this: Arc<Self>, _cx: &mut WorkContext<'_>) {}
}

#[cfg(misuse)]
impl WorkItem<1> for Item {
    type Pointer = Arc<Self>;

    fn run(_this: Arc<Self>, _cx: &mut WorkContext<'_>) {}
}

fn case() -> Result {
    drop(Arc::pin_init(
        pin_init!(Item { work <- new_work!() }),
        GFP_KERNEL,
    )?);
    Ok(())
}
