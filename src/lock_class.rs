// SPDX-License-Identifier: GPL-2.0

//! What lockdep knows of threads: joining one is waiting for it.

use crate::bindings;
use kernel::{
    prelude::*,
    str::CStr,
    sync::LockClassKey,
    types::Opaque, //
};

/// The lockdep class of all threads that one place in a driver makes.
///
/// The macros of this crate make one for each place that they are used in.
///
/// # Examples
///
/// See [`run!`](crate::run).
#[derive(Clone, Copy)]
pub struct LockClass {
    name: &'static CStr,
    key: Pin<&'static LockClassKey>,
}

impl LockClass {
    /// Names a class.
    #[doc(hidden)]
    pub const fn new(name: &'static CStr, key: Pin<&'static LockClassKey>) -> Self {
        Self { name, key }
    }

    /// Calls `body`, which is a lock of this class to lockdep: held meanwhile.
    #[cfg(CONFIG_LOCKDEP)]
    pub(crate) fn hold(self, body: impl FnOnce()) {
        pin_init::stack_pin_init!(let lock = RunLock::new(self));
        lock.begin();
        body();
        lock.release();
    }

    /// Tells lockdep that the calling task is about to wait for whoever is in [`hold`](Self::hold).
    #[cfg(CONFIG_LOCKDEP)]
    pub(crate) fn about_to_wait(self) {
        pin_init::stack_pin_init!(let lock = RunLock::new(self));
        lock.acquire();
        lock.release();
    }

    #[cfg(not(CONFIG_LOCKDEP))]
    pub(crate) fn hold(self, body: impl FnOnce()) {
        body();
    }

    #[cfg(not(CONFIG_LOCKDEP))]
    pub(crate) fn about_to_wait(self) {}

    pub(crate) fn name(self) -> &'static CStr {
        self.name
    }

    pub(crate) fn key(self) -> *mut bindings::lock_class_key {
        self.key.as_ptr()
    }
}

/// The [`LockClass`] for the place that this macro is used in.
#[doc(hidden)]
#[macro_export]
macro_rules! __lock_class {
    () => {
        $crate::LockClass::new(::kernel::optional_name!(), ::kernel::static_lock_class!())
    };
}

/// A piece of code as a lock: held by the thread that runs it, taken by who waits for its end.
///
/// So lockdep reports a task that joins a thread under a lock that the thread takes as well.
///
/// # Invariants
///
/// `map` is initialised. What it points to belongs to the module that the code does.
#[pin_data]
pub(crate) struct RunLock {
    #[pin]
    map: Opaque<bindings::lockdep_map>,
}

// SAFETY: A map may be used by any task.
unsafe impl Send for RunLock {}

// SAFETY: Lockdep has a lock of its own.
unsafe impl Sync for RunLock {}

impl RunLock {
    pub(crate) fn new(class: LockClass) -> impl PinInit<Self> {
        pin_init!(Self {
            // INVARIANT: Initialised here.
            map <- Opaque::ffi_init(move |slot| {
                // SAFETY: `slot` is valid for writes.
                unsafe { Self::init(slot, class) };
            }),
        })
    }

    /// # Safety
    ///
    /// `slot` must be valid for writes.
    #[inline(never)]
    unsafe fn init(slot: *mut bindings::lockdep_map, class: LockClass) {
        // SAFETY: By the safety requirement; name and key are static.
        unsafe { bindings::lockdep_init_map(slot, class.name().as_char_ptr(), class.key()) };
    }

    /// The thread begins, or another one waits for its end. The module must still be there.
    #[inline(never)]
    pub(crate) fn acquire(&self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::lock_map_acquire(self.map.get()) };
    }

    /// The thread begins, and never waits for another one to do that: what it holds does not come
    /// before this lock.
    #[cfg(CONFIG_LOCKDEP)]
    #[inline(never)]
    fn begin(&self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::lock_map_acquire_tryread(self.map.get()) };
    }

    /// The thread is done with it.
    #[inline(never)]
    pub(crate) fn release(&self) {
        // SAFETY: By the type invariant.
        unsafe { bindings::lock_map_release(self.map.get()) };
    }

    /// Says whether two threads were made in the same place.
    #[cfg(CONFIG_LOCKDEP)]
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        // SAFETY: By the type invariant; the key does not change.
        unsafe { (*self.map.get()).key == (*other.map.get()).key }
    }
}
