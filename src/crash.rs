// SPDX-License-Identifier: GPL-2.0

//! Tasks that oops.
//!
//! An oops ends a task without its destructors, and its stack is used for other things: first for
//! the task's own end, then for other tasks. What the task lent out from its stack has to be
//! withdrawn before that, in the kernel's die notifier, which the oopsing task itself calls. Where
//! that cannot be done the kernel panics.

use crate::{
    bindings,
    compat::raw_init,
    notifier::Notifier,
    packet::Header,
    raw_list::RawList, //
};
use kernel::{
    prelude::*,
    str::CStr,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    task::Task,
    types::Opaque, //
};

/// A stretch of a task's way in which it may have lent out what cannot be withdrawn.
///
/// It is on the task's stack.
#[repr(C)]
pub(crate) struct Section {
    links: Opaque<bindings::list_head>,
    task: *mut bindings::task_struct,
    /// How much is lent out.
    lent: Atomic<i32>,
    /// What to say if the task oopses meanwhile.
    message: &'static CStr,
}

// SAFETY: `links` is changed under the list's lock only; `task` and `message` do not change.
unsafe impl Sync for Section {}

impl Section {
    /// A section of the calling task. The message must be without conversions of `printf`.
    pub(crate) fn new(message: &'static CStr, lent: i32) -> Self {
        Self {
            links: Opaque::uninit(),
            task: Task::current_raw(),
            lent: Atomic::new(lent),
            message,
        }
    }

    /// Begins the section. Must be followed by [`leave`](Self::leave) before it is moved or
    /// dropped.
    #[inline(never)]
    pub(crate) fn enter(&self) {
        // SAFETY: The entry is in no list, and stays valid until `leave` or `crash` takes it out.
        // The head is initialised, and the lock is held.
        sections().locked(|list| unsafe { bindings::list_add_tail(self.links.get(), list) });
    }

    /// Ends the section.
    #[inline(never)]
    pub(crate) fn leave(&self) {
        // SAFETY: `enter` put the entry into the list, and the lock is held.
        sections().locked(|_| unsafe { bindings::list_del_init(self.links.get()) });
    }

    /// Counts what is lent out.
    pub(crate) fn lend(&self, change: i32) {
        self.lent.fetch_add(change, Relaxed);
    }
}

/// All sections that were begun and not ended.
struct Sections(Opaque<RawList>);

// SAFETY: The list has a lock.
unsafe impl Sync for Sections {}

static SECTIONS: Sections = Sections(Opaque::uninit());

fn sections() -> &'static RawList {
    // SAFETY: `init` was called when the crate was loaded.
    unsafe { &*SECTIONS.0.get() }
}

/// Prepares the list of sections.
///
/// # Safety
///
/// Must be called exactly once, before anything else of this file.
pub(crate) unsafe fn init() {
    // SAFETY: The static is valid for writes, not moved, and by the safety requirements not in use.
    unsafe { raw_init(SECTIONS.0.get(), RawList::new(crate::__lock_class!())) };
}

/// Watches tasks oops.
pub(crate) fn watch() -> impl PinInit<Notifier, Error> {
    Notifier::new(
        bindings::register_die_notifier,
        bindings::unregister_die_notifier,
        die_notify,
    )
}

/// # Safety
///
/// Only for the die notifier chain to call.
unsafe extern "C" fn die_notify(
    _block: *mut bindings::notifier_block,
    event: c_ulong,
    _args: *mut c_void,
) -> c_int {
    // SAFETY: The function has no requirements.
    if unsafe { bindings::is_oops_of_task(event) } {
        leave_all();
        if let Some(thread) = Header::of_current() {
            thread.crash();
        }
    }
    // CAST: The constant is zero.
    bindings::NOTIFY_DONE as c_int
}

/// Ends all sections of the calling task, which oopses.
fn leave_all() {
    let message = sections().locked(|list| {
        // SAFETY: The head is initialised, and the lock is held.
        let mut entry = unsafe { (*list).next };
        while entry != list {
            // SAFETY: All entries are the first field of a section that was not ended.
            let section = unsafe { &*entry.cast::<Section>() };
            // SAFETY: As above.
            entry = unsafe { (*entry).next };
            if core::ptr::eq(section.task, Task::current_raw()) {
                if section.lent.load(Relaxed) > 0 {
                    return Some(section.message);
                }
                // SAFETY: The entry is in the list, and the lock is held.
                unsafe { bindings::list_del_init(section.links.get()) };
            }
        }
        None
    });
    if let Some(message) = message {
        panic(message);
    }
}

/// Ends it all. The message must be without conversions of `printf`.
pub(crate) fn panic(message: &CStr) -> ! {
    // SAFETY: The message is a string, and asks for no arguments.
    unsafe { bindings::panic(message.as_char_ptr()) }
}
