// SPDX-License-Identifier: GPL-2.0

//! What goes wrong while a call is under way.

use kernel::{
    bindings,
    sync::{
        atomic::{
            AtomicFlag,
            Relaxed, //
        },
        rcu, //
    },
    task::Task, //
};

/// Whose allocation fails.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Victim {
    /// The task that makes the call.
    Caller,
    /// The task that makes all threads of the kernel.
    Kthreadd,
    /// The threads of all workqueues, each one's n-th.
    Kworkers,
}

impl Victim {
    /// # Safety
    ///
    /// The task must be valid.
    unsafe fn is(self, task: *mut bindings::task_struct) -> bool {
        // SAFETY: By the safety requirement; neither word changes while it matters.
        let (pid, flags) = unsafe { ((*task).pid, (*task).flags) };
        match self {
            Self::Caller => task == Task::current_raw(),
            Self::Kthreadd => pid == 2,
            Self::Kworkers => flags & bindings::PF_WQ_WORKER != 0,
        }
    }
}

enum Kind {
    Allocation(Victim, u32),
    Kill,
    Elsewhere,
}

/// What goes wrong while a call is under way.
pub(crate) struct Fault {
    kind: Kind,
    struck: AtomicFlag,
}

impl Fault {
    fn new(kind: Kind) -> Self {
        Self {
            kind,
            struck: AtomicFlag::new(false),
        }
    }

    /// The victim's n-th allocation fails.
    pub(crate) fn allocation(victim: Victim, n: u32) -> Self {
        Self::new(Kind::Allocation(victim, n))
    }

    /// The caller, a thread that has allowed it, gets `SIGKILL` before.
    pub(crate) fn kill() -> Self {
        Self::new(Kind::Kill)
    }

    /// Something that somebody else sees to.
    pub(crate) fn elsewhere() -> Self {
        Self::new(Kind::Elsewhere)
    }

    /// Makes the call.
    pub(crate) fn strikes<R>(&self, call: impl FnOnce() -> R) -> R {
        match self.kind {
            Kind::Allocation(victim, n) => {
                let armed = set_fail_nth(victim, n).1;
                let result = call();
                let spared = set_fail_nth(victim, 0).0;
                self.struck.store(spared < armed, Relaxed);
                result
            }
            Kind::Kill => {
                let task = Task::current_raw();
                // SAFETY: The current task is valid.
                unsafe { bindings::send_sig(bindings::SIGKILL as i32, task, 0) };
                let result = call();
                // SAFETY: As above.
                unsafe { bindings::flush_signals(task) };
                result
            }
            Kind::Elsewhere => call(),
        }
    }

    /// Says whether there was such an allocation.
    pub(crate) fn struck(&self) -> bool {
        self.struck.load(Relaxed)
    }
}

/// Sets what `/proc/PID/fail-nth` shows of the victim; says how many tasks had, and have, something
/// else than zero there.
fn set_fail_nth(victim: Victim, n: u32) -> (usize, usize) {
    let (mut before, mut after) = (0, 0);
    let _rcu = rcu::read_lock();
    let first = &raw mut bindings::init_task;
    let mut task = first;
    loop {
        // SAFETY: The list of all processes begins with `init_task`, and is read under RCU.
        unsafe {
            let next = (&raw const (*task).tasks.next).read_volatile();
            task = kernel::container_of!(next, bindings::task_struct, tasks);
        }
        if task == first {
            break;
        }
        // SAFETY: As above.
        if unsafe { victim.is(task) } {
            // SAFETY: As above. The task itself may count it down at any time.
            let old = unsafe { replace(fail_nth(task), n) };
            before += usize::from(old != 0);
            after += usize::from(n != 0);
        }
    }
    (before, after)
}

/// # Safety
///
/// The pointer must be valid.
unsafe fn replace(word: *mut u32, new: u32) -> u32 {
    // SAFETY: By the safety requirement.
    unsafe {
        let old = word.read_volatile();
        word.write_volatile(new);
        old
    }
}

/// # Safety
///
/// The task must be valid.
#[cfg(CONFIG_FAULT_INJECTION)]
unsafe fn fail_nth(task: *mut bindings::task_struct) -> *mut u32 {
    // SAFETY: By the safety requirement.
    unsafe { &raw mut (*task).fail_nth }
}

/// A kernel without fault injection spares everybody.
///
/// # Safety
///
/// None.
#[cfg(not(CONFIG_FAULT_INJECTION))]
unsafe fn fail_nth(_task: *mut bindings::task_struct) -> *mut u32 {
    static mut SPARED: u32 = 0;
    &raw mut SPARED
}
