// SPDX-License-Identifier: GPL-2.0

//! The module that a thread belongs to.

use crate::bindings;
use core::ops::Range;
use kernel::prelude::*;

/// The module whose code a thread runs.
///
/// The macros of this crate, such as [`run!`](crate::run), make one for the module that they are
/// used in. It is what lets the registry find the threads of a module that is being unloaded.
///
/// Cannot be sent to other tasks, and so cannot be left where another module would find it.
///
/// # Examples
///
/// See [`run!`](crate::run).
#[derive(Clone)]
pub struct Owner(*mut bindings::module);

impl Owner {
    /// Creates the owner from a module's `THIS_MODULE`.
    ///
    /// # Safety
    ///
    /// `module` must be the module that calls this function: the code and the data of what is made
    /// in its name may live no longer than that module.
    #[doc(hidden)]
    pub const unsafe fn new(module: &'static ThisModule) -> Self {
        Self(module.as_ptr())
    }

    pub(crate) fn as_ptr(&self) -> *mut bindings::module {
        self.0
    }

    /// Where its code is. It must still be there. Empty for the kernel itself.
    pub(crate) fn code(&self) -> Range<usize> {
        if self.0.is_null() {
            return 0..0;
        }
        let (mut start, mut size) = (0, 0);
        // SAFETY: The module is still there, and both are valid for writes.
        unsafe { bindings::module_text(self.0, &mut start, &mut size) };
        start..start + size
    }

    /// Says whether this is `module`.
    pub(crate) fn is(&self, module: *const bindings::module) -> bool {
        core::ptr::eq(self.0, module)
    }

    /// Keeps the module from being unloaded. It must still be there.
    ///
    /// # Errors
    ///
    /// [`ENODEV`] if it is being unloaded already.
    pub(crate) fn pin(&self) -> Result {
        // SAFETY: The module is still there.
        if unsafe { bindings::try_module_get(self.0) } {
            Ok(())
        } else {
            Err(ENODEV)
        }
    }

    /// Takes back a [`pin`](Self::pin). The module must still be there: if its init function fails
    /// it goes in spite of the pin.
    pub(crate) fn unpin(&self) {
        // SAFETY: The module is still there, with the reference of the pin.
        unsafe { bindings::module_put(self.0) };
    }
}

/// The [`Owner`] for the module that this macro is used in.
#[doc(hidden)]
#[macro_export]
macro_rules! __owner {
    () => {{
        // SAFETY: `crate` is the crate that uses this macro, hence the calling module.
        unsafe { $crate::Owner::new($crate::__this_module!()) }
    }};
}
