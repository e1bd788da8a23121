// SPDX-License-Identifier: GPL-2.0

//! Makes things between two allocations that can be told from others, so that it can be traced what
//! memory they take.

use kernel::{
    prelude::*,
    sync::Arc,
    time::Delta, //
};
use kthread::{
    impl_has_delayed_work,
    impl_has_work,
    new_delayed_work,
    new_work,
    DelayedWork,
    Work,
    WorkContext,
    WorkItem, //
};

const COUNT: usize = 16;
const BEGIN: usize = 3000;
const END: usize = 3100;

#[pin_data]
struct Item {
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl HasWork<Self> for Item { self.work }
}

impl WorkItem for Item {
    type Pointer = Pin<KBox<Self>>;

    fn run(_this: Pin<KBox<Self>>, _cx: &mut WorkContext<'_>) {}
}

#[pin_data]
struct Delayed {
    #[pin]
    work: DelayedWork<Self>,
}

impl_has_delayed_work! {
    impl HasDelayedWork<Self> for Delayed { self.work }
}

impl WorkItem for Delayed {
    type Pointer = Arc<Self>;

    fn run(_this: Arc<Self>, _cx: &mut WorkContext<'_>) {}
}

/// Makes some between two marks, and drops them after the second.
fn trace<const BEGIN: usize, const END: usize, T>(make: impl Fn() -> Result<T>) -> Result {
    let mut made = KVec::with_capacity(COUNT, GFP_KERNEL)?;
    mark::<BEGIN>()?;
    for _ in 0..COUNT {
        made.push(make()?, GFP_KERNEL)?;
    }
    mark::<END>()
}

fn mark<const SIZE: usize>() -> Result {
    drop(KBox::<[u8; SIZE]>::new_uninit(GFP_KERNEL)?);
    Ok(())
}

pub(crate) fn trace_all() -> Result {
    trace::<BEGIN, END, _>(|| kthread::run!("thread", |cx| cx.sleep(Delta::from_nanos(i64::MAX))))?;
    trace::<{ BEGIN + 1 }, { END + 1 }, _>(|| kthread::builder!("worker")?.worker())?;
    trace::<{ BEGIN + 2 }, { END + 2 }, _>(|| {
        KBox::pin_init(pin_init!(Item { work <- new_work!() }), GFP_KERNEL)
    })?;
    trace::<{ BEGIN + 3 }, { END + 3 }, _>(|| {
        KBox::pin_init(
            pin_init!(Delayed { work <- new_delayed_work!() }),
            GFP_KERNEL,
        )
    })
}
