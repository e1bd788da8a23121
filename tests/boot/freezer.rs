// SPDX-License-Identifier: GPL-2.0

//! Keeps freezable threads in all kinds of waits, and one more that watches them stand still.

use kernel::{
    new_condvar, new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc,
        CondVar,
        Mutex, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
};
use kthread::{
    impl_has_delayed_work,
    new_delayed_work,
    new_event,
    new_wait_queue,
    Created,
    Current,
    DelayedWork,
    Event,
    Signal,
    Stopped,
    Task,
    WaitQueue,
    WorkContext,
    WorkItem,
    Worker, //
};

module! {
    type: Freezer,
    name: "kthread_freezer",
    authors: ["The kthread authors"],
    description: "Keeps freezable threads in all kinds of waits",
    license: "GPL",
}

/// What the threads wait for, in vain.
#[pin_data]
struct Nothing {
    #[pin]
    queue: WaitQueue,
    #[pin]
    lock: Mutex<()>,
    #[pin]
    condvar: CondVar,
    #[pin]
    event: Event,
    /// What a thread that is frozen and one that is not wait for.
    #[pin]
    shared: Event,
    handled: Atomic<u32>,
    turns: Atomic<u32>,
}

struct Freezer {
    _created: Created<()>,
    _threads: KVec<Task<()>>,
    _warm: Task<()>,
    _watcher: Task<Result<(), Stopped>>,
    _workers: [Worker; 3],
}

/// An item that runs every now and then.
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

    fn run(this: Arc<Self>, cx: &mut WorkContext<'_>) {
        let _ = cx.queue().enqueue_delayed(this, MOMENT);
    }
}

/// Workers: one that has nothing to do, one with an item that sleeps, and one that is busy now and
/// then.
fn workers() -> Result<[Worker; 3]> {
    let worker = |name| kthread::builder!("freezer/{}", name)?.freezable().worker();
    let workers = [worker("idle")?, worker("occupied")?, worker("serving")?];
    let [_, occupied, serving] = &workers;
    drop(occupied.run(|cx| while cx.sleep(FOREVER).is_ok() {})?);
    let item = Arc::pin_init(pin_init!(Item { work <- new_delayed_work!() }), GFP_KERNEL)?;
    serving.enqueue(item)?;
    Ok(workers)
}

const FOREVER: Delta = Delta::from_secs(3600);
const MOMENT: Delta = Delta::from_millis(1);

/// Whoever stands still for so long is frozen.
const FROZEN: Delta = Delta::from_millis(200);

impl kernel::Module for Freezer {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let nothing = Arc::pin_init(
            pin_init!(Nothing {
                queue <- new_wait_queue!(),
                lock <- new_mutex!(()),
                condvar <- new_condvar!(),
                event <- new_event!(),
                shared <- new_event!(),
                handled: Atomic::new(0),
                turns: Atomic::new(0),
            }),
            GFP_KERNEL,
        )?;
        let start = |name: &str, body: Body| {
            let nothing = nothing.clone();
            kthread::builder!("freezer/{}", name)?
                .freezable()
                .run(move |cx| body(&cx, &nothing))
        };

        let created = kthread::builder!("freezer/created")?.freezable().create({
            let nothing = nothing.clone();
            move |cx| sleep(&cx, &nothing)
        })?;
        let mut threads = KVec::new();
        for (name, body) in WAYS_TO_WAIT {
            threads.push(start(name, body)?, GFP_KERNEL)?;
        }
        let parked = start("parked", sleep)?;
        // The guard borrows from the handle, so both cannot be kept.
        core::mem::forget(parked.park()?);
        threads.push(parked, GFP_KERNEL)?;
        let victim = start("victim", sleep)?;
        // The one that is frozen comes first in the queue.
        threads.push(start("cold", handle)?, GFP_KERNEL)?;
        fsleep(MOMENT * 10);
        let warm = kthread::run!("freezer/warm", {
            let nothing = nothing.clone();
            move |cx| handle(&cx, &nothing)
        })?;
        let bombed = start("bombed", bombed)?;
        let watcher = kthread::run!("freezer/watcher", {
            let nothing = nothing.clone();
            move |cx| watch(&cx, &nothing, victim, &bombed)
        })?;
        Ok(Self {
            _created: created,
            _threads: threads,
            _warm: warm,
            _watcher: watcher,
            _workers: workers()?,
        })
    }
}

type Body = fn(&Current<'_>, &Nothing);

const WAYS_TO_WAIT: [(&str, Body); 11] = [
    ("poller", |cx, nothing| {
        while cx.sleep(MOMENT).is_ok() {
            nothing.turns.fetch_add(1, Full);
        }
    }),
    ("busy", |cx, _| {
        while !cx.should_stop() {
            cx.park_point();
            cx.cond_resched();
        }
    }),
    ("ticking", |cx, _| {
        let mut ticks = cx.every(MOMENT);
        while ticks.wait(cx).is_ok() {}
    }),
    ("joining", |cx, _| {
        let child = kthread::builder!("freezer/child")
            .and_then(|plan| plan.freezable().run(|cx| while cx.sleep(MOMENT).is_ok() {}));
        if let Ok(child) = child {
            let token = child.stop_token();
            cx.on_stop(|| token.request_stop(), || drop(child.join()));
        }
    }),
    // In a wait of the kernel's own.
    ("foreign", |cx, nothing| {
        let mut guard = nothing.lock.lock();
        while !cx.should_stop() {
            let _ = nothing.condvar.wait_interruptible_freezable(&mut guard);
        }
    }),
    ("sleeping", sleep),
    ("waiting", |cx, nothing| {
        let _ = cx.wait(&nothing.queue, || false);
    }),
    ("limited", |cx, nothing| {
        while cx.wait_timeout(&nothing.queue, MOMENT, || false).is_ok() {}
    }),
    ("locked", |cx, nothing| {
        let _ = cx.wait_locked(&nothing.queue, nothing.lock.lock(), |()| false);
    }),
    ("handler", |cx, nothing| {
        let _ = cx.wait_event(&nothing.event);
    }),
    ("signalled", |cx, nothing| {
        cx.allow_signal(Signal::HUP);
        let _ = cx.wait_interruptible(&nothing.queue, || false);
    }),
];

fn sleep(cx: &Current<'_>, _nothing: &Nothing) {
    let _ = cx.sleep(FOREVER);
}

fn handle(cx: &Current<'_>, nothing: &Nothing) {
    while cx.wait_event(&nothing.shared).is_ok() {
        nothing.handled.fetch_add(1, Full);
    }
}

/// The watcher sends it one signal after the other.
fn bombed(cx: &Current<'_>, _nothing: &Nothing) {
    cx.allow_signal(Signal::USR1);
    while !cx.should_stop() {
        while cx.signal_pending() {
            cx.dequeue_signal();
        }
        cx.park_point();
    }
}

/// Is not freezable itself. When all others stand still for the first time, stops one of them.
fn watch(
    cx: &Current<'_>,
    nothing: &Nothing,
    victim: Task<()>,
    bombed: &Task<()>,
) -> Result<(), Stopped> {
    let turns = &nothing.turns;
    let mut victim = Some(victim);
    let mut seen = turns.load(Relaxed);
    let mut since = Instant::<Monotonic>::now();
    loop {
        cx.sleep(MOMENT)?;
        let _ = bombed.send_signal(Signal::USR1);
        let now = turns.load(Relaxed);
        if now != seen {
            seen = now;
            since = Instant::now();
        } else if since.elapsed() > FROZEN {
            if let Some(victim) = victim.take() {
                let before = nothing.handled.load(Relaxed);
                for _ in 0..20 {
                    nothing.shared.raise();
                    cx.sleep(MOMENT)?;
                }
                pr_info!(
                    "handled {} events\n",
                    nothing.handled.load(Relaxed) - before
                );
                let start = Instant::<Monotonic>::now();
                drop(victim);
                pr_info!("stopped after {} ms\n", start.elapsed().as_millis());
            }
        }
    }
}
