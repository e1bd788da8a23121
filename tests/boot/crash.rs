// SPDX-License-Identifier: GPL-2.0

//! Has a thread panic, in one place or another, and sees to what is left of it.

use kernel::{
    mm::Mm,
    new_mutex,
    prelude::*,
    sync::{
        aref::ARef,
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
    __private::ESHUTDOWN,
    impl_has_work,
    new_work,
    Current,
    Exit,
    Task,
    Work,
    WorkContext,
    WorkItem,
    Worker, //
};

#[path = "../shared/parameter.rs"]
mod parameter;

module! {
    type: Crash,
    name: "kthread_crash",
    authors: ["The kthread authors"],
    description: "Runs closures that panic in kernel threads",
    license: "GPL",
    params: {
        place: u32 {
            default: 0,
            description: "Where to panic, as listed in `init`",
        },
    },
}

struct Crash;

impl kernel::Module for Crash {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        match parameter::value(&module_parameters::place) {
            0 => in_body(),
            1 => while_parking(),
            2 => under_hook(),
            3 => in_scope(),
            4 => in_drop(),
            5 => in_empty_scope(),
            6 => without_a_handle(),
            7 => in_hook(),
            8 => in_mm(),
            9 => in_item(),
            10 => in_job(),
            11 => in_own_worker(),
            _ => Err(EINVAL),
        }?;
        Ok(Self)
    }
}

/// What borrowers did. A static, as what a crashed closure owns is never freed.
static SEEN: Atomic<u32> = Atomic::new(0);

fn crash() -> ! {
    panic!("on purpose");
}

/// Waits until the condition holds, for at most ten seconds.
fn eventually(holds: impl Fn() -> bool) -> Result {
    for _ in 0..1000 {
        if holds() {
            return Ok(());
        }
        fsleep(Delta::from_millis(10));
    }
    pr_err!("waited in vain\n");
    Err(ETIMEDOUT)
}

/// Waits until the thread has crashed, and has others use what memory it may have freed.
fn wait_crashed<T>(task: &Task<T>) -> Result {
    eventually(|| task.is_finished())?;
    for _ in 0..20 {
        drop(
            kthread::builder!("recycler")?
                .create(|_cx| ())?
                .start_and_wait(),
        );
    }
    Ok(())
}

/// Joins a thread that must have crashed.
fn join_crashed<T>(task: Task<T>) -> Result {
    match task.stop()? {
        Exit::Crashed => Ok(()),
        Exit::NeverRan | Exit::Returned(_) => Err(EINVAL),
    }
}

/// Neither parking nor joining waits for a thread that crashed.
fn in_body() -> Result {
    let task = kthread::run!("crash", |_cx| crash())?;
    wait_crashed(&task)?;
    for _ in 0..2 {
        if task.park().err() != Some(ESRCH) {
            return Err(EINVAL);
        }
    }
    join_crashed(task)
}

/// Who waits for a thread to park does not wait on when it crashes.
fn while_parking() -> Result {
    let created = kthread::builder!("crash")?.create(|cx: Current<'_>| {
        while !cx.should_park() && !cx.should_stop() {
            fsleep(Delta::from_millis(1));
        }
        // Time for the other to fall asleep.
        fsleep(Delta::from_millis(100));
        crash()
    })?;
    // One that has not begun would park before it does.
    let task = created.start_and_wait();
    if task.park().err() != Some(ESRCH) {
        return Err(EINVAL);
    }
    join_crashed(task)
}

/// A hook borrows from the stack of its thread, so it is not called when that has crashed.
fn under_hook() -> Result {
    let task = kthread::run!("crash", |cx| {
        let lent = core::hint::black_box(1);
        cx.on_stop(|| SEEN.store(lent, Relaxed), || crash())
    })?;
    wait_crashed(&task)?;
    task.request_stop();
    if SEEN.load(Relaxed) != 0 {
        return Err(EINVAL);
    }
    join_crashed(task)
}

/// The kernel panics: a thread of a scope borrows from the stack of the task that crashes in it.
fn in_scope() -> Result {
    pr_info!("kthread-expect: kernel BUG at\n");
    let task = kthread::run!("crash", |_cx| -> Result {
        let lent = core::hint::black_box(1);
        kthread::scope(|s| {
            let _inner = kthread::builder!("inner")?.run_scoped(s, |cx| {
                while cx.sleep(Delta::from_millis(1)).is_ok() {
                    SEEN.fetch_add(lent, Relaxed);
                }
            })?;
            eventually(|| SEEN.load(Relaxed) > 0)?;
            crash()
        })
    })?;
    wait_crashed(&task)?;
    join_crashed(task)
}

/// When a scope has no threads any more, its task may crash like any other.
fn in_empty_scope() -> Result {
    let task = kthread::run!("crash", |_cx| {
        kthread::scope(|s| {
            let made = kthread::builder!("inner").and_then(|plan| plan.run_scoped(s, |_cx| ()));
            drop(made);
            crash()
        })
    })?;
    wait_crashed(&task)?;
    join_crashed(task)?;
    // The list of scopes is as it should be.
    kthread::scope(|s| kthread::builder!("next")?.run_scoped(s, |_cx| ())).map(drop)
}

/// Crashes who drops it.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        crash()
    }
}

/// A thread that crashes while it joins another leaves that one to the module's unloading.
fn in_drop() -> Result {
    let bomb = Bomb;
    let created = kthread::builder!("never ran")?.create(move |_cx| core::mem::forget(bomb))?;
    let token = created.stop_token();
    let task = kthread::run!("crash", move |_cx| drop(created))?;
    wait_crashed(&task)?;
    if !token.is_stop_requested() {
        return Err(EINVAL);
    }
    join_crashed(task)
}

/// A thread without a handle that crashes over what it drops holds up no other one.
fn without_a_handle() -> Result {
    let slot = Arc::pin_init(new_mutex!(None::<Task<Bomb>>), GFP_KERNEL)?;
    let task = kthread::run!("crash", {
        let slot = slot.clone();
        move |_cx| {
            while slot.lock().take().is_none() {
                fsleep(Delta::from_millis(1));
            }
            drop(slot);
            Bomb
        }
    })?;
    let token = task.stop_token();
    *slot.lock() = Some(task);
    eventually(|| token.is_stop_requested())?;
    kthread::run!("next", |_cx| SEEN.store(1, Relaxed))?.detach()?;
    eventually(|| SEEN.load(Relaxed) == 1)
}

/// The kernel panics: the hook has a raw spinlock.
fn in_hook() -> Result {
    pr_info!("kthread-expect: kernel BUG at\n");
    let task = kthread::run!("hooked", |cx| {
        cx.on_stop(
            || crash(),
            || {
                SEEN.store(1, Relaxed);
                while cx.sleep(Delta::from_secs(1)).is_ok() {}
            },
        )
    })?;
    eventually(|| SEEN.load(Relaxed) == 1)?;
    task.request_stop();
    Ok(())
}

/// The thread is in the address space of the process that loads the module, which goes on.
fn in_mm() -> Result {
    let mm: ARef<Mm> = current!().mm().map(|mm| ARef::from(&**mm)).ok_or(EINVAL)?;
    let task = kthread::run!("crash", move |mut cx| {
        let _ = cx.with_mm(&mm, |_cx| crash());
    })?;
    wait_crashed(&task)?;
    join_crashed(task)
}

#[pin_data]
struct Item {
    crashes: bool,
    #[pin]
    work: Work<Self>,
    _drop: Drops,
}

impl_has_work! {
    impl HasWork<Self> for Item { self.work }
}

impl WorkItem for Item {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>, _cx: &mut WorkContext<'_>) {
        SEEN.add(1, Relaxed);
        if this.crashes {
            crash();
        }
    }
}

/// Counts its own drop.
struct Drops;

impl Drop for Drops {
    fn drop(&mut self) {
        SEEN.add(100, Relaxed);
    }
}

/// In an item of a worker. What is queued behind it is dropped with the worker.
fn in_item() -> Result {
    let item = |crashes| {
        Arc::pin_init(
            pin_init!(Item { crashes, work <- new_work!(), _drop: Drops }),
            GFP_KERNEL,
        )
    };
    let worker = kthread::builder!("crash")?.worker()?;
    let (first, last) = (item(true)?, item(false)?);
    worker.enqueue(first.clone())?;
    worker.enqueue(last.clone())?;
    // Waits for the thread that crashes meanwhile, or has crashed.
    if worker.flush() != Err(ESHUTDOWN) || last.work.flush() != Err(ESHUTDOWN) {
        return Err(EINVAL);
    }
    let job = worker.run(|_cx| ()).is_err();
    let refused = worker.enqueue(item(false)?).is_err();
    let seen = SEEN.load(Relaxed);
    drop(worker);
    // The last one was given back: it was not run, and is not dropped yet.
    let given_back = last.work.cancel()?.is_none();
    drop(last);
    let first = Arc::into_raw(first);
    // What the dead thread owned would be a leak, and the worker's core with it.
    //
    // SAFETY: These are the reference from above, and that of the thread, which nobody else uses.
    drop(unsafe { (Arc::from_raw(first), Arc::from_raw(first)) });
    if !job || !refused || !given_back || seen != 101 || SEEN.load(Relaxed) != 301 {
        pr_err!("{} seen, then {}\n", seen, SEEN.load(Relaxed));
        return Err(EINVAL);
    }
    Ok(())
}

/// In a closure that a worker runs, and for which somebody waits.
fn in_job() -> Result {
    let worker = kthread::builder!("crash")?.worker()?;
    match worker.run(|_cx| crash())?.wait()? {
        Exit::Crashed => Ok(()),
        Exit::NeverRan | Exit::Returned(()) => Err(EINVAL),
    }
}

/// In an item that has dropped its worker. What is queued behind it is dropped when the module
/// leaves.
fn in_own_worker() -> Result {
    struct SaysDropped;

    impl Drop for SaysDropped {
        fn drop(&mut self) {
            pr_info!("the last item is dropped\n");
        }
    }

    let slot = Arc::pin_init(new_mutex!(None::<Worker>), GFP_KERNEL)?;
    let worker = kthread::builder!("crash")?.worker()?;
    let queue = worker.queue();
    let job = worker.run({
        let slot = slot.clone();
        move |_cx| {
            while slot.lock().is_none() {
                fsleep(Delta::from_millis(1));
            }
            let worker = slot.lock().take();
            drop(worker);
            crash()
        }
    })?;
    let last = SaysDropped;
    let job_behind = worker.run(move |_cx| {
        pr_err!("the last item ran !!!\n");
        drop(last);
    })?;
    *slot.lock() = Some(worker);
    match (job.wait()?, job_behind.wait()?) {
        (Exit::Crashed, Exit::Crashed) if queue.is_closed() => Ok(()),
        _ => Err(EINVAL),
    }
}
