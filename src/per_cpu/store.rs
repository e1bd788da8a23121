// SPDX-License-Identifier: GPL-2.0

//! Where C keeps the thread of each CPU.

use crate::{
    bindings,
    placement::is_possible, //
};
use core::ptr::NonNull;
use kernel::{
    cpu::{
        nr_cpu_ids,
        CpuId, //
    },
    prelude::*, //
};

/// One pointer for each CPU: its thread, or null.
///
/// # Invariants
///
/// It is a per-CPU pointer that was allocated for pointers.
pub(super) struct Store(NonNull<c_void>);

impl Store {
    /// One without threads.
    pub(super) fn new() -> Result<Self> {
        let (size, align) = (size_of::<*mut c_void>(), align_of::<*mut c_void>());
        // SAFETY: The function has no requirements; what it allocates is zeroed.
        let store = unsafe { bindings::__alloc_percpu(size, align) };
        // INVARIANT: Just allocated.
        NonNull::new(store).map(Self).ok_or(ENOMEM)
    }

    pub(super) fn as_ptr(&self) -> *mut *mut bindings::task_struct {
        self.0.as_ptr().cast()
    }

    /// The thread of a CPU a moment ago, or null.
    pub(super) fn task(&self, cpu: CpuId) -> *mut bindings::task_struct {
        if !is_possible(cpu) {
            return core::ptr::null_mut();
        }
        // SAFETY: By the type invariant; the CPU is a possible one.
        let task = unsafe { bindings::per_cpu_ptr(self.0.as_ptr(), cpu.as_u32()) };
        // SAFETY: There is a pointer, which C writes under a lock of its own.
        unsafe { task.cast::<*mut bindings::task_struct>().read_volatile() }
    }

    /// All threads a moment ago.
    pub(super) fn tasks(&self) -> impl Iterator<Item = *mut bindings::task_struct> + '_ {
        (0..nr_cpu_ids())
            .filter_map(CpuId::from_u32)
            .map(|cpu| self.task(cpu))
            .filter(|task| !task.is_null())
    }
}

impl Drop for Store {
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: By the type invariant; it is not used again.
        unsafe { bindings::free_percpu(self.0.as_ptr()) };
    }
}
