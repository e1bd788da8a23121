// SPDX-License-Identifier: GPL-2.0

//! An item must not be taken for that of a subtype, which may have another pointer: what cancelling
//! returns would be of the wrong type.
// error[E0308]: mismatched types

include!("common/module.rs");

use core::marker::PhantomData;
use kernel::sync::Arc;
use kthread::{
    impl_has_work,
    new_work,
    Work,
    WorkContext,
    WorkItem, //
};

type Narrow = fn(&'static u8);
#[cfg(misuse)]
type Wide = for<'a> fn(&'a u8);

#[pin_data]
struct Seed<X> {
    #[pin]
    work: Work<Seed<Narrow>>,
    _x: PhantomData<X>,
}

impl_has_work! {
    impl HasWork<Self> for Seed<Narrow> { self.work }
}

impl WorkItem for Seed<Narrow> {
    type Pointer = Arc<Self>;

    fn run(_this: Arc<Self>, _cx: &mut WorkContext<'_>) {}
}

fn case() -> Result {
    let seed: Arc<Seed<Narrow>> = Arc::pin_init(
        pin_init!(Seed { work <- new_work!(), _x: PhantomData }),
        GFP_KERNEL,
    )?;
    #[cfg(not(misuse))]
    let work: &Work<Seed<Narrow>> = &seed.work;
    #[cfg(misuse)]
    let work: &Work<Seed<Wide>> = &seed.work;
    work.flush()
}
