// SPDX-License-Identifier: GPL-2.0

//! What is called when a thread is first asked to stop.

use super::flags::{
    Flags,
    STOP, //
};
use crate::{
    bindings,
    crash::{
        self,
        Section, //
    },
    raw_list::RawList, //
};
use core::{
    cell::UnsafeCell,
    ptr::NonNull, //
};
use kernel::{
    prelude::*,
    time::{
        delay::udelay,
        Delta, //
    },
    types::Opaque, //
};

/// The hooks of one thread.
///
/// # Invariants
///
/// The entries of `list` are the `links` of valid hooks, on the thread's own stack.
#[pin_data]
pub(super) struct Hooks {
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
            // INVARIANT: It has no entries yet.
            list <- RawList::new(crate::__lock_class!()),
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
        // A hook may stop another thread, and so call its hooks, which may ask for the first one's
        // stop again. There is no deadlock in that: who calls hooks has set the flag before, and
        // who finds it set does not take the lock.
        if flags.has(STOP) {
            return;
        }
        self.list.locked_recursive(|list| {
            if flags.set(STOP) & STOP != 0 {
                return;
            }
            // SAFETY: By the type invariant of `RawList`; the lock is held.
            let mut entry = unsafe { (*list).next };
            if entry == list {
                return;
            }
            let section = Section::new(c"a task oopsed in a stop hook, under a raw spinlock", 1);
            section.enter();
            while entry != list {
                // SAFETY: By the type invariant the entry is the first field of a hook.
                let hook = unsafe { NonNull::new_unchecked(entry.cast::<Hook>()) };
                // SAFETY: A hook is in a `HookWith` of the type that `call` belongs to, and is
                // called under the lock only.
                unsafe { (hook.as_ref().call)(hook) };
                // SAFETY: As above.
                entry = unsafe { (*entry).next };
            }
            section.leave();
        });
    }

    /// Takes out all hooks, as the thread oopsed. None is called any more when this returns.
    ///
    /// Must be called by the thread, before its stack is used for something else.
    pub(super) fn withdraw(&self) {
        // Without end this would hang the machine, should a hook oops at the same time.
        for _ in 0..WITHDRAW_LIMIT_US {
            // SAFETY: The head is valid, and the lock is held. The entries are left alone: they
            // are on a stack that may have been damaged.
            let withdraw = |list| unsafe { bindings::INIT_LIST_HEAD(list) };
            if self.list.try_locked(withdraw) {
                return;
            }
            udelay(Delta::from_micros(1));
        }
        crash::panic(c"a task oopsed whose stop hook does not return");
    }
}

/// For how long a thread that oopsed waits for the end of a hook of its own: about a second.
const WITHDRAW_LIMIT_US: u32 = 1_000_000;
