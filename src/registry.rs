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
//! empty, as an orphan, until this crate itself is unloaded and no handle can be left.

use crate::{
    bindings,
    packet::{
        flags::REGISTERED,
        Header, //
    },
    stack::KeptStack, //
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
/// - `leaving` begins a list of valid entries.
struct Lists {
    live: Opaque<bindings::list_head>,
    orphans: Opaque<bindings::list_head>,
    leaving: Cell<*const Leaving>,
}

// SAFETY: The lists may be used by any task that holds the lock.
unsafe impl Send for Lists {}

global_lock! {
    // SAFETY: `init` is called before any other module can import this crate.
    unsafe(uninit) static LISTS: Mutex<Lists> = Lists {
        live: Opaque::zeroed(),
        orphans: Opaque::zeroed(),
        leaving: Cell::new(core::ptr::null()),
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
/// [`ENODEV`] if its module is being cleared of its threads: there would be no end to it otherwise.
pub(crate) fn add(thread: ARef<Header>) -> Result {
    let lists = LISTS.lock();
    let mut leaving = lists.leaving.get();
    // SAFETY: By the invariant of `Lists`; the lock is held.
    while let Some(entry) = unsafe { leaving.as_ref() } {
        // SAFETY: By the invariant of `Leaving`.
        if unsafe { thread.belongs_to(entry.module) } {
            return Err(ENODEV);
        }
        leaving = entry.next.get();
    }
    thread.flags.set(REGISTERED);
    let thread = ARef::into_raw(thread);
    // SAFETY: The reference that we own keeps the header valid.
    let links = Opaque::cast_into(unsafe { &raw const (*thread.as_ptr()).links });
    // INVARIANT: The list takes over the reference.
    // SAFETY: By the invariant of `Header` its links are initialised; they are in no list, as a
    // thread is added once. Both heads are only used under the lock.
    unsafe { bindings::list_add_tail(links, lists.live.get()) };
    Ok(())
}

/// Takes a thread out and returns the registry's reference, if the thread is registered.
pub(crate) fn remove(thread: &Header) -> Option<ARef<Header>> {
    let _lists = LISTS.lock();
    if !thread.flags.any(REGISTERED) {
        return None;
    }
    thread.flags.clear(REGISTERED);
    // SAFETY: The flag says that the links are in the list, which the lock protects.
    unsafe { bindings::list_del_init(thread.links.get()) };
    // INVARIANT: The reference of the entry that was just removed passes to the caller.
    // SAFETY: The list owned it.
    Some(unsafe { ARef::from_raw(NonNull::from(thread)) })
}

/// Calls `body` while the thread, and with it its module, is kept from leaving, unless it has left;
/// says whether it did.
pub(crate) fn while_registered(thread: &Header, body: impl FnOnce() -> Result) -> Result<bool> {
    let _lists = LISTS.lock();
    if !thread.flags.any(REGISTERED) {
        return Ok(false);
    }
    body().map(|()| true)
}

/// Keeps an ended thread's packet until the crate is unloaded, or until another one is to be kept
/// and nobody uses it any more.
pub(crate) fn keep(thread: ARef<Header>) {
    let lists = LISTS.lock();
    let head = lists.orphans.get();
    // SAFETY: By the invariant of `Lists` the head is initialised; the lock is held.
    let mut entry = unsafe { (*head).next };
    while entry != head {
        // SAFETY: By the invariant of `Lists` the entry is in a header, with a reference.
        let orphan = unsafe { &*kernel::container_of!(Opaque::cast_from(entry), Header, links) };
        // SAFETY: The entry is in the list, and the lock is held.
        entry = unsafe { (*entry).next };
        if orphan.is_unused() {
            // SAFETY: As above.
            unsafe { bindings::list_del_init(orphan.links.get()) };
            // SAFETY: The list owned a reference.
            drop(unsafe { ARef::from_raw(NonNull::from(orphan)) });
        }
    }
    let thread = ARef::into_raw(thread);
    // SAFETY: The reference that we own keeps the header valid.
    let links = Opaque::cast_into(unsafe { &raw const (*thread.as_ptr()).links });
    // A packet that is kept twice stays one entry; `free_orphans` does not ask for the count.
    //
    // INVARIANT: The list takes over the reference.
    // SAFETY: By the invariant of `Header` its links are initialised, in one list or in none. All
    // heads are only used under the lock.
    unsafe { bindings::list_move_tail(links, head) };
}

/// Calls `visit` for each thread until it returns `true`, and returns that thread.
///
/// The lock is held, so `visit` may neither sleep for long nor drop what belongs to others.
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

/// Stops and joins all threads that still run code of `module`.
///
/// # Safety
///
/// `module` must be a valid module.
pub(crate) unsafe fn reap(module: *mut bindings::module) {
    // SAFETY: By the safety requirements.
    unsafe { Leaving::announce(module, || reap_announced(module)) }
}

/// Stops and joins all threads of `module`, which can make no new ones.
fn reap_announced(module: *mut bindings::module) {
    // SAFETY: `reap` was called, whose safety requirements say that the module is valid.
    let belongs = |thread: &Header| unsafe { thread.belongs_to(module) };
    request_stop(belongs);
    while let Some(thread) = find(belongs) {
        if thread.reap() == Ok(true) && thread.was_leaked() {
            // SAFETY: As above.
            unsafe { report(module, &thread) };
        }
        keep_if_used(thread);
    }
}

/// Keeps a packet whose handle may have been forgotten.
fn keep_if_used(thread: ARef<Header>) {
    if !thread.is_unique() {
        keep(thread);
    }
}

/// Joins all threads that have ended and whose handles are gone.
pub(crate) fn reap_disowned() {
    while let Some(thread) = find(Header::waits_for_reaper) {
        let _ = thread.reap();
    }
}

/// Stops and joins all threads that were made in the scope at this address.
#[inline(never)]
pub(crate) fn join_scope(scope: usize) {
    let belongs = |thread: &Header| thread.is_in_scope(scope);
    request_stop(belongs);
    while let Some(thread) = find(belongs) {
        let _ = thread.stop();
        keep_if_used(thread);
    }
}

/// Asks all these threads to stop, so that they end side by side, in any order that they need.
fn request_stop(belongs: impl Fn(&Header) -> bool) {
    find(|thread| {
        if belongs(thread) {
            thread.request_stop();
        }
        false
    });
}

/// A module that is being cleared of its threads.
///
/// # Invariants
///
/// `module` is valid, or was left behind by a crash and only stands for its address.
struct Leaving {
    module: *mut bindings::module,
    next: Cell<*const Leaving>,
}

impl Leaving {
    /// Calls `body`, during which no thread of `module` can be added.
    ///
    /// # Safety
    ///
    /// `module` must be a valid module.
    unsafe fn announce(module: *mut bindings::module, body: impl FnOnce()) {
        // What the module's threads own is dropped in here, which may crash.
        let _stack = KeptStack::of_current();
        let entry = Leaving {
            module,
            next: Cell::new(core::ptr::null()),
        };
        let lists = LISTS.lock();
        // INVARIANT: The entry is taken out below, or stays with the stack if `body` crashes.
        entry.next.set(lists.leaving.replace(&raw const entry));
        drop(lists);

        body();

        let lists = LISTS.lock();
        let mut link = &lists.leaving;
        while !core::ptr::eq(link.get(), &raw const entry) {
            // SAFETY: By the invariant of `Lists`; the lock is held, and ours is further down.
            link = unsafe { &(*link.get()).next };
        }
        link.set(entry.next.get());
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
