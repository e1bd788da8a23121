// SPDX-License-Identifier: GPL-2.0

//! The threads of all CPUs share one value.
// error[E0277]: cannot be shared between threads safely

include!("common/module.rs");

use kernel::cpu::CpuId;
use kthread::{
    Leave,
    PerCpuContext,
    PerCpuThread, //
};

#[cfg(misuse)]
type Count = core::cell::Cell<u32>;
#[cfg(not(misuse))]
type Count = kernel::sync::atomic::Atomic<u32>;

struct Counter(Count);

impl PerCpuThread for Counter {
    fn should_run(&self, _cpu: CpuId) -> bool {
        false
    }

    fn run(&self, _cx: &PerCpuContext<'_>) -> Result<(), Leave> {
        let _ = &self.0;
        Ok(())
    }
}

fn case() -> Result {
    kthread::per_cpu!("counter", Counter(Count::new(0))).map(drop)
}
