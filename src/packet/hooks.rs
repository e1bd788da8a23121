// SPDX-License-Identifier: GPL-2.0

//! What is called when a thread is first asked to stop.

use super::flags::{
    Flags,
    STOP, //
};
use crate::{
    bindings,
    raw_list::RawList, //
};
use core::{
    cell::UnsafeCell,
    ptr::NonNull, //
};
use kernel::{
    current,
    prelude::*,
    sync::atomic::{
        Atomic,
        Relaxed, //
    },
    task::Pid,
    types::Opaque, //
};

/// The hooks of one thread.
///
/// # Invariants
///
/// The entries of `list` are the `links` of valid hooks, on the thread's own stack.
#[pin_data]
pub(super) struct Hooks {
    /// The task that calls hooks, and so holds the lock; zero if there is none.
    caller: Atomic<Pid>,
    #[pin]
    list: RawList,
}

/// The part of a hook that does not depend on the type of its closure.
#[repr(C)]
struct Hook {
    links: Opaque<bindings::list_head>,
    call: unsafe fn(NonNull<Hook>),
}

#[repr(C)]
struct HookWith<H> {
    hook: Hook,
    closure: UnsafeCell<H>,
}

impl<H: FnMut()> HookWith<H> {
    /// Calls the closure.
    ///
    /// # Safety
    ///
    /// `hook` must be in a valid `HookWith<H>`, whose closure nobody else calls meanwhile.
    unsafe fn call(hook: NonNull<Hook>) {
        // SAFETY: By the safety requirements.
        unsafe { (*UnsafeCell::raw_get(&raw const (*hook.cast::<Self>().as_ptr()).closure))() };
    }
}

impl Hooks {
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            caller: Atomic::new(0),
            // INVARIANT: It has no entries yet.
            list <- RawList::new(),
        })
    }

    /// Calls `body`, during which [`stop`](Self::stop) calls `hook`; if that was before, `hook` is
    /// called at once.
    pub(super) fn while_set<H, F, R>(&self, flags: &Flags, hook: H, body: F) -> R
    where
        H: FnMut() + Send,
        F: FnOnce() -> R,
    {
        let hook = HookWith {
            hook: Hook {
                links: Opaque::uninit(),
                call: HookWith::<H>::call,
            },
            closure: UnsafeCell::new(hook),
        };
        if self.add(&hook.hook, flags) {
            let result = body();
            self.remove(&hook.hook);
            result
        } else {
            // SAFETY: The hook was not added, so nobody else knows of it.
            unsafe { HookWith::<H>::call(NonNull::from(&hook).cast()) };
            body()
        }
    }

    /// Adds a hook, unless it is too late.
    #[inline(never)]
    fn add(&self, hook: &Hook, flags: &Flags) -> bool {
        self.list.locked(|list| {
            if flags.any(STOP) {
                return false;
            }
            // INVARIANT: The caller keeps the hook valid until `remove`, or crashes: `withdraw`.
            // SAFETY: The hook is in no list, and `list` is an initialised head.
            unsafe { bindings::list_add_tail(hook.links.get(), list) };
            true
        })
    }

    /// Takes a hook out. It is not called any more when this returns.
    #[inline(never)]
    fn remove(&self, hook: &Hook) {
        // SAFETY: The hook was added, and the lock is held.
        self.list
            .locked(|_| unsafe { bindings::list_del_init(hook.links.get()) });
    }

    /// Sets the flag [`STOP`] and calls all hooks, in one step. Does nothing if the flag was set.
    pub(super) fn stop(&self, flags: &Flags) {
        // A hook may ask for the same again, from under the lock.
        if flags.any(STOP) {
            return;
        }
        self.list.locked(|list| {
            if flags.set(STOP) & STOP != 0 {
                return;
            }
            self.caller.store(current!().pid(), Relaxed);
            // A hook may stop another thread, and so call its hooks. There is no deadlock in that:
            // a thread whose hooks are being called has the flag set, and is left alone above.
            self.list.nesting(|| {
                // SAFETY: By the type invariant of `RawList`; the lock is held.
                let mut entry = unsafe { (*list).next };
                while entry != list {
                    // SAFETY: By the type invariant the entry is the first field of a hook.
                    let hook = unsafe { NonNull::new_unchecked(entry.cast::<Hook>()) };
                    // SAFETY: A hook is in a `HookWith` of the type that `call` belongs to, and is
                    // called under the lock only.
                    unsafe { (hook.as_ref().call)(hook) };
                    // SAFETY: As above.
                    entry = unsafe { (*entry).next };
                }
            });
            self.caller.store(0, Relaxed);
        });
    }

    /// Takes out all hooks, as the thread crashed. None is called any more when this returns.
    ///
    /// Must be called by the thread, before its stack is used for something else.
    pub(super) fn withdraw(&self) {
        // SAFETY: The head is initialised, and the lock is held, be it by this very call or because
        // the thread was calling its hooks when it crashed.
        let clear = |list| unsafe { bindings::list_del_init(list) };
        if self.caller.load(Relaxed) == current!().pid() {
            clear(self.list.head());
        } else {
            self.list.locked(clear);
        }
    }
}
