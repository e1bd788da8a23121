// SPDX-License-Identifier: GPL-2.0

//! Hotplug: the threads of the CPUs park when theirs goes offline, and go on when it is back.
//!
//! Here each one looks after something that is there only while its CPU is online, such as a
//! hardware counter: it has to be switched off in time, and on again.
//!
//! ```text
//! insmod kthread_hotplug.ko
//! echo 0 > /sys/devices/system/cpu/cpu1/online
//! echo 1 > /sys/devices/system/cpu/cpu1/online
//! dmesg | grep kthread_hotplug
//! ```

use kernel::{
    cpu::CpuId,
    prelude::*,
    time::Delta, //
};
use kthread::{
    Leave,
    PerCpu,
    PerCpuContext,
    PerCpuThread, //
};

module! {
    type: Hotplug,
    name: "kthread_hotplug",
    authors: ["The kthread authors"],
    description: "Threads that follow CPU hotplug",
    license: "GPL",
}

/// The sample module. Unloading drops it, and with it the threads.
struct Hotplug {
    _threads: PerCpu,
}

impl kernel::Module for Hotplug {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self {
            _threads: kthread::per_cpu!("hotplug", Monitor)?,
        })
    }
}

/// What the threads do.
struct Monitor;

impl PerCpuThread for Monitor {
    fn should_run(&self, _cpu: CpuId) -> bool {
        true
    }

    fn run(&self, cx: &PerCpuContext<'_>) -> Result<(), Leave> {
        // However long this is, the CPU does not wait for it when it goes offline.
        cx.sleep(Delta::from_secs(3600))
    }

    fn setup(&self, cpu: CpuId) {
        pr_info!("CPU {}: begins\n", cpu.as_u32());
    }

    fn park(&self, cpu: CpuId) {
        pr_info!("CPU {}: goes offline\n", cpu.as_u32());
    }

    fn unpark(&self, cpu: CpuId) {
        pr_info!("CPU {}: is back\n", cpu.as_u32());
    }

    fn cleanup(&self, cpu: CpuId, online: bool) {
        let state = if online { "" } else { ", offline" };
        pr_info!("CPU {}: ends{state}\n", cpu.as_u32());
    }
}
