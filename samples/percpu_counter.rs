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
    sync::atomic::{
        Atomic,
        Relaxed, //
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
    _threads: PerCpu,
}

impl kernel::Module for PerCpuCounter {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let mut ticks = KVec::new();
        for _ in 0..nr_cpu_ids() {
            ticks.push(Atomic::new(0), GFP_KERNEL)?;
        }
        Ok(Self {
            _threads: kthread::per_cpu!("counter", Counter(ticks))?,
        })
    }
}

/// The ticks of each CPU. Each is written by the CPU's own thread only.
struct Counter(KVec<Atomic<u32>>);

impl Drop for Counter {
    /// Called when all threads have ended.
    fn drop(&mut self) {
        let total: u32 = self.0.iter().map(|ticks| ticks.load(Relaxed)).sum();
        pr_info!("{total} ticks in total\n");
    }
}

impl PerCpuThread for Counter {
    fn should_run(&self, cpu: CpuId) -> bool {
        self.0[cpu.as_u32() as usize].load(Relaxed) < TICKS
    }

    fn run(&self, cx: &PerCpuContext<'_>) -> Result<(), Leave> {
        // Linux 7.2 gives out a reference.
        let period_ms = u32::clone(&module_parameters::period_ms.value());
        // Ends early if the CPU goes offline, or the module is unloaded. That is no tick.
        cx.sleep(Delta::from_millis(period_ms.into()))?;
        let cpu = cx.cpu().as_u32();
        if self.0[cpu as usize].fetch_add(1, Relaxed) + 1 == TICKS {
            pr_info!("CPU {cpu} has ticked {TICKS} times\n");
        }
        Ok(())
    }
}
