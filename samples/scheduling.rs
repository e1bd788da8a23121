// SPDX-License-Identifier: GPL-2.0

//! Scheduling: where threads run and how urgent they are, before they start and while they run.
//!
//! One thread prefers a CPU and is nice. Another one is made, started and changed again and again.
//!
//! ```text
//! insmod kthread_scheduling.ko cpu=1
//! cat /sys/kernel/debug/kthread/threads
//! grep Cpus_allowed_list /proc/PID/status
//! ```

use kernel::{
    cpu::CpuId,
    cpumask::CpumaskVar,
    prelude::*,
    time::Delta, //
};
use kthread::{
    Current,
    Nice,
    Policy,
    Stopped,
    Task, //
};

module! {
    type: Scheduling,
    name: "kthread_scheduling",
    authors: ["The kthread authors"],
    description: "Kernel threads with CPUs and scheduling policies",
    license: "GPL",
    params: {
        cpu: u32 {
            default: 0,
            description: "The CPU that threads are bound to, or prefer",
        },
        period_ms: u32 {
            default: 1000,
            description: "Time between two changes, in milliseconds",
        },
    },
}

/// The sample module. Unloading drops it, and with it the threads.
struct Scheduling {
    _director: Task<Result>,
    _background: Task<Result<(), Stopped>>,
}

impl kernel::Module for Scheduling {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // Linux 7.2 gives out references.
        let cpu = u32::clone(&module_parameters::cpu.value());
        let period_ms = u32::clone(&module_parameters::period_ms.value());
        let cpu = CpuId::from_u32(cpu).ok_or(EINVAL)?;
        let period = Delta::from_millis(period_ms.into());

        // A preference is kept: if the CPU is offline for a while, the thread returns to it.
        let mut preferred = CpumaskVar::new_zero(GFP_KERNEL)?;
        preferred.set(cpu);
        Ok(Self {
            _background: kthread::builder!("sched/background")?
                .affine_preferred(preferred)
                .policy(Policy::Normal(Nice::new(10)?))
                .run(work)?,
            _director: kthread::run!("sched/director", move |cx| direct(cx, cpu, period))?,
        })
    }
}

/// Makes a thread, starts it, changes it, and drops it, each a period later.
fn direct(cx: Current<'_>, cpu: CpuId, period: Delta) -> Result {
    let mut anywhere = CpumaskVar::new_zero(GFP_KERNEL)?;
    anywhere.setall();
    loop {
        // It is what it is to be before its first instruction.
        let created = kthread::builder!("sched/changing")?
            .bind(cpu)
            .policy(Policy::Fifo)
            .create(work)?;
        pr_info!("thread {} waits for its start\n", created.pid());
        cx.sleep(period)?;

        let task = created.start();
        pr_info!("thread {} runs, urgent and on one CPU\n", task.pid());
        cx.sleep(period)?;

        task.set_policy(Policy::Normal(Nice::new(5)?))?;
        task.set_affinity(&anywhere)?;
        pr_info!("thread {} runs, nice and on any CPU\n", task.pid());
        cx.sleep(period)?;
    }
}

/// The body of the threads that are scheduled.
fn work(cx: Current<'_>) -> Result<(), Stopped> {
    loop {
        cx.sleep(Delta::from_millis(10))?;
    }
}
