// SPDX-License-Identifier: GPL-2.0

//! Where a thread runs.

use crate::bindings;
use kernel::{
    cpu::CpuId,
    cpumask::{
        Cpumask,
        CpumaskVar, //
    },
    error::to_result,
    prelude::*,
    task::Task, //
};

/// Where a thread that has not been started is to run.
pub(crate) enum Placement {
    /// On its node's CPUs, or on any.
    Default,
    /// On this one.
    Bound(CpuId),
    /// On these, for as long as one of them is online.
    Preferred(CpumaskVar),
}

impl Placement {
    /// Places the thread.
    ///
    /// # Safety
    ///
    /// `task` must be a kthread that was created and has not been woken, and this must be the first
    /// call for it: the kernel keeps the mask in a list.
    pub(crate) unsafe fn apply(&self, task: &Task) -> Result {
        match self {
            Self::Default => Ok(()),
            Self::Bound(cpu) => {
                if !is_possible(*cpu) {
                    return Err(EINVAL);
                }
                // SAFETY: By the safety requirements, and the CPU is a possible one.
                unsafe { bindings::kthread_bind(task.as_ptr(), cpu.as_u32()) };
                Ok(())
            }
            Self::Preferred(mask) => {
                if mask.empty() {
                    return Err(EINVAL);
                }
                // SAFETY: By the safety requirements, and the mask is valid.
                to_result(unsafe {
                    bindings::kthread_affine_preferred(task.as_ptr(), mask.as_raw())
                })
            }
        }
    }
}

/// Says whether the machine could ever have this CPU. An id below `nr_cpu_ids` need not be one.
pub(crate) fn is_possible(cpu: CpuId) -> bool {
    // SAFETY: The mask is a static that does not change once the kernel has booted.
    let possible = unsafe { Cpumask::from_raw(&raw const bindings::__cpu_possible_mask) };
    possible.test(cpu)
}
