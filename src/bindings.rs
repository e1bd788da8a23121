// SPDX-License-Identifier: GPL-2.0

//! The crate's one door to C.
//!
//! Functions and types come from [`kernel::bindings`] by name, so that a kernel that lacks one is
//! reported here and nowhere else. The generated part holds our own C helpers (`src/helpers`) and
//! what [`kernel::bindings`] does not have.

pub(crate) use kernel::bindings::{
    __cpu_possible_mask,
    __kthread_init_worker,
    add_timer,
    alloc_workqueue_noprof,
    call_usermodehelper_exec,
    call_usermodehelper_setup,
    cred,
    ctl_table,
    ctl_table_header,
    destroy_workqueue,
    flush_work,
    free_percpu,
    get_task_pid,
    hrtimer_mode_HRTIMER_MODE_ABS,
    jiffies,
    jiffies64_to_msecs,
    kfree,
    kill_pid,
    kthread_affine_preferred,
    kthread_bind,
    kthread_create_on_node,
    kthread_delayed_work,
    kthread_delayed_work_timer_fn,
    kthread_should_park,
    kthread_should_stop,
    kthread_stop,
    kthread_unuse_mm,
    kthread_use_mm,
    kthread_work,
    kthread_worker,
    kthread_worker_fn,
    ktime_get,
    list_add_tail,
    list_head,
    lock_class_key,
    lockdep_map,
    loff_t,
    module,
    module_put,
    module_state_MODULE_STATE_GOING,
    notifier_block,
    panic,
    pid,
    pid_type_PIDTYPE_PID,
    proc_dostring,
    put_pid,
    queue_work_on,
    raw_spinlock_t,
    register_module_notifier,
    schedule_hrtimeout_range,
    send_sig,
    set_cpus_allowed_ptr,
    subprocess_info,
    synchronize_rcu,
    system_dfl_wq,
    task_struct,
    timer_delete_sync_try,
    timer_init_key,
    try_module_get,
    unregister_module_notifier,
    wake_up_process,
    work_struct,
    workqueue_struct,
    wq_flags_WQ_UNBOUND,
    wq_misc_consts_WORK_CPU_UNBOUND,
    _NSIG,
    GFP_KERNEL,
    INIT_LIST_HEAD,
    KTW_FREEZABLE,
    MAX_RT_PRIO,
    NOTIFY_DONE,
    NUMA_NO_NODE,
    SCHED_FIFO,
    SCHED_NORMAL,
    SIGHUP,
    SIGINT,
    SIGKILL,
    SIGQUIT,
    SIGSTOP,
    SIGTERM,
    SIGTSTP,
    SIGTTIN,
    SIGTTOU,
    SIGUSR1,
    SIGUSR2,
    TASK_FREEZABLE,
    TASK_FROZEN,
    TASK_IDLE,
    TASK_INTERRUPTIBLE,
    TASK_RUNNING,
    TASK_UNINTERRUPTIBLE,
    TIMER_IRQSAFE,
    UMH_KILLABLE,
    UMH_WAIT_EXEC,
    UMH_WAIT_PROC, //
};

#[cfg(CONFIG_LOCKDEP)]
pub(crate) use kernel::bindings::{
    cpus_read_lock,
    cpus_read_unlock, //
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
