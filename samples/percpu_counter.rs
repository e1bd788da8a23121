// SPDX-License-Identifier: GPL-2.0

//! Counter for each CPU: a thread per CPU ticks at its own pace, ten times, and then has no more to
//! do.
//!
//! None of them shares a counter with another one, so that they never wait for each other.
//!
//! ```text
//! insmod kthread_percpu_counter.ko period_ms=100
//! ps | grep counter
//! dmesg | grep kthread_percpu_counter
//! ```

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
    time::Delta, //
};
use kthread::{
    Leave,
    PerCpu,
    PerCpuContext,
    PerCpuThread, //
};

module! {
    type: PerCpuCounter,
    name: "kthread_percpu_counter",
    authors: ["The kthread authors"],
    description: "Counts ticks on each CPU",
    license: "GPL",
    params: {
        period_ms: u32 {
            default: 1000,
            description: "Time between two ticks, in milliseconds",
        },
    },
}

/// How often each CPU ticks.
const TICKS: u32 = 10;

/// The sample module. Unloading drops it, and with it the threads.
struct PerCpuCounter {
    /// There until the module is unloaded.
    threads: Option<PerCpu>,
    counter: Arc<Counter>,
}

impl kernel::Module for PerCpuCounter {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let counter = Arc::new(Counter::new()?, GFP_KERNEL)?;
        Ok(Self {
            threads: Some(kthread::per_cpu!("counter", counter.clone())?),
            counter,
        })
    }
}

impl Drop for PerCpuCounter {
    fn drop(&mut self) {
        // No tick comes after this.
        self.threads = None;
        pr_info!("{} ticks in total\n", self.counter.total());
    }
}

/// What the threads share.
struct Counter {
    period: Delta,
    /// The ticks of each CPU. Written by its own thread only.
    ticks: KVec<Atomic<u32>>,
}

impl Counter {
    fn new() -> Result<Self> {
        let mut ticks = KVec::new();
        for _ in 0..nr_cpu_ids() {
            ticks.push(Atomic::new(0), GFP_KERNEL)?;
        }
        // Linux 7.2 gives out a reference.
        let period_ms = u32::clone(&module_parameters::period_ms.value());
        Ok(Self {
            period: Delta::from_millis(period_ms.into()),
            ticks,
        })
    }

    fn of(&self, cpu: CpuId) -> &Atomic<u32> {
        // There is one for each id.
        &self.ticks[cpu.as_u32() as usize]
    }

    fn total(&self) -> u32 {
        self.ticks.iter().map(|ticks| ticks.load(Relaxed)).sum()
    }
}

impl PerCpuThread for Counter {
    fn should_run(&self, cpu: CpuId) -> bool {
        self.of(cpu).load(Relaxed) < TICKS
    }

    fn run(&self, cx: &PerCpuContext<'_>) -> Result<(), Leave> {
        // Ends early if the CPU goes offline, or the module is unloaded. That is no tick.
        cx.sleep(self.period)?;
        let ticks = self.of(cx.cpu());
        ticks.store(ticks.load(Relaxed) + 1, Relaxed);
        if ticks.load(Relaxed) == TICKS {
            pr_info!("CPU {} has ticked {TICKS} times\n", cx.cpu().as_u32());
        }
        Ok(())
    }
}
