// SPDX-License-Identifier: GPL-2.0

//! Queues items and sends values, between two allocations that can be told from others.

use kernel::{
    prelude::*,
    sync::Arc,
    time::Delta, //
};
use kthread::{
    impl_has_delayed_work,
    impl_has_work,
    new_delayed_work,
    new_mailbox,
    new_work,
    DelayedWork,
    Exit,
    Mailbox,
    Queue,
    Work,
    WorkContext,
    WorkItem, //
};

module! {
    type: NoAllocation,
    name: "kthread_no_allocation",
    authors: ["The kthread authors"],
    description: "Queues items between two allocations",
    license: "GPL",
}

struct NoAllocation;

/// An item, of which both kinds are queued.
#[pin_data]
struct Item {
    #[pin]
    work: Work<Self, 0>,
    #[pin]
    later: DelayedWork<Self, 1>,
}

impl_has_work! {
    impl HasWork<Self> for Item { self.work }
}

impl_has_delayed_work! {
    impl HasDelayedWork<Self, 1> for Item { self.later }
}

impl WorkItem for Item {
    type Pointer = Arc<Self>;

    fn run(_this: Arc<Self>, _cx: &mut WorkContext<'_>) {}
}

impl WorkItem<1> for Item {
    type Pointer = Arc<Self>;

    fn run(_this: Arc<Self>, _cx: &mut WorkContext<'_>) {}
}

const ROUNDS: usize = 1000;

impl kernel::Module for NoAllocation {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let item = Arc::pin_init(
            pin_init!(Item {
                work <- new_work!(),
                later <- new_delayed_work!(),
            }),
            GFP_KERNEL,
        )?;
        let mailbox = Arc::pin_init(new_mailbox!(), GFP_KERNEL)?;
        let worker = kthread::builder!("no_alloc/worker")?.worker()?;
        let queue = worker.queue();
        let task = kthread::run!("no_alloc/queuer", move |cx| -> Result {
            let begin = KBox::<[u8; 3000]>::new_uninit(GFP_KERNEL)?;
            for _ in 0..ROUNDS {
                queue_all(&queue, &item, &mailbox)?;
                cx.cond_resched();
            }
            let end = KBox::<[u8; 3001]>::new_uninit(GFP_KERNEL)?;
            drop((begin, end));
            Ok(())
        })?;
        match task.join()? {
            Exit::Returned(result) => result?,
            Exit::NeverRan | Exit::Crashed => return Err(EIO),
        }
        drop(worker);
        Ok(Self)
    }
}

fn queue_all(queue: &Queue, item: &Arc<Item>, mailbox: &Mailbox<u8, 4>) -> Result {
    // It may be queued still.
    let _ = queue.enqueue::<_, 0>(item.clone());
    let _ = queue.enqueue_delayed::<_, 1>(item.clone(), Delta::from_millis(1));
    let _ = queue.mod_delayed::<_, 1>(item.clone(), Delta::ZERO);
    item.later.flush()?;
    item.later.cancel()?;
    let _ = mailbox.send(0);
    mailbox.receiver()?.batch().for_each(drop);
    Ok(())
}
