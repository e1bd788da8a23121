// SPDX-License-Identifier: GPL-2.0

//! What a thread of a CPU may do, no other one may.
// error[E0277]: cannot be shared between threads safely

include!("common/module.rs");

use kernel::cpu::CpuId;
use kthread::{
    Leave,
    PerCpuContext,
    PerCpuThread, //
};

struct Lender;

impl PerCpuThread for Lender {
    fn should_run(&self, _cpu: CpuId) -> bool {
        false
    }

    fn run(&self, cx: &PerCpuContext<'_>) -> Result<(), Leave> {
        #[cfg(not(misuse))]
        let cx = &cx.cpu();
        kthread::scope(|s| {
            let other = kthread::builder!("other").and_then(|plan| {
                plan.run_scoped(s, |_other| {
                    let _ = &cx;
                })
            });
            drop(other);
        });
        Ok(())
    }
}

fn case() -> Result {
    kthread::per_cpu!("lender", Lender).map(drop)
}
