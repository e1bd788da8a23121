// SPDX-License-Identifier: GPL-2.0

//! Runs threads that are tied to CPU 1, each in another way.

use kernel::{
    cpu::CpuId,
    cpumask::CpumaskVar,
    prelude::*,
    time::Delta, //
};
use kthread::{
    Current,
    Task, //
};

#[path = "../shared/parameter.rs"]
mod parameter;

module! {
    type: Placement,
    name: "kthread_placement",
    authors: ["The kthread authors"],
    description: "Runs threads on CPU 1",
    license: "GPL",
    params: {
        offline: u8 {
            default: 0,
            description: "Whether CPU 1 is offline",
        },
    },
}

struct Placement {
    _threads: [Task<()>; 3],
}

impl kernel::Module for Placement {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let cpu = CpuId::from_u32(1).ok_or(EINVAL)?;
        let mut mask = CpumaskVar::new_zero(GFP_KERNEL)?;
        mask.set(cpu);
        let bound = kthread::builder!("placement/bound")?.bind(cpu).run(turn)?;
        let pinned = kthread::run!("placement/pinned", turn)?;
        let refused = pinned.set_affinity(&mask) == Err(EINVAL);
        let preferring = kthread::builder!("placement/preferring")?
            .affine_preferred(mask)
            .run(turn)?;
        if refused != (parameter::value(&module_parameters::offline) != 0) {
            pr_err!(
                "set_affinity() {}\n",
                if refused { "failed" } else { "worked" }
            );
            return Err(EINVAL);
        }
        Ok(Self {
            _threads: [bound, pinned, preferring],
        })
    }
}

fn turn(cx: Current<'_>) {
    while cx.sleep(Delta::from_millis(1)).is_ok() {}
}
