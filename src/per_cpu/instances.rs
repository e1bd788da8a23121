// SPDX-License-Identifier: GPL-2.0

//! All registrations of per-CPU threads: how a thread finds its own, and what becomes of those that
//! a departing module leaked.
//!
//! C tells a thread no more than its CPU. So it looks for the registration in whose store it is
//! itself, in a list that is read under RCU, as one of the callers must not sleep.
//!
//! A registration is in the list from before its first thread until after the last. One whose
//! module left, and whose handle is still in the hands of another one, stays, without threads and
//! value, until the handle is dropped or this crate is unloaded.

use super::instance::Instance;
use crate::{
    bindings,
    registry, //
};
use kernel::{
    cpu::CpuId,
    prelude::*,
    str::CStr,
    sync::{
        global_lock,
        rcu,
        Arc,
        ArcBorrow, //
    },
    task::Task,
    types::Opaque, //
};

/// The list.
///
/// # Invariants
///
/// All entries are the `links` of an [`Instance`] that the list owns a reference to. It is changed
/// under [`CHANGES`], and an entry that was taken out is freed after a grace period.
struct List(Opaque<bindings::list_head>);

// SAFETY: Readers use RCU, and writers a lock.
unsafe impl Sync for List {}

static LIST: List = List(Opaque::zeroed());

global_lock! {
    // SAFETY: `init` is called before any other module can import this crate.
    unsafe(uninit) static CHANGES: Mutex<()> = ();
}

/// Prepares the list.
///
/// # Safety
///
/// Must be called exactly once, before anything else of this file.
pub(crate) unsafe fn init() {
    // SAFETY: By the safety requirements.
    unsafe { CHANGES.init() };
    // SAFETY: The list head is in a static, so it is pinned, and nobody else uses it.
    unsafe { bindings::INIT_LIST_HEAD(LIST.0.get()) };
}

/// Puts a registration into the list.
///
/// # Errors
///
/// [`ENODEV`] if its module is being cleared of its threads.
pub(super) fn add(instance: &Arc<Instance>) -> Result {
    registry::unless_leaving(
        // SAFETY: The registry asks for valid modules.
        |module| unsafe { instance.belongs_to(module) },
        || {
            let _changes = CHANGES.lock();
            instance.set_listed(true);
            // INVARIANT: The list takes over a reference.
            let instance = Arc::into_raw(instance.clone());
            // SAFETY: The reference keeps it valid. The links are in no list, as it is added once.
            unsafe { bindings::list_add_rcu((*instance).links(), LIST.0.get()) };
        },
    )
}

/// Takes a registration out of the list, if it is still there. It must have no threads.
///
/// Sleeps until nobody comes across it any more.
pub(super) fn remove(instance: &Instance) {
    {
        let _changes = CHANGES.lock();
        if !instance.set_listed(false) {
            return;
        }
        // SAFETY: It is in the list, and the lock is held.
        unsafe { bindings::list_del_rcu(instance.links()) };
    }
    // SAFETY: The function has no requirements; this may sleep.
    unsafe { bindings::synchronize_rcu() };
    // SAFETY: The list owned a reference, which was made by `Arc::into_raw`.
    drop(unsafe { Arc::from_raw(instance) });
}

/// Calls `visit` for each registration until it returns `true`, and returns that one.
///
/// # Safety
///
/// RCU or [`CHANGES`] must be held while this is called, and what is returned must not be used for
/// longer than that, unless it is known to stay.
unsafe fn visit<'a>(mut visit: impl FnMut(&Instance) -> bool) -> Option<&'a Instance> {
    let head = LIST.0.get();
    // SAFETY: The head is initialised, and by the safety requirements.
    let mut entry = unsafe { bindings::list_next_rcu(head) };
    while entry != head {
        // SAFETY: By the invariant of `List`; it is not freed before a grace period is over.
        let instance =
            unsafe { &*kernel::container_of!(Opaque::cast_from(entry), Instance, links) };
        if visit(instance) {
            return Some(instance);
        }
        // SAFETY: As above.
        entry = unsafe { bindings::list_next_rcu(entry) };
    }
    None
}

/// The registration that the calling thread of a CPU belongs to.
pub(super) fn of_thread<'a>(cpu: c_uint) -> Option<(&'a Instance, CpuId)> {
    let cpu = CpuId::from_u32(cpu)?;
    let _rcu = rcu::read_lock();
    // SAFETY: RCU is held. A registration whose thread calls this stays: it leaves the list after
    // the thread is gone.
    let instance = unsafe { visit(|instance| instance.task(cpu) == Task::current_raw()) }?;
    Some((instance, cpu))
}

/// Says whether the calling task is a thread of any registration.
pub(super) fn is_thread() -> bool {
    let _rcu = rcu::read_lock();
    // SAFETY: RCU is held.
    unsafe { visit(|instance| instance.tasks().any(|task| task == Task::current_raw())) }.is_some()
}

/// One that fulfils the condition, which must not sleep for long.
fn find(condition: impl FnMut(&Instance) -> bool) -> Option<Arc<Instance>> {
    let _changes = CHANGES.lock();
    // SAFETY: The lock is held.
    let instance = unsafe { visit(condition) }?;
    // SAFETY: It came from `Arc::into_raw`, and while the lock is held the list owns it.
    Some(unsafe { ArcBorrow::from_raw(instance) }.into())
}

/// Ends all registrations whose threads run code of `module`.
///
/// # Safety
///
/// `module` must be a valid module, which can make no new ones.
pub(crate) unsafe fn reap(module: *mut bindings::module) {
    // SAFETY: By the safety requirements.
    let belongs = |instance: &Instance| unsafe { instance.belongs_to(module) };
    while let Some(instance) = find(|instance| !instance.has_ended() && belongs(instance)) {
        let leaked = !instance.is_disowned();
        if instance.reap() && leaked {
            // SAFETY: By the safety requirements; a module's name is a NUL-terminated string.
            let module = unsafe { CStr::from_char_ptr((&raw const (*module).name).cast()) };
            pr_warn!(
                "module {} leaked per-CPU threads {}: stopped\n",
                module,
                instance.name()
            );
        }
    }
}

/// Ends all registrations whose handle is gone, if that was not done yet, and frees them.
pub(crate) fn reap_disowned() {
    while let Some(instance) = find(Instance::is_disowned) {
        let _ = instance.end();
        remove(&instance);
    }
}

/// Frees what is left: registrations whose handle was forgotten, and whose module has left.
///
/// # Safety
///
/// No other module may be left that imports this crate.
pub(crate) unsafe fn free_all() {
    while let Some(instance) = find(|_| true) {
        remove(&instance);
        // SAFETY: The handle's reference, which by the safety requirements nobody can use.
        drop(unsafe { Arc::from_raw(Arc::as_ptr(&instance)) });
    }
}
