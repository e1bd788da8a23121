// SPDX-License-Identifier: GPL-2.0

//! Four who make something: two threads, and timer interrupts on their CPUs.

use crate::{
    hard_irq::call_after,
    rng::Rng, //
};
use kernel::{
    cpu::CpuId,
    prelude::*,
    sync::Arc,
    time::Delta, //
};
use kthread::{
    Current,
    Task, //
};

pub(crate) const PRODUCERS: u32 = 4;

/// How many of them are threads. They come first.
pub(crate) const THREADS: u32 = PRODUCERS / 2;

/// What they make in a round.
pub(crate) const ROUND: u32 = 10;

/// How often each timer fires.
const PERIOD: Delta = Delta::from_micros(100);

/// One of the four.
pub(crate) trait Producer: Send + Sync + 'static {
    /// Makes some more; perhaps in a hard interrupt.
    fn produce(&self);

    fn has_more(&self) -> bool;
}

/// How much of all one producer makes.
pub(crate) fn share(id: u32, total: u32) -> u32 {
    (total + id) / PRODUCERS
}

/// Makes the producers.
pub(crate) fn make<P>(mut producer: impl FnMut(u32) -> Result<P>) -> Result<KVec<Arc<P>>> {
    let mut producers = KVec::new();
    for id in 0..PRODUCERS {
        producers.push(Arc::new(producer(id)?, GFP_KERNEL)?, GFP_KERNEL)?;
    }
    Ok(producers)
}

/// Starts the producers. The threads end when none has more.
pub(crate) fn start<P: Producer>(producers: &[Arc<P>], seed: u64) -> Result<KVec<Task<Result>>> {
    let (threads, interrupts) = producers.split_at(THREADS as usize);
    let mut tasks = KVec::new();
    for (number, (thread, interrupt)) in (0..).zip(threads.iter().zip(interrupts)) {
        let mut plan = kthread::builder!("torture/producer/{}", number)?;
        if let Some(cpu) = CpuId::from_u32(number) {
            plan = plan.bind(cpu);
        }
        let (thread, interrupt) = (thread.clone(), interrupt.clone());
        let rng = Rng::new(seed, number.into());
        let task = plan.run(move |cx| produce(&cx, &*thread, interrupt, rng))?;
        tasks.push(task, GFP_KERNEL)?;
    }
    Ok(tasks)
}

/// Has one producer get on, and another one by a timer that interrupts it.
fn produce<P: Producer>(cx: &Current<'_>, thread: &P, interrupt: Arc<P>, mut rng: Rng) -> Result {
    let timer = call_after(PERIOD, {
        let interrupt = interrupt.clone();
        move || {
            interrupt.produce();
            interrupt.has_more().then_some(PERIOD)
        }
    })?;
    while thread.has_more() && cx.sleep(rng.delay()).is_ok() {
        thread.produce();
    }
    while interrupt.has_more() && cx.sleep(Delta::from_micros(100)).is_ok() {}
    drop(timer);
    Ok(())
}
