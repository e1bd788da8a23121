// SPDX-License-Identifier: GPL-2.0

//! All threads of the crate, and what becomes of those that a departing module leaked.
//!
//! A thread is registered before its first instruction and until it was joined. The registry owns a
//! reference to its packet for that time, so the packet outlives the thread whatever happens to the
//! handle.
//!
//! `delete_module()` first runs the module's exit function, which drops the handles that the module
//! still owns; then it calls the notifier chain, and with it [`reap`]; then it frees the module's
//! memory. A thread that is still there at [`reap`] was leaked.
//!
//! A leaked handle may still be in the hands of another module, so its packet stays in memory,
//! empty, as an orphan, at the latest until this crate itself is unloaded and no handle can be
//! left.

use crate::{
    bindings,
    packet::{
        flags::JOINED,
        Header, //
    },
    per_cpu::instances,
    scope::OpenScope, //
};
use core::{
    cell::Cell,
    ptr::NonNull, //
};
use kernel::{
    prelude::*,
    str::CStr,
    sync::{
        aref::ARef,
        global_lock, //
    },
    types::Opaque, //
};

/// What the lock protects.
///
/// # Invariants
///
/// - `live` and `orphans` are initialised list heads, and all entries are the `links` of a
///   [`Header`] that the list owns a reference to.
/// - `leaving` holds valid modules, and null.
struct Lists {
    live: Opaque<bindings::list_head>,
    orphans: Opaque<bindings::list_head>,
    leaving: [Cell<*mut bindings::module>; 8],
}

// SAFETY: The lists may be used by any task that holds the lock.
unsafe impl Send for Lists {}

impl Lists {
    /// Says whether one of the modules that are being cleared of their threads, which are valid,
    /// fulfils the condition.
    fn any_leaving(&self, belongs: impl Fn(*const bindings::module) -> bool) -> bool {
        let mut leaving = self.leaving.iter().map(Cell::get);
        leaving.any(|module| !module.is_null() && belongs(module))
    }
}

global_lock! {
    // SAFETY: `init` is called before any other module can import this crate.
    unsafe(uninit) static LISTS: Mutex<Lists> = Lists {
        live: Opaque::zeroed(),
        orphans: Opaque::zeroed(),
        leaving: [const { Cell::new(core::ptr::null_mut()) }; 8],
    };
}

/// Prepares the registry.
///
/// # Safety
///
/// Must be called exactly once, before anything else of this file.
pub(crate) unsafe fn init() {
    // SAFETY: By the safety requirements.
    unsafe { LISTS.init() };
    let lists = LISTS.lock();
    for list in [&lists.live, &lists.orphans] {
        // SAFETY: The list head is in a static, so it is pinned, and nobody else uses it.
        unsafe { bindings::INIT_LIST_HEAD(list.get()) };
    }
}

/// Registers a thread.
///
/// # Errors
///
/// [`ENODEV`] if its module or its scope is being cleared of its threads: there would be no end to
/// it otherwise.
pub(crate) fn add(thread: ARef<Header>) -> Result {
    let lists = LISTS.lock();
    // SAFETY: The modules are valid.
    if lists.any_leaving(|module| unsafe { thread.belongs_to(module) }) {
        return Err(ENODEV);
    }
    // SAFETY: The thread is about to be registered, and the lock is held.
    unsafe { thread.count_in_scope(1) }?;
    let thread = ARef::into_raw(thread);
    // SAFETY: The reference that we own keeps the header valid.
    let links = Opaque::cast_into(unsafe { &raw const (*thread.as_ptr()).links });
    // INVARIANT: The list takes over the reference.
    // SAFETY: By the invariant of `Header` its links are initialised; they are in no list, as a
    // thread is added once. Both heads are only used under the lock.
    unsafe { bindings::list_add_tail(links, lists.live.get()) };
    Ok(())
}

/// Calls `body`, unless a module that fulfils the condition is being cleared of its threads; that
/// does not begin meanwhile. The condition is asked for valid modules only.
///
/// # Errors
///
/// [`ENODEV`] if there is one.
pub(crate) fn unless_leaving(
    belongs: impl Fn(*const bindings::module) -> bool,
    body: impl FnOnce(),
) -> Result {
    let lists = LISTS.lock();
    if lists.any_leaving(belongs) {
        return Err(ENODEV);
    }
    body();
    Ok(())
}

/// Takes a thread out that was added, and returns the registry's reference, unless that was done
/// before.
pub(crate) fn remove(thread: &Header) -> Option<ARef<Header>> {
    let _lists = LISTS.lock();
    if thread.flags.has(JOINED) {
        return None;
    }
    // SAFETY: The thread is registered for a moment more, and the lock is held.
    let _ = unsafe { thread.count_in_scope(-1) };
    // Before the lock is released: its module may fail to initialise, and then go at any time,
    // whether it is pinned or not.
    thread.unpin_module();
    // SAFETY: The thread was added, and the flag says that the links are still in the list, which
    // the lock protects.
    unsafe { bindings::list_del_init(thread.links.get()) };
    // Last, as who sees it relies on all of that.
    thread.flags.set(JOINED);
    // INVARIANT: The reference of the entry that was just removed passes to the caller.
    // SAFETY: The list owned it.
    Some(unsafe { ARef::from_raw(NonNull::from(thread)) })
}

/// Calls `body` while the thread, and with it its module, is kept from leaving; does nothing if it
/// has left.
pub(crate) fn while_registered(thread: &Header, body: impl FnOnce() -> Result) -> Result {
    let _lists = LISTS.lock();
    if thread.flags.has(JOINED) {
        Ok(())
    } else {
        body()
    }
}

/// Keeps an ended thread's packet, whose handle may have been forgotten, until the crate is
/// unloaded, or until another one is to be kept and nobody uses this one any more.
fn keep(thread: ARef<Header>) {
    if thread.is_unique() {
        return;
    }
    let lists = LISTS.lock();
    let head = lists.orphans.get();
    // SAFETY: By the invariant of `Lists` the head is initialised; the lock is held.
    let mut entry = unsafe { (*head).next };
    while entry != head {
        // SAFETY: By the invariant of `Lists` the entry is in a header, with a reference.
        let orphan = unsafe { &*kernel::container_of!(Opaque::cast_from(entry), Header, links) };
        // SAFETY: The entry is in the list, and the lock is held.
        entry = unsafe { (*entry).next };
        if orphan.is_unique() {
            // SAFETY: As above.
            unsafe { bindings::list_del_init(orphan.links.get()) };
            // SAFETY: The list owned a reference.
            drop(unsafe { ARef::from_raw(NonNull::from(orphan)) });
        }
    }
    let links = thread.links.get();
    // SAFETY: By the invariant of `Header` its links are initialised; they change under the lock.
    if unsafe { (*links).next } == links {
        // INVARIANT: The list takes over the reference.
        let _ = ARef::into_raw(thread);
        // SAFETY: The links are in no list, and all heads are only used under the lock.
        unsafe { bindings::list_add_tail(links, head) };
    }
}

/// Calls `visit` for each thread until it returns `true`, and returns that thread.
///
/// The lock is held, so `visit` may neither sleep for long nor call what belongs to others.
pub(crate) fn find(mut visit: impl FnMut(&Header) -> bool) -> Option<ARef<Header>> {
    let lists = LISTS.lock();
    let head = lists.live.get();
    // SAFETY: By the invariant of `Lists` the head is initialised; the lock is held.
    let mut entry = unsafe { (*head).next };
    while entry != head {
        // SAFETY: By the invariant of `Lists` the entry is in a header, with a reference.
        let thread = unsafe { &*kernel::container_of!(Opaque::cast_from(entry), Header, links) };
        if visit(thread) {
            return Some(thread.into());
        }
        // SAFETY: The entry is in the list, and the lock is held.
        entry = unsafe { (*entry).next };
    }
    None
}

/// Stops and joins all threads that still run code of `module`; meanwhile it can make no new ones.
///
/// # Safety
///
/// `module` must be a valid module.
pub(crate) unsafe fn reap(module: *mut bindings::module) {
    // INVARIANT: The module is valid, and if something crashes in here it is never freed.
    replace_leaving(core::ptr::null_mut(), module);
    // SAFETY: By the safety requirements.
    let belongs = |thread: &Header| unsafe { thread.belongs_to(module) };
    request_stop(belongs);
    while let Some(thread) = find(belongs) {
        if thread.reap() == Ok(true) && thread.was_leaked() {
            // SAFETY: By the safety requirements.
            unsafe { report(module, &thread) };
        }
        keep(thread);
    }
    // SAFETY: By the safety requirements, and new ones are refused.
    unsafe { instances::reap(module) };
    replace_leaving(module, core::ptr::null_mut());
}

/// Replaces one of the modules that are being cleared of their threads.
///
/// When there is no room for one, it is just not kept from making new threads.
fn replace_leaving(old: *mut bindings::module, new: *mut bindings::module) {
    let lists = LISTS.lock();
    if let Some(place) = lists.leaving.iter().find(|place| place.get() == old) {
        place.set(new);
    }
}

/// Joins all threads that have ended and whose handles are gone.
pub(crate) fn reap_disowned() {
    while let Some(thread) = find(Header::waits_for_reaper) {
        let _ = thread.reap();
    }
}

/// Stops and joins all threads that were made in a scope.
pub(crate) fn join_scope(scope: &OpenScope) {
    let belongs = |thread: &Header| thread.is_in_scope(scope);
    scope.close();
    request_stop(belongs);
    while let Some(thread) = find(belongs) {
        let _ = thread.stop();
        keep(thread);
    }
}

/// Asks all these threads to stop, so that they end side by side, in any order that they need.
fn request_stop(belongs: impl Fn(&Header) -> bool) {
    // One by one, as hooks are called, which is not to be done under the lock.
    while let Some(thread) = find(|thread| belongs(thread) && !thread.should_stop()) {
        thread.request_stop();
    }
}

/// Says in the kernel log which thread was leaked, and by which module.
///
/// # Safety
///
/// `module` must be a valid module.
unsafe fn report(module: *mut bindings::module, thread: &Header) {
    // SAFETY: The name of a module is a NUL-terminated string that does not change.
    let module = unsafe { CStr::from_char_ptr((&raw const (*module).name).cast()) };
    pr_warn!(
        "module {} leaked thread {} (pid {}): stopped\n",
        module,
        thread.name(),
        thread.pid()
    );
}

/// Frees the orphans.
///
/// # Safety
///
/// No other module may be left that imports this crate.
pub(crate) unsafe fn free_orphans() {
    let lists = LISTS.lock();
    let head = lists.orphans.get();
    loop {
        // SAFETY: By the invariant of `Lists` the head is initialised; the lock is held.
        let entry = unsafe { (*head).next };
        if entry == head {
            break;
        }
        // SAFETY: The entry is in the list, and the lock is held.
        unsafe { bindings::list_del_init(entry) };
        // SAFETY: By the invariant of `Lists` the entry is in a header.
        let thread = unsafe { kernel::container_of!(Opaque::cast_from(entry), Header, links) };
        // SAFETY: The pointer comes from a list entry, so it is not null. By the safety
        // requirements nobody is left who could use the packet, whatever its count says.
        unsafe { Header::free(NonNull::new_unchecked(thread.cast_mut())) };
    }
}
