// SPDX-License-Identifier: GPL-2.0

//! Leaks a thread that runs its code in the name of somebody else.

use core::ptr;
use kernel::{
    prelude::*,
    time::Delta, //
};
use kthread::{
    __private::this_module_needs_the_kthread_that_it_was_built_with as plan_for,
    LockClass,
    Owner, //
};

module! {
    type: ForeignClosure,
    name: "kthread_foreign_closure",
    authors: ["The kthread authors"],
    description: "Leaks a thread in the name of somebody else",
    license: "GPL",
}

struct ForeignClosure;

/// What code that is built into the kernel has as its module.
// SAFETY: Null stands for the kernel.
static KERNEL: ThisModule = unsafe { ThisModule::from_ptr(ptr::null_mut()) };

impl kernel::Module for ForeignClosure {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        // As a library does whose generic function makes the thread: it is compiled here, and names
        // the library as owner.
        //
        // SAFETY: The kernel is there for longer than the thread.
        let owner = unsafe { Owner::new(&KERNEL) };
        let class = LockClass::new(c"foreign", kernel::static_lock_class!());
        let task = plan_for(owner, class, fmt!("foreign"))?
            .create(|cx| while cx.sleep(Delta::from_secs(3600)).is_ok() {})?
            .start_and_wait();
        core::mem::forget(task);
        Ok(Self)
    }
}
