// SPDX-License-Identifier: GPL-2.0

//! Waits for items: first in ways that are fine, then in one that could deadlock.

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        Arc,
        Mutex, //
    }, //
};
use kthread::{
    impl_has_work,
    new_work,
    Exit,
    Work,
    WorkContext,
    WorkItem, //
};

#[path = "../shared/parameter.rs"]
mod parameter;

module! {
    type: CircularWork,
    name: "kthread_circular_work",
    authors: ["The kthread authors"],
    description: "Waits for an item under a lock that the item takes",
    license: "GPL",
    params: {
        cancels: u8 {
            default: 0,
            description: "Whether to cancel the item, and not to flush it",
        },
    },
}

/// Takes a lock.
#[pin_data]
struct Locker {
    lock: Arc<Mutex<()>>,
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl HasWork<Self> for Locker { self.work }
}

impl WorkItem for Locker {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>, _cx: &mut WorkContext<'_>) {
        let _guard = this.lock.lock();
    }
}

impl Locker {
    fn new(lock: &Arc<Mutex<()>>) -> Result<Arc<Self>> {
        let lock = lock.clone();
        Arc::pin_init(pin_init!(Self { lock, work <- new_work!() }), GFP_KERNEL)
    }
}

struct CircularWork;

impl kernel::Module for CircularWork {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let lock = Arc::pin_init(new_mutex!(()), GFP_KERNEL)?;
        fine(&lock)?;
        pr_info!("items have waited for items\n");
        circular(&lock)?;
        Ok(Self)
    }
}

/// An item cancels one of its own worker; another one, and a closure, wait for another worker that
/// runs the like.
fn fine(lock: &Arc<Mutex<()>>) -> Result {
    let (near, far) = (Locker::new(lock)?, Locker::new(lock)?);
    let worker = kthread::builder!("circular/near")?.worker()?;
    let other = kthread::builder!("circular/far")?.worker()?;
    worker.enqueue(near.clone())?;
    other.enqueue(far.clone())?;
    let queue = other.queue();
    let job = worker.run(move |_cx| -> Result {
        near.work.cancel()?;
        let Exit::Returned(()) = queue.run(|_cx| ())?.wait()? else {
            return Err(EIO);
        };
        far.work.flush()?;
        far.work.cancel()?;
        queue.flush()
    })?;
    match job.wait()? {
        Exit::Returned(result) => result,
        Exit::NeverRan | Exit::Crashed => Err(EIO),
    }
}

/// Would deadlock if the item were a little slower.
fn circular(lock: &Arc<Mutex<()>>) -> Result {
    let item = Locker::new(lock)?;
    let worker = kthread::builder!("circular/last")?.worker()?;
    worker.enqueue(item.clone())?;
    worker.flush()?;
    let _guard = lock.lock();
    if parameter::value(&module_parameters::cancels) != 0 {
        item.work.cancel().map(|_| ())
    } else {
        item.work.flush()
    }
}
