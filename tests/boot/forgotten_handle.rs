// SPDX-License-Identifier: GPL-2.0

//! Leaks threads, in every way that safe code can, in its init function, which then succeeds or
//! fails.

use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex,
        SetOnce, //
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
    State,
    Stopped,
    Task,
    WorkContext,
    WorkItem, //
};

#[path = "../shared/parameter.rs"]
mod parameter;

module! {
    type: ForgottenHandle,
    name: "kthread_forgotten_handle",
    authors: ["The kthread authors"],
    description: "Forgets the handles of its threads",
    license: "GPL",
    params: {
        fail: u8 {
            default: 0,
            description: "Fail the init function",
        },
    },
}

struct ForgottenHandle;

impl kernel::Module for ForgottenHandle {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        pr_info!("about to leak\n");
        forget_tasks()?;
        forget_created()?;
        forget_park_guard()?;
        forget_stop_token()?;
        keep_in_static()?;
        keep_in_result()?;
        keep_in_each_other()?;
        keep_in_itself()?;
        grow_again()?;
        drop_within()?;
        forget_workers()?;
        let module = Self;
        if parameter::value(&module_parameters::fail) != 0 {
            return Err(EBUSY);
        }
        Ok(module)
    }
}

/// Whether the module is about to leave.
static LEAVES: Atomic<bool> = Atomic::new(false);

impl Drop for ForgottenHandle {
    fn drop(&mut self) {
        LEAVES.store(true, Relaxed);
    }
}

/// A place for the handle of the thread that it is shared with.
type Slot<H> = Arc<Mutex<Option<H>>>;

fn slot<H>() -> Result<Slot<H>> {
    Arc::pin_init(new_mutex!(None), GFP_KERNEL)
}

fn sleep(cx: Current<'_>) {
    while cx.sleep(Delta::from_millis(1)).is_ok() {}
}

fn forget_tasks() -> Result {
    for i in 0..3 {
        // Owns memory, so that a leak would be seen.
        let boxed = KBox::new([i; 64], GFP_KERNEL)?;
        core::mem::forget(kthread::run!("forgotten/{}", i, move |cx| {
            let stopped: Result<(), Stopped> = loop {
                if let Err(stopped) = cx.sleep(Delta::from_millis(1)) {
                    break Err(stopped);
                }
            };
            (boxed, stopped)
        })?);
    }
    Ok(())
}

fn forget_created() -> Result {
    let boxed = KBox::new([0; 64], GFP_KERNEL)?;
    let created = kthread::builder!("leaked created")?.create(move |_cx| drop(boxed))?;
    core::mem::forget(created);
    Ok(())
}

/// The thread stays parked.
fn forget_park_guard() -> Result {
    let task = kthread::builder!("leaked parked")?
        .create(sleep)?
        .start_and_wait();
    core::mem::forget(task.park()?);
    if task.state() != State::Parked {
        return Err(EINVAL);
    }
    core::mem::forget(task);
    Ok(())
}

fn forget_stop_token() -> Result {
    let task = kthread::run!("leaked token", sleep)?;
    core::mem::forget(task.stop_token());
    core::mem::forget(task);
    Ok(())
}

fn keep_in_static() -> Result {
    static KEPT: SetOnce<Task<()>> = SetOnce::new();

    KEPT.populate(kthread::run!("leaked static", sleep)?);
    Ok(())
}

/// A result that is the handle of the thread which returned it.
struct Own {
    _own: Option<Task<Own>>,
}

fn keep_in_result() -> Result {
    let slot = slot()?;
    let task = kthread::run!("leaked result", {
        let slot: Slot<Task<Own>> = slot.clone();
        move |cx| loop {
            let own = slot.lock().take();
            if own.is_some() || cx.sleep(Delta::from_millis(1)).is_err() {
                break Own { _own: own };
            }
        }
    })?;
    *slot.lock() = Some(task);
    while slot.lock().is_some() {
        fsleep(Delta::from_millis(1));
    }
    Ok(())
}

/// Two threads that never run, and own each other.
fn keep_in_each_other() -> Result {
    let slots: [Slot<Created<()>>; 2] = [slot()?, slot()?];
    for i in 0..2 {
        let other = slots[1 - i].clone();
        let created = kthread::builder!("leaked pair/{}", i)?.create(move |_cx| drop(other))?;
        *slots[i].lock() = Some(created);
    }
    Ok(())
}

/// Threads that own their own handles. Some are stopped before they run: their closures are dropped
/// by whoever joins them, and with the closures the handles.
fn keep_in_itself() -> Result {
    for i in 0..10 {
        let slot: Slot<Task<()>> = slot()?;
        let task = kthread::run!("cycle/{}", i, {
            let slot = slot.clone();
            move |_cx| drop(slot)
        })?;
        task.request_stop();
        *slot.lock() = Some(task);
    }
    Ok(())
}

/// A thread that dropped its own handle, and still runs when the module leaves.
fn drop_within() -> Result {
    let slot: Slot<Task<()>> = slot()?;
    let task = kthread::run!("not leaked", {
        let slot = slot.clone();
        move |_cx| {
            while slot.lock().is_none() {
                fsleep(Delta::from_millis(1));
            }
            let own = slot.lock().take();
            drop(own);
            while !LEAVES.load(Relaxed) {
                fsleep(Delta::from_millis(1));
            }
            fsleep(Delta::from_millis(500));
        }
    })?;
    let token = task.stop_token();
    *slot.lock() = Some(task);
    while !token.is_stop_requested() {
        fsleep(Delta::from_millis(1));
    }
    Ok(())
}

/// Leaks another thread of its like when it is dropped.
struct Hydra;

impl Drop for Hydra {
    fn drop(&mut self) {
        static GROWS: Atomic<bool> = Atomic::new(false);

        // The one that is dropped because it could not be made does not try again.
        if !GROWS.load(Relaxed) {
            GROWS.store(true, Relaxed);
            let refused = grow_again() == Err(ENODEV);
            pr_info!("hydra {}\n", if refused { "refused" } else { "grew" });
            GROWS.store(false, Relaxed);
        }
    }
}

fn grow_again() -> Result {
    let hydra = Hydra;
    let created = kthread::builder!("leaked hydra")?.create(move |_cx| drop(hydra))?;
    core::mem::forget(created);
    Ok(())
}

/// Queues itself again and again. What it owns tells when it is dropped.
#[pin_data]
struct Item {
    delay: Delta,
    #[pin]
    work: DelayedWork<Self>,
    _drop: SaysDropped,
}

struct SaysDropped;

impl Drop for SaysDropped {
    fn drop(&mut self) {
        pr_info!("an item is dropped\n");
    }
}

impl_has_delayed_work! {
    impl HasDelayedWork<Self> for Item { self.work }
}

impl WorkItem for Item {
    type Pointer = Pin<KBox<Self>>;

    fn run(this: Pin<KBox<Self>>, cx: &mut WorkContext<'_>) {
        let _ = cx.sleep(Delta::from_millis(1));
        let delay = this.delay;
        let _ = cx.queue().enqueue_delayed(this, delay);
    }
}

/// Workers with items: one that is always queued or running, one that is often delayed, and one
/// whose delay would end long after the module is gone.
fn forget_workers() -> Result {
    for delay in [0, 1, 1500] {
        let worker = kthread::builder!("leaked worker/{}", delay)?.worker()?;
        let delay = Delta::from_millis(delay);
        let item = pin_init!(Item {
            delay,
            work <- new_delayed_work!(),
            _drop: SaysDropped,
        });
        worker.enqueue_delayed(KBox::pin_init(item, GFP_KERNEL)?, delay)?;
        let queue = worker.queue();
        core::mem::forget(worker);
        // What the handle owned of the queue would be a leak.
        //
        // SAFETY: This is the reference of the handle, which nobody uses any more.
        drop(unsafe { core::ptr::read(&queue) });
    }
    Ok(())
}
