// SPDX-License-Identifier: GPL-2.0

//! A helper that the kernel was asked for: what is there until the kernel is done with it.
//!
//! C's call is made by a work item of the crate, which waits in it. So the strings are there for as
//! long as C needs them, without a callback that would be the last to use them, and whose own end
//! nobody could wait for. When the queue was destroyed no code of the crate is run any more.
//!
//! A thread waits for the work item, in a way that it can be asked to stop.

use super::strings::Strings;
use crate::{
    bindings,
    current::{
        Current,
        Stopped, //
    },
    new_wait_queue,
    wait_queue::WaitQueue, //
};
use core::{
    mem::MaybeUninit,
    ptr::NonNull, //
};
use kernel::{
    new_mutex,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc,
        Mutex,
        UniqueArc, //
    },
    task::Task,
    workqueue::{
        self,
        Queue,
        Work,
        WorkItem, //
    }, //
};

/// How far the kernel is waited for.
#[derive(Clone, Copy)]
pub(super) enum Until {
    /// The program was loaded, or cannot be.
    Begun = bindings::UMH_WAIT_EXEC as isize,
    /// It has ended.
    Ended = bindings::UMH_WAIT_PROC as isize,
}

/// A helper that the kernel was asked for.
#[pin_data]
pub(super) struct Call {
    strings: Strings,
    until: Until,
    #[pin]
    progress: Mutex<Progress>,
    #[pin]
    changes: WaitQueue,
    #[pin]
    work: Work<Self>,
}

workqueue::impl_has_work! {
    impl HasWork<Self> for Call { self.work }
}

/// How far it has come.
struct Progress {
    /// The process, once there is one.
    process: Option<Process>,
    /// Whether it is not wanted any more.
    given_up: bool,
    /// What came of it: an error, or what C tells of a process that has ended.
    result: Option<Result<c_int>>,
}

impl Call {
    /// A helper to ask the kernel for.
    pub(super) fn new(
        place: UniqueArc<MaybeUninit<Self>>,
        strings: Strings,
        until: Until,
    ) -> Arc<Self> {
        let Ok(call) = place.pin_init_with(pin_init!(Self {
            strings,
            until,
            progress <- new_mutex!(Progress {
                process: None,
                given_up: false,
                result: None,
            }),
            changes <- new_wait_queue!("Command::changes"),
            work <- workqueue::new_work!("Command::work"),
        }));
        Arc::from(call)
    }

    /// Asks the kernel for it, once.
    pub(super) fn begin(self: Arc<Self>) {
        // It was not queued before, so this is not refused.
        let _ = calls().enqueue(self);
    }

    /// Waits for the result, or until the thread is asked to stop, which gives the helper up.
    #[track_caller]
    pub(super) fn wait(&self, cx: &Current<'_>) -> Result<Result<c_int>, Stopped> {
        let result = cx.wait(&self.changes, || self.progress.lock().result.take());
        if result.is_err() {
            self.give_up();
        }
        result
    }

    /// Kills the helper, if it is there, or keeps it from beginning.
    fn give_up(&self) {
        let mut progress = self.progress.lock();
        progress.given_up = true;
        if let Some(process) = &progress.process {
            process.kill();
        }
    }

    /// Has C run the helper, and waits for that.
    fn run(&self) -> Result<c_int> {
        let mut args = self.strings.args.pointers()?;
        let mut env = self.strings.env.pointers()?;
        let path = *args.first().ok_or(EINVAL)?;
        // SAFETY: All pointers, and those that the arrays hold, are valid until C is done with
        // them, which it is when the call below returns; so is what `begun` is called with.
        let info = unsafe {
            bindings::call_usermodehelper_setup(
                path,
                args.as_mut_ptr(),
                env.as_mut_ptr(),
                bindings::GFP_KERNEL,
                Some(Self::begun),
                None,
                core::ptr::from_ref(self).cast_mut().cast(),
            )
        };
        if info.is_null() {
            return Err(ENOMEM);
        }
        // `UMH_KILLABLE` only keeps the wait from being reported as a task that hangs.
        //
        // CAST: Flags, of which there are few.
        let wait = self.until as c_int | bindings::UMH_KILLABLE as c_int;
        // SAFETY: `info` is new, and given up here. The calling thread is one of a workqueue,
        // which ignores all signals, as its parent `kthreadd` does: it cannot be killed, so C waits
        // for what it was asked to wait for.
        let status = unsafe { bindings::call_usermodehelper_exec(info, wait) };
        if status < 0 {
            return Err(Error::from_errno(status));
        }
        if self.progress.lock().process.is_none() {
            // All went well, and nothing was run.
            return Err(ENODEV);
        }
        Ok(status)
    }

    /// Called by the process that is to become the helper.
    ///
    /// # Safety
    ///
    /// Only for C to call, with what [`run`](Self::run) has passed.
    unsafe extern "C" fn begun(
        info: *mut bindings::subprocess_info,
        _cred: *mut bindings::cred,
    ) -> c_int {
        // SAFETY: `run` waits for the process that calls this, at least until it was called.
        let call = unsafe { &*(*info).data.cast::<Self>() };
        let mut progress = call.progress.lock();
        if progress.given_up {
            return EINTR.to_errno();
        }
        progress.process = Some(Process::current());
        0
    }
}

impl WorkItem for Call {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>) {
        let result = Self::run(&this);
        {
            let mut progress = this.progress.lock();
            progress.process = None;
            progress.result = Some(result);
        }
        this.changes.wake_all();
    }
}

/// A reference to a process, which may be gone.
///
/// # Invariants
///
/// It owns a reference.
struct Process(NonNull<bindings::pid>);

// SAFETY: The reference may be used, and given back, by any task.
unsafe impl Send for Process {}

impl Process {
    fn current() -> Self {
        // SAFETY: The calling task is there, and has a number: the pointer is not null.
        let pid = unsafe {
            NonNull::new_unchecked(bindings::get_task_pid(
                Task::current_raw(),
                bindings::pid_type_PIDTYPE_PID,
            ))
        };
        // INVARIANT: That has returned a reference.
        Self(pid)
    }

    fn kill(&self) {
        // CAST: The number of a signal.
        let signal = bindings::SIGKILL as c_int;
        // SAFETY: By the type invariant. A process that is gone is sent nothing.
        unsafe { bindings::kill_pid(self.0.as_ptr(), signal, 1) };
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::put_pid(self.0.as_ptr()) };
    }
}

static CALLS: Atomic<*mut bindings::workqueue_struct> = Atomic::new(core::ptr::null_mut());

fn calls() -> &'static Queue {
    // SAFETY: `Calls::new` has set it before any other module could import this crate, and it is
    // destroyed when none is left.
    unsafe { Queue::from_raw(CALLS.load(Relaxed)) }
}

/// The queue of all calls, while the crate is loaded.
///
/// One of its own: C's calls are items of one of the kernel's queues, and each of ours waits for
/// one of them. In the same queue they could keep each other from being run.
///
/// # Invariants
///
/// It is a valid workqueue, which nobody else destroys.
pub(crate) struct Calls(*mut bindings::workqueue_struct);

// SAFETY: A workqueue may be destroyed by any task.
unsafe impl Send for Calls {}

// SAFETY: There is no method that takes `&self`.
unsafe impl Sync for Calls {}

impl Calls {
    /// Creates it, before any other module can import the crate.
    pub(crate) fn new() -> Result<Self> {
        // SAFETY: The format asks for one string.
        let queue = unsafe {
            bindings::alloc_workqueue_noprof(
                c"%s".as_char_ptr(),
                bindings::wq_flags_WQ_UNBOUND,
                0,
                c"kthread_command".as_char_ptr(),
            )
        };
        if queue.is_null() {
            return Err(ENOMEM);
        }
        CALLS.store(queue, Relaxed);
        // INVARIANT: It was just made.
        Ok(Self(queue))
    }
}

impl Drop for Calls {
    fn drop(&mut self) {
        // SAFETY: By the type invariant. This waits for the calls that are left: those that nobody
        // waits for, and those of helpers that were killed.
        unsafe { bindings::destroy_workqueue(self.0) };
    }
}
