// SPDX-License-Identifier: GPL-2.0

//! The crate's one door to C.
//!
//! Functions and types come from [`kernel::bindings`] by name, so that a kernel that lacks one is
//! reported here and nowhere else. The generated part holds our own C helpers (`src/helpers`) and
//! what [`kernel::bindings`] does not have.

pub(crate) use kernel::bindings::{
    __cpu_possible_mask,
    complete_all,
    completion,
    completion_done,
    hrtimer_mode_HRTIMER_MODE_ABS,
    init_completion,
    kfree,
    kthread_affine_preferred,
    kthread_bind,
    kthread_create_on_node,
    kthread_stop,
    ktime_get,
    list_add_tail,
    list_head,
    module,
    module_state_MODULE_STATE_GOING,
    notifier_block,
    nsecs_to_jiffies,
    register_module_notifier,
    schedule_hrtimeout_range,
    task_struct,
    unregister_module_notifier,
    wait_for_completion_timeout,
    INIT_LIST_HEAD,
    MAX_RT_PRIO,
    NOTIFY_DONE,
    NUMA_NO_NODE,
    SCHED_FIFO,
    SCHED_NORMAL,
    TASK_IDLE,
    TASK_RUNNING, //
};

pub(crate) use generated::*;

#[allow(
    clippy::all,
    improper_ctypes,
    missing_docs,
    non_camel_case_types,
    non_snake_case,
    unreachable_pub,
    unsafe_op_in_unsafe_fn,
    unused_imports
)]
mod generated {
    include!(env!("KTHREAD_BINDINGS"));
}
