// SPDX-License-Identifier: GPL-2.0

//! What several CPUs do to each other: producers that share a mailbox, and how long it takes a
//! thread to wake up on another CPU.

use crate::measure::measure;
use kernel::{
    cpu::CpuId,
    prelude::*,
    str::CString,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed,
            Release, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
};
use kthread::{
    new_event,
    new_mailbox,
    new_wait_queue,
    Current,
    Event,
    Mailbox,
    SendError,
    Stopped,
    WaitQueue, //
};

const PRODUCERS: usize = 4;
const VALUES: usize = 1000;
const SAMPLES: usize = 2000;
const BUCKETS: usize = 32;

#[pin_data]
struct Shared {
    #[pin]
    mailbox: Mailbox<u64, 1024>,
    #[pin]
    all_received: Event,
    expected: Atomic<usize>,
}

fn receive(cx: &Current<'_>, shared: &Shared) -> Result {
    let mut receiver = shared.mailbox.receiver()?;
    let mut received = 0;
    while let Ok(batch) = receiver.receive(cx) {
        for _ in batch {
            received += 1;
            if received == shared.expected.load(Relaxed) {
                received = 0;
                shared.all_received.raise();
            }
        }
    }
    Ok(())
}

fn produce(shared: &Shared) {
    for value in 0..VALUES as u64 {
        while let Err(SendError::Full(_)) = shared.mailbox.send(value) {
            fsleep(Delta::from_micros(50));
        }
    }
}

fn producers(shared: &Arc<Shared>, count: usize) -> Result {
    shared.expected.store(count * VALUES, Relaxed);
    let mut tasks = KVec::with_capacity(count, GFP_KERNEL)?;
    for _ in 0..count {
        let shared = shared.clone();
        tasks.push(
            kthread::builder!("producer")?.create(move |_cx| produce(&shared))?,
            GFP_KERNEL,
        )?;
    }
    let mut started = KVec::with_capacity(count, GFP_KERNEL)?;
    for task in tasks {
        started.push(task.start(), GFP_KERNEL)?;
    }
    for task in started {
        let _ = task.join()?;
    }
    shared.all_received.wait();
    Ok(())
}

#[pin_data]
struct Wakes {
    #[pin]
    queue: WaitQueue,
    #[pin]
    woken: Event,
    /// When the thread was woken, or 0.
    since: Atomic<i64>,
}

fn wake(cx: &Current<'_>, wakes: &Wakes, epoch: Instant<Monotonic>) -> [u32; BUCKETS] {
    let mut histogram = [0; BUCKETS];
    let next = || -> Result<i64, Stopped> {
        cx.wait(&wakes.queue, || match wakes.since.xchg(0, Full) {
            0 => None,
            since => Some(since),
        })
    };
    while let Ok(since) = next() {
        let took = epoch.elapsed().as_nanos() - since;
        histogram[took.max(1).ilog2() as usize % BUCKETS] += 1;
        wakes.woken.raise();
    }
    histogram
}

fn measure_latency() -> Result {
    let epoch = Instant::<Monotonic>::now();
    let wakes = Arc::pin_init(
        pin_init!(Wakes {
            queue <- new_wait_queue!("wakes"),
            woken <- new_event!("woken"),
            since: Atomic::new(0),
        }),
        GFP_KERNEL,
    )?;
    let cpu = CpuId::from_u32(1).ok_or(EINVAL)?;
    let task = kthread::builder!("wakes/{}", 1)?.bind(cpu).run({
        let wakes = wakes.clone();
        move |cx| wake(&cx, &wakes, epoch)
    })?;
    for _ in 0..SAMPLES {
        fsleep(Delta::from_micros(100));
        wakes.since.store(epoch.elapsed().as_nanos(), Release);
        wakes.queue.wake_all();
        wakes.woken.wait();
    }
    let kthread::Exit::Returned(histogram) = task.stop()? else {
        return Err(EIO);
    };
    for (bucket, count) in histogram
        .iter()
        .enumerate()
        .filter(|(_, count)| **count > 0)
    {
        pr_info!("woken within 2^{} ns: {}\n", bucket + 1, count);
    }
    Ok(())
}

pub(crate) fn measure_all() -> Result {
    let shared = Arc::pin_init(
        pin_init!(Shared {
            mailbox <- new_mailbox!("values"),
            all_received <- new_event!("all received"),
            expected: Atomic::new(0),
        }),
        GFP_KERNEL,
    )?;
    let task = kthread::run!("receiver", {
        let shared = shared.clone();
        move |cx| receive(&cx, &shared)
    })?;
    for count in 1..=PRODUCERS {
        let name = CString::try_from_fmt(fmt!("producers_{count}"))?;
        measure(name.to_str()?, count * VALUES, || producers(&shared, count))?;
    }
    drop(task);
    measure_latency()
}
