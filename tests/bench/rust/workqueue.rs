// SPDX-License-Identifier: GPL-2.0

//! What items of workqueues cost, in the kernel's own Rust: of the system's unbound one, and of an
//! ordered one.

use crate::measure::measure;
use core::ptr::NonNull;
use kernel::{
    bindings, impl_has_work, new_work,
    prelude::*,
    str::CStrExt,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc, //
    },
    workqueue::{
        Queue,
        Work,
        WorkItem, //
    },
};
use kthread::{
    new_event,
    Event, //
};

const ONE_BY_ONE: usize = 50;
const ITEMS: usize = 1000;

/// What all items of a round share. The kernel's `Completion` serves once only.
#[pin_data]
struct Round {
    left: Atomic<i32>,
    #[pin]
    last: Event,
}

#[pin_data]
struct Item {
    round: Arc<Round>,
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl HasWork<Self> for Item { self.work }
}

impl WorkItem for Item {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        if this.round.left.fetch_add(-1, Full) == 1 {
            this.round.last.raise();
        }
    }
}

impl Item {
    fn new(round: Arc<Round>) -> Result<Arc<Self>> {
        Arc::pin_init(pin_init!(Self { round, work <- new_work!() }), GFP_KERNEL)
    }
}

/// An ordered workqueue.
struct Ordered(NonNull<bindings::workqueue_struct>);

impl Ordered {
    fn new() -> Result<Self> {
        let flags = bindings::wq_flags_WQ_UNBOUND | bindings::wq_flags___WQ_ORDERED;
        // SAFETY: The name is a string without a format.
        let queue = unsafe { bindings::alloc_workqueue_noprof(c"bench".as_char_ptr(), flags, 1) };
        Ok(Self(NonNull::new(queue).ok_or(ENOMEM)?))
    }

    fn queue(&self) -> &Queue {
        // SAFETY: It is there for as long as `self`.
        unsafe { Queue::from_raw(self.0.as_ptr()) }
    }
}

impl Drop for Ordered {
    fn drop(&mut self) {
        // SAFETY: Nobody uses it any more.
        unsafe { bindings::destroy_workqueue(self.0.as_ptr()) };
    }
}

pub(crate) fn measure_all() -> Result {
    let round = Arc::pin_init(
        pin_init!(Round {
            left: Atomic::new(0),
            last <- new_event!("last"),
        }),
        GFP_KERNEL,
    )?;
    let mut items = KVec::new();
    for _ in 0..ITEMS {
        items.push(Item::new(round.clone())?, GFP_KERNEL)?;
    }
    // SAFETY: A workqueue that is always there.
    let system = unsafe { Queue::from_raw(bindings::system_dfl_wq) };
    let ordered = Ordered::new()?;

    for (queue, one, many) in [
        (system, "system_dfl_wq_one", "system_dfl_wq_many"),
        (ordered.queue(), "ordered_wq_one", "ordered_wq_many"),
    ] {
        measure(one, ONE_BY_ONE, || {
            for _ in 0..ONE_BY_ONE {
                round.left.store(1, Relaxed);
                queue.enqueue(items[0].clone()).map_err(|_| EBUSY)?;
                round.last.wait();
            }
            Ok(())
        })?;
        measure(many, ITEMS, || {
            round.left.store(ITEMS as i32, Relaxed);
            for item in &items {
                queue.enqueue(item.clone()).map_err(|_| EBUSY)?;
            }
            round.last.wait();
            Ok(())
        })?;
    }
    Ok(())
}
