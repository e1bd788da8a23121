// SPDX-License-Identifier: GPL-2.0

//! Changing where and how a thread runs.

use super::Header;
use crate::{
    bindings,
    policy::Policy, //
};
use kernel::{
    cpumask::Cpumask,
    error::to_result,
    prelude::*,
    task::might_sleep, //
};

impl Header {
    /// Changes the scheduling policy.
    #[inline(never)]
    pub(crate) fn set_policy(&self, policy: Policy) -> Result {
        self.task().map_or(Err(ESRCH), |task| policy.apply(task))
    }

    /// Lets the thread run on these CPUs only.
    #[inline(never)]
    pub(crate) fn set_affinity(&self, cpus: &Cpumask) -> Result {
        might_sleep();
        let task = self.task().ok_or(ESRCH)?;
        // SAFETY: Task and mask are valid.
        to_result(unsafe { bindings::set_cpus_allowed_ptr(task.as_ptr(), cpus.as_raw()) })
    }
}
