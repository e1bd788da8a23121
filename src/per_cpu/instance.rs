// SPDX-License-Identifier: GPL-2.0

//! One registration of per-CPU threads.

use super::{
    callbacks::descriptor,
    instances,
    store::Store,
    PerCpuThread, //
};
use crate::{
    bindings,
    builder::Plan,
    compat::EDEADLK,
    lock_class::RunLock,
    owner::Owner,
    packet::is_dead,
    reaper,
    sleep::LOOK_AGAIN,
    wait_queue::WaitQueue, //
};
use core::mem;
use kernel::{
    cpu::CpuId,
    error::to_result,
    fmt,
    new_spinlock,
    prelude::*,
    str::{
        CStr,
        CString, //
    },
    sync::{
        aref::ARef,
        atomic::{
            AtomicFlag,
            Full,
            Relaxed, //
        },
        rcu,
        Arc,
        SpinLock, //
    },
    task::{
        might_sleep,
        Task, //
    },
    types::Opaque, //
};

/// What becomes of a registration.
enum Phase {
    /// This task registers it, or ends it.
    Busy(ARef<Task>),
    /// The threads are there.
    Registered,
    /// Threads and value are gone.
    Ended,
}

/// The task is only pointed to.
impl Unpin for Phase {}

/// A registration: what C knows of it, and the value that its threads share.
///
/// # Invariants
///
/// - While the phase is [`Phase::Registered`], C knows `descriptor`, which points to `store` and
///   `format`. It does not when the phase is [`Phase::Ended`].
/// - `value` is a box that `drop_value` drops, until the phase is [`Phase::Ended`]; only the task
///   in [`Phase::Busy`] drops it, when there are no threads.
/// - `links` changes under the lock of [`instances`], and `listed` says whether it is in the list.
#[pin_data]
pub(crate) struct Instance {
    #[pin]
    descriptor: Opaque<bindings::smp_hotplug_thread>,
    store: Store,
    name: CString,
    /// What C makes the threads' names of.
    format: CString,
    owner: Owner,
    #[pin]
    body: RunLock,
    value: *mut dyn PerCpuThread,
    drop_value: unsafe fn(*mut dyn PerCpuThread),
    #[pin]
    phase: SpinLock<Phase>,
    /// Where other tasks wait for the busy one.
    #[pin]
    changes: WaitQueue,
    /// Whether nobody may look for threads to be woken any more.
    closed: AtomicFlag,
    /// Whether there is no handle, and the reaper does the rest.
    disowned: AtomicFlag,
    listed: AtomicFlag,
    #[pin]
    pub(super) links: Opaque<bindings::list_head>,
}

// SAFETY: The value is `Send` and `Sync`. The rest is immutable, atomic or under a lock.
unsafe impl Send for Instance {}

// SAFETY: As above.
unsafe impl Sync for Instance {}

impl Instance {
    /// Starts the threads.
    ///
    /// When it fails, the value was dropped.
    ///
    /// # Safety
    ///
    /// `value` must be a box, which is handed over, and `drop_value` must drop such a box.
    #[inline(never)]
    pub(super) unsafe fn register(
        plan: Plan,
        value: *mut dyn PerCpuThread,
        drop_value: unsafe fn(*mut dyn PerCpuThread),
    ) -> Result<Arc<Self>> {
        might_sleep();
        let instance = Self::new(plan, value, drop_value).inspect_err(|_| {
            // SAFETY: By the safety requirements; nobody else knows the value.
            unsafe { drop_value(value) }
        })?;
        let registered = instance.add();
        match registered {
            Ok(()) => instance.settle(Phase::Registered),
            Err(_) => {
                instance.finish();
                instance.disown();
            }
        }
        registered.map(|()| instance)
    }

    fn new(
        plan: Plan,
        value: *mut dyn PerCpuThread,
        drop_value: unsafe fn(*mut dyn PerCpuThread),
    ) -> Result<Arc<Self>> {
        if instances::is_thread() {
            return Err(EDEADLK);
        }
        let name = plan.name.into_string()?;
        let format = CString::try_from_fmt(fmt!("{}/%u", Literally(&name)))?;
        let store = Store::new()?;
        let threads = descriptor(store.as_ptr(), &format);
        Arc::pin_init(
            pin_init!(Self {
                descriptor: Opaque::new(threads),
                store,
                name,
                format,
                owner: plan.owner,
                body <- RunLock::new(plan.class),
                value,
                drop_value,
                phase <- new_spinlock!(Phase::Busy(ARef::from(&**current!()))),
                changes <- WaitQueue::new(crate::__lock_class!()),
                closed: AtomicFlag::new(false),
                disowned: AtomicFlag::new(false),
                listed: AtomicFlag::new(false),
                links: Opaque::zeroed(),
            }),
            GFP_KERNEL,
        )
    }

    /// Puts it into the list, where its threads look for it, and has C start them.
    fn add(self: &Arc<Self>) -> Result {
        instances::add(self)?;
        self.tell_lockdep();
        // SAFETY: By the type invariant the descriptor is valid, and stays so until it is
        // unregistered: the list owns a reference. The names are a format for one number.
        to_result(unsafe { bindings::smpboot_register_percpu_thread(self.descriptor.get()) })
    }

    /// Stops the threads, waits until they are gone, and drops the value; or waits until another
    /// task that is about it has. Returns whether it was this call that did.
    ///
    /// # Errors
    ///
    /// [`EDEADLK`] if the calling task is about it already.
    pub(super) fn end(&self) -> Result<bool> {
        might_sleep();
        if !self.claim()? {
            return Ok(false);
        }
        self.tell_lockdep();
        // SAFETY: By the type invariant it is registered, and by the claim this is the only call.
        unsafe { bindings::smpboot_unregister_percpu_thread(self.descriptor.get()) };
        self.finish();
        Ok(true)
    }

    /// Becomes the one task that ends it; returns whether it did, or waits until another one has.
    fn claim(&self) -> Result<bool> {
        loop {
            {
                let mut phase = self.phase.lock();
                match &*phase {
                    Phase::Registered => {
                        *phase = Phase::Busy(ARef::from(&**current!()));
                        return Ok(true);
                    }
                    Phase::Ended => return Ok(false),
                    Phase::Busy(task) if task.as_ptr() == Task::current_raw() => {
                        return Err(EDEADLK);
                    }
                    // SAFETY: The phase owns a reference to the task.
                    Phase::Busy(task) if unsafe { is_dead(task.as_ptr()) } => {
                        // It crashed in the `drop` of the value, the only code not of this crate.
                        *phase = Phase::Ended;
                        return Ok(false);
                    }
                    Phase::Busy(_) => {}
                }
            }
            let is_busy = || matches!(*self.phase.lock(), Phase::Busy(_));
            self.changes.wait_timeout(LOOK_AGAIN, || !is_busy());
        }
    }

    /// Drops the value. The caller must be the busy task, and there must be no threads.
    fn finish(&self) {
        // SAFETY: By the type invariant it is a box, which is ours to drop, once.
        unsafe { (self.drop_value)(self.value) };
        // INVARIANT: There are neither threads nor value.
        self.settle(Phase::Ended);
    }

    /// Ends the busy phase.
    fn settle(&self, phase: Phase) {
        let busy = mem::replace(&mut *self.phase.lock(), phase);
        drop(busy);
        self.changes.wake_all();
    }

    /// Ends it because its module leaves; another one may have the handle. Says whether that had to
    /// be done.
    pub(super) fn reap(&self) -> bool {
        self.closed.store(true, Relaxed);
        // SAFETY: The function has no requirements; this may sleep.
        unsafe { bindings::synchronize_rcu() };
        self.end() == Ok(true)
    }

    /// The handle is dropped.
    #[inline(never)]
    pub(super) fn drop_handle(&self) {
        // In its own thread that would wait for itself; in any other one for CPU hotplug, which may
        // be waiting for the thread.
        if !instances::is_thread() {
            // An error says that the calling task is in the middle of it.
            let _ = self.end();
        }
        self.disown();
    }

    /// Leaves the rest to the reaper, as the handle is gone: at least a grace period is to be
    /// waited for.
    fn disown(&self) {
        self.disowned.store(true, Relaxed);
        reaper::wake();
    }

    /// Tells lockdep that CPU hotplug waits for what the threads do, and that the calling task may
    /// wait for both.
    fn tell_lockdep(&self) {
        #[cfg(CONFIG_LOCKDEP)]
        {
            // SAFETY: The function has no requirements.
            unsafe { bindings::cpus_read_lock() };
            self.body.acquire();
            self.body.release();
            // SAFETY: The lock was taken above.
            unsafe { bindings::cpus_read_unlock() };
        }
    }

    #[inline(never)]
    pub(super) fn wake_up(&self, cpu: CpuId) {
        self.wake(|| core::iter::once(self.task(cpu)));
    }

    #[inline(never)]
    pub(super) fn wake_all(&self) {
        self.wake(|| self.tasks());
    }

    fn wake<I: Iterator<Item = *mut bindings::task_struct>>(&self, tasks: impl FnOnce() -> I) {
        let _rcu = rcu::read_lock();
        // The handle is there, so only `reap` might have the threads stopped. It waits for us.
        if self.closed.load(Relaxed) {
            return;
        }
        for task in tasks().filter(|task| !task.is_null()) {
            // SAFETY: C owns a reference to each task in the store, until it stops the threads.
            unsafe { bindings::wake_up_process(task) };
        }
    }

    /// The thread of a CPU a moment ago, or null.
    pub(super) fn task(&self, cpu: CpuId) -> *mut bindings::task_struct {
        self.store.task(cpu)
    }

    /// The threads that were there a moment ago.
    pub(super) fn tasks(&self) -> impl Iterator<Item = *mut bindings::task_struct> + '_ {
        self.store.tasks()
    }

    /// What the threads share. Only for them.
    pub(super) fn value(&self) -> &dyn PerCpuThread {
        // SAFETY: By the type invariant it is dropped after the threads are gone.
        unsafe { &*self.value }
    }

    pub(super) fn body(&self) -> &RunLock {
        &self.body
    }

    pub(super) fn name(&self) -> &CStr {
        &self.name
    }

    pub(super) fn links(&self) -> *mut bindings::list_head {
        self.links.get()
    }

    pub(super) fn has_ended(&self) -> bool {
        matches!(*self.phase.lock(), Phase::Ended)
    }

    pub(super) fn is_disowned(&self) -> bool {
        self.disowned.load(Relaxed)
    }

    /// Says whether it is in the list from now on; returns whether it was before.
    pub(super) fn set_listed(&self, listed: bool) -> bool {
        self.listed.xchg(listed, Full)
    }

    /// Says whether the code of the value, or whoever asked for the threads, belongs to `module`.
    ///
    /// # Safety
    ///
    /// `module` must be a valid module.
    pub(super) unsafe fn belongs_to(&self, module: *const bindings::module) -> bool {
        self.owner.is(module)
            // SAFETY: By the safety requirements.
            || unsafe { bindings::within_module(self.drop_value as usize as c_ulong, module) }
    }
}

/// A string as part of a format of `printf`, for which it stands itself.
struct Literally<'a>(&'a CStr);

impl fmt::Display for Literally<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.to_str().map_err(|_| fmt::Error)?;
        for (i, part) in text.split('%').enumerate() {
            if i > 0 {
                f.write_str("%%")?;
            }
            f.write_str(part)?;
        }
        Ok(())
    }
}
