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
    packet::Header, //
};
use core::ptr::NonNull;
use kernel::{
    prelude::*,
    str::CStr,
    sync::{
        aref::ARef,
        global_lock, //
    },
    types::Opaque, //
};

/// The two lists.
///
/// # Invariants
///
/// Both are initialised list heads, and all entries are the `links` of a [`Header`] that the list
/// owns a reference to.
struct Lists {
    live: Opaque<bindings::list_head>,
    orphans: Opaque<bindings::list_head>,
}

// SAFETY: The lists may be used by any task that holds the lock.
unsafe impl Send for Lists {}

global_lock! {
    // SAFETY: `init` is called before any other module can import this crate.
    unsafe(uninit) static LISTS: Mutex<Lists> = Lists {
        live: Opaque::zeroed(),
        orphans: Opaque::zeroed(),
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
pub(crate) fn add(thread: ARef<Header>) {
    let thread = ARef::into_raw(thread);
    // SAFETY: The reference that we own keeps the header valid.
    let links = Opaque::cast_into(unsafe { &raw const (*thread.as_ptr()).links });
    let lists = LISTS.lock();
    // INVARIANT: The list takes over the reference.
    // SAFETY: By the invariant of `Header` its links are initialised; they are in no list, as a
    // thread is added once. Both heads are only used under the lock.
    unsafe { bindings::list_add_tail(links, lists.live.get()) };
}

/// Takes a thread out and returns the registry's reference.
///
/// # Safety
///
/// The thread must be registered, and must not be removed twice.
pub(crate) unsafe fn remove(thread: &Header) -> ARef<Header> {
    let _lists = LISTS.lock();
    // SAFETY: By the safety requirements the links are in the list, which the lock protects.
    unsafe { bindings::list_del_init(thread.links.get()) };
    // INVARIANT: The reference of the entry that was just removed passes to the caller.
    // SAFETY: The list owned it.
    unsafe { ARef::from_raw(NonNull::from(thread)) }
}

/// Keeps an ended thread's packet until the crate is unloaded.
pub(crate) fn keep(thread: ARef<Header>) {
    let thread = ARef::into_raw(thread);
    // SAFETY: The reference that we own keeps the header valid.
    let links = Opaque::cast_into(unsafe { &raw const (*thread.as_ptr()).links });
    let lists = LISTS.lock();
    // A packet that is kept twice stays one entry; `free_orphans` does not ask for the count.
    //
    // INVARIANT: The list takes over the reference.
    // SAFETY: By the invariant of `Header` its links are initialised, in one list or in none. All
    // heads are only used under the lock.
    unsafe { bindings::list_move_tail(links, lists.orphans.get()) };
}

/// Stops all threads that still run code of `module`.
///
/// # Safety
///
/// `module` must be a valid module.
pub(crate) unsafe fn reap(module: *mut bindings::module) {
    // SAFETY: By the safety requirements.
    while let Some(thread) = unsafe { find(module) } {
        match thread.reap() {
            // SAFETY: By the safety requirements.
            Ok(true) => unsafe { report(module, &thread) },
            Ok(false) => {}
            // This task is no thread of ours, so the one that joined the thread has died over it,
            // in the `drop` of the closure. The thread itself is gone; what matters is to go on.
            Err(_) => {
                keep(thread);
                continue;
            }
        }
        if !thread.is_unique() {
            keep(thread);
        }
    }
}

/// Finds a thread of `module`.
///
/// # Safety
///
/// `module` must be a valid module.
unsafe fn find(module: *mut bindings::module) -> Option<ARef<Header>> {
    let lists = LISTS.lock();
    let head = lists.live.get();
    // SAFETY: By the invariant of `Lists` the head is initialised; the lock is held.
    let mut entry = unsafe { (*head).next };
    while entry != head {
        // SAFETY: By the invariant of `Lists` the entry is in a header, with a reference.
        let thread = unsafe { &*kernel::container_of!(Opaque::cast_from(entry), Header, links) };
        // SAFETY: By the safety requirements.
        if unsafe { thread.belongs_to(module) } {
            return Some(thread.into());
        }
        // SAFETY: The entry is in the list, and the lock is held.
        entry = unsafe { (*entry).next };
    }
    None
}

/// Says in the kernel log which thread was leaked, and by which module.
///
/// # Safety
///
/// `module` must be a valid module.
unsafe fn report(module: *mut bindings::module, thread: &Header) {
    let Some(task) = thread.task() else {
        return;
    };
    // SAFETY: The name of a module is a NUL-terminated string that does not change.
    let module = unsafe { CStr::from_char_ptr((&raw const (*module).name).cast()) };
    // SAFETY: The thread is gone, and a `comm` is always NUL-terminated.
    let name = unsafe { CStr::from_char_ptr((&raw const (*task.as_ptr()).comm).cast()) };
    pr_warn!(
        "module {} leaked thread {} (pid {}): stopped\n",
        module,
        name,
        task.pid()
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
