// SPDX-License-Identifier: GPL-2.0

//! Keeps one thread in each state, and workers, for the live view to show.

use kernel::{
    cpu::{
        nr_cpu_ids,
        CpuId, //
    },
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};
use kthread::{
    impl_has_delayed_work,
    new_delayed_work,
    Created,
    Current,
    DelayedWork,
    Policy,
    Task,
    WorkContext,
    WorkItem,
    Worker, //
};

module! {
    type: LiveView,
    name: "kthread_live_view",
    authors: ["The kthread authors"],
    description: "Keeps threads in all states",
    license: "GPL",
}

struct LiveView {
    _created: Created<()>,
    _threads: KVec<Task<()>>,
    _workers: [Worker; 2],
}

/// Lingers.
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

    fn run(_this: Arc<Self>, cx: &mut WorkContext<'_>) {
        linger(cx);
    }
}

impl Item {
    fn new() -> Result<Arc<Self>> {
        Arc::pin_init(pin_init!(Self { work <- new_delayed_work!() }), GFP_KERNEL)
    }
}

/// Whether the threads that do not look at their stop flag may end.
static MAY_END: Atomic<bool> = Atomic::new(false);

impl kernel::Module for LiveView {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let cpu = CpuId::from_u32(nr_cpu_ids() - 1).ok_or(EINVAL)?;
        let created = kthread::builder!("view/created")?.create(sleep)?;
        let mut threads = KVec::new();
        threads.push(kthread::run!("view/sleeping", sleep)?, GFP_KERNEL)?;
        threads.push(kthread::run!("view/two words", sleep)?, GFP_KERNEL)?;
        threads.push(kthread::run!("view/two\nlines", sleep)?, GFP_KERNEL)?;
        let urgent = kthread::builder!("view/urgent")?
            .policy(Policy::Fifo)
            .bind(cpu)
            .run(sleep)?;
        threads.push(urgent, GFP_KERNEL)?;
        // One that parks before its closure begins is shown as created.
        let parked = kthread::builder!("view/parked")?
            .create(sleep)?
            .start_and_wait();
        // The guard borrows from the handle, so both cannot be kept.
        core::mem::forget(parked.park()?);
        threads.push(parked, GFP_KERNEL)?;
        let idle = kthread::builder!("view/idle")?.worker()?;
        for _ in 0..3 {
            let _ = idle.run(|_cx| ())?.wait()?;
        }
        for _ in 0..1000 {
            idle.enqueue_delayed(Item::new()?, Delta::from_secs(3600))?;
        }
        let items = [Item::new()?, Item::new()?, Item::new()?];
        let later = Item::new()?;
        let busy = kthread::builder!("view/busy")?.worker()?;
        busy.enqueue_delayed(later, Delta::from_secs(3600))?;
        // From here on no error may occur: nobody would set `MAY_END`.
        threads.reserve(2, GFP_KERNEL)?;
        let running = kthread::run!("view/running", |cx| linger(&cx))?;
        let stopping = kthread::builder!("view/stopping")?
            .create(|cx| linger(&cx))
            .map(Created::start_and_wait);
        if let Ok(stopping) = stopping {
            stopping.request_stop();
            let _ = threads.push_within_capacity(stopping);
        }
        let _ = threads.push_within_capacity(running);
        for item in items {
            let _ = busy.enqueue(item);
        }
        Ok(Self {
            _created: created,
            _threads: threads,
            _workers: [idle, busy],
        })
    }
}

impl Drop for LiveView {
    fn drop(&mut self) {
        MAY_END.store(true, Relaxed);
    }
}

fn sleep(cx: Current<'_>) {
    while cx.sleep(Delta::from_secs(3600)).is_ok() {}
}

/// Waits in a way that the crate does not know of, and for something else than a stop.
fn linger(_cx: &Current<'_>) {
    while !MAY_END.load(Relaxed) {
        fsleep(Delta::from_millis(10));
    }
}
