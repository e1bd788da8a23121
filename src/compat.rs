// SPDX-License-Identifier: GPL-2.0

//! What the crate uses of Linux 7.3, with stand-ins on Linux 7.2.
//!
//! `src/Kbuild` sets `linux_7_2`. Without that kernel there is no need for this file.

pub use self::api::*;

#[cfg(not(linux_7_2))]
mod api {
    use kernel::time::Delta;

    pub(crate) use ::pin_init::raw_init;
    pub use kernel::error::code::{
        EDEADLK,
        ESHUTDOWN, //
    };

    #[inline]
    pub(crate) fn as_millis_ceil(delta: Delta) -> i64 {
        delta.as_millis_ceil()
    }

    #[doc(hidden)]
    #[expect(
        clippy::crate_in_macro_def,
        reason = "the caller's module is what is wanted"
    )]
    #[macro_export]
    macro_rules! __this_module {
        () => {
            ::kernel::module::this_module::<crate::LocalModule>()
        };
    }
}

#[cfg(linux_7_2)]
mod api {
    use kernel::{
        bindings,
        prelude::*,
        time::Delta, //
    };

    #[doc(hidden)]
    pub const EDEADLK: Error = error(bindings::EDEADLK);
    #[doc(hidden)]
    pub const ESHUTDOWN: Error = error(bindings::ESHUTDOWN);

    const fn error(errno: u32) -> Error {
        // CAST: The numbers of errors are small.
        let errno = -(errno as c_int);
        // SAFETY: An `Error` is such a number and nothing else.
        unsafe { core::mem::transmute::<c_int, Error>(errno) }
    }

    /// # Safety
    ///
    /// `slot` must be valid for writes, and what is in it must not move until it is dropped.
    pub(crate) unsafe fn raw_init<T>(slot: *mut T, init: impl PinInit<T>) {
        // SAFETY: By the safety requirements; there is no error after which `slot` could be used.
        match unsafe { init.__pinned_init(slot) } {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }

    #[inline]
    pub(crate) fn as_millis_ceil(delta: Delta) -> i64 {
        match delta.as_millis() {
            millis if Delta::from_millis(millis) < delta => millis + 1,
            millis => millis,
        }
    }

    #[doc(hidden)]
    #[expect(
        clippy::crate_in_macro_def,
        reason = "the caller's module is what is wanted"
    )]
    #[macro_export]
    macro_rules! __this_module {
        () => {
            &crate::THIS_MODULE
        };
    }
}
