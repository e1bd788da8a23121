// SPDX-License-Identifier: GPL-2.0

//! What is called when a thread is first asked to stop.

use super::flags::{
    self,
    Flags, //
};
use crate::bindings;
use core::{
    cell::UnsafeCell,
    ptr::NonNull, //
};
use kernel::{
    prelude::*,
    types::Opaque, //
};

/// The hooks of one thread.
///
/// They are on the thread's own stack, which outlives the thread if it crashes (see
/// [`KeptStack`](crate::stack::KeptStack)).
///
/// # Invariants
///
/// `lock` and `list` are initialised. The list is used under the lock only, and its entries are
/// the `links` of valid hooks.
#[pin_data]
pub(super) struct Hooks {
    #[pin]
    lock: Opaque<bindings::raw_spinlock_t>,
    #[pin]
    list: Opaque<bindings::list_head>,
}

// SAFETY: Hooks are called by any task; they are `Send`, see `while_set`.
unsafe impl Send for Hooks {}

// SAFETY: As above, and under the lock.
unsafe impl Sync for Hooks {}

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
            // INVARIANT: Both are initialised here.
            lock <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid for writes.
                unsafe { bindings::raw_spin_lock_init(slot) }
            }),
            list <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid for writes.
                unsafe { bindings::INIT_LIST_HEAD(slot) }
            }),
        })
    }

    /// Calls `body`, during which [`call`](Self::call) calls `hook`; if the flags say that it is
    /// too late for that, `hook` is called at once.
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
        self.locked(|list| {
            // `call` comes after the flag was set, and takes the lock.
            if flags.any(flags::STOP) {
                return false;
            }
            // INVARIANT: The caller keeps the hook valid until `remove`.
            // SAFETY: The hook is in no list, and by the type invariant the head is initialised.
            unsafe { bindings::list_add_tail(hook.links.get(), list) };
            true
        })
    }

    /// Takes a hook out. It is not called any more when this returns.
    #[inline(never)]
    fn remove(&self, hook: &Hook) {
        // SAFETY: The hook was added, and the lock is held.
        self.locked(|_| unsafe { bindings::list_del_init(hook.links.get()) });
    }

    /// Calls all hooks. May be called once.
    pub(super) fn call(&self) {
        self.locked(|list| {
            // SAFETY: By the type invariant; the lock is held.
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
    }

    /// Takes out all hooks, which a thread that crashed left behind. None is called any more when
    /// this returns.
    pub(super) fn forget(&self) {
        // SAFETY: By the type invariant, and the lock is held.
        self.locked(|list| unsafe { bindings::list_del_init(list) });
    }

    /// Calls `body` with the list, under the lock.
    fn locked<R>(&self, body: impl FnOnce(*mut bindings::list_head) -> R) -> R {
        // SAFETY: By the type invariant.
        let flags = unsafe { bindings::raw_spin_lock_irqsave(self.lock.get()) };
        let result = body(self.list.get());
        // SAFETY: The lock was just taken, with these flags.
        unsafe { bindings::raw_spin_unlock_irqrestore(self.lock.get(), flags) };
        result
    }
}
