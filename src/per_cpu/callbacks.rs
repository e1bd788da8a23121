// SPDX-License-Identifier: GPL-2.0

//! What C calls in the thread of each CPU.

use super::{
    context::PerCpuContext,
    instances,
    PerCpuThread, //
};
use crate::bindings;
use kernel::{
    cpu::CpuId,
    prelude::*,
    str::CStr, //
};

/// What C knows of threads with these names, which it keeps in `store`.
///
/// Not `create`: it is called in another task, in which the thread's registration is not found.
pub(super) fn descriptor(
    store: *mut *mut bindings::task_struct,
    names: &CStr,
) -> bindings::smp_hotplug_thread {
    bindings::smp_hotplug_thread {
        store,
        list: bindings::list_head::default(),
        thread_should_run: Some(should_run),
        thread_fn: Some(run),
        create: None,
        setup: Some(setup),
        cleanup: Some(cleanup),
        park: Some(park),
        unpark: Some(unpark),
        selfparking: false,
        thread_comm: names.as_char_ptr(),
    }
}

/// # Safety
///
/// Only for a thread of an [`Instance`](super::Instance) to call, as all functions here, with its
/// own CPU.
unsafe extern "C" fn should_run(cpu: c_uint) -> c_int {
    let Some((instance, cpu)) = instances::of_thread(cpu) else {
        return 0;
    };
    c_int::from(instance.value().should_run(cpu))
}

/// # Safety
///
/// That of [`should_run`].
unsafe extern "C" fn run(cpu: c_uint) {
    call(cpu, |value, cpu| {
        let _ = value.run(&PerCpuContext::new(cpu));
    });
}

/// # Safety
///
/// That of [`should_run`].
unsafe extern "C" fn setup(cpu: c_uint) {
    call(cpu, |value, cpu| value.setup(cpu));
}

/// # Safety
///
/// That of [`should_run`].
unsafe extern "C" fn cleanup(cpu: c_uint, online: bool) {
    call(cpu, |value, cpu| value.cleanup(cpu, online));
}

/// # Safety
///
/// That of [`should_run`].
unsafe extern "C" fn park(cpu: c_uint) {
    call(cpu, |value, cpu| value.park(cpu));
}

/// # Safety
///
/// That of [`should_run`].
unsafe extern "C" fn unpark(cpu: c_uint) {
    call(cpu, |value, cpu| value.unpark(cpu));
}

/// Calls a method that may sleep. To lockdep it is a lock that CPU hotplug waits for.
fn call(cpu: c_uint, method: impl FnOnce(&dyn PerCpuThread, CpuId)) {
    if let Some((instance, cpu)) = instances::of_thread(cpu) {
        instance.body().acquire();
        method(instance.value(), cpu);
        instance.body().release();
    }
}
