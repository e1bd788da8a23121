// SPDX-License-Identifier: GPL-2.0

//! The kernel's spinlock that disables interrupts, and a stand-in on Linux 7.2.

pub(crate) use self::api::*;

#[cfg(not(linux_7_2))]
mod api {
    pub(crate) use kernel::sync::{
        new_spinlock_irq,
        SpinLockIrq, //
    };
}

#[cfg(linux_7_2)]
mod api {
    use kernel::{
        bindings,
        prelude::*,
        sync::lock::{
            spinlock::SpinLockBackend,
            Backend,
            Lock, //
        },
    };

    pub(crate) type SpinLockIrq<T> = Lock<T, Irq>;

    pub(crate) struct Irq;

    // SAFETY: As for the kernel's spinlock. With interrupts disabled as well, the flags keep what
    // they were before.
    unsafe impl Backend for Irq {
        type State = bindings::spinlock_t;
        type GuardState = c_ulong;

        unsafe fn init(
            ptr: *mut Self::State,
            name: *const c_char,
            key: *mut bindings::lock_class_key,
        ) {
            // SAFETY: The safety requirements are the same.
            unsafe { SpinLockBackend::init(ptr, name, key) }
        }

        unsafe fn lock(ptr: *mut Self::State) -> c_ulong {
            // SAFETY: By the safety requirements it is initialised; it begins with the raw lock.
            unsafe { bindings::_raw_spin_lock_irqsave(ptr.cast()) }
        }

        unsafe fn try_lock(_ptr: *mut Self::State) -> Option<c_ulong> {
            None
        }

        unsafe fn unlock(ptr: *mut Self::State, flags: &c_ulong) {
            // SAFETY: By the safety requirements this is the lock's owner; as in `lock`.
            unsafe { bindings::_raw_spin_unlock_irqrestore(ptr.cast(), *flags) }
        }

        unsafe fn assert_is_held(ptr: *mut Self::State) {
            // SAFETY: The safety requirements are the same.
            unsafe { SpinLockBackend::assert_is_held(ptr) }
        }
    }

    macro_rules! new_spinlock_irq {
        ($inner:expr) => {
            ::kernel::sync::lock::Lock::<_, $crate::spin_lock_irq::Irq>::new(
                $inner,
                ::kernel::optional_name!(),
                ::kernel::static_lock_class!(),
            )
        };
    }
    pub(crate) use new_spinlock_irq;
}
