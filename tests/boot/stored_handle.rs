// SPDX-License-Identifier: GPL-2.0

//! Has room for the handle of another module's thread, and looks at it without owning it.

use core::mem::ManuallyDrop;
use kernel::{
    prelude::*,
    sync::SetOnce, //
};
use kthread::Task;

module! {
    type: StoredHandle,
    name: "kthread_stored_handle",
    authors: ["The kthread authors"],
    description: "Keeps a handle that it never drops",
    license: "GPL",
}

struct StoredHandle;

/// A handle that is never dropped: the code that drops one is not in this module.
static STORED: SetOnce<ManuallyDrop<Task<()>>> = SetOnce::new();

impl kernel::Module for StoredHandle {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}

impl Drop for StoredHandle {
    fn drop(&mut self) {
        if let Some(task) = STORED.as_ref() {
            pr_info!("thread {}\n", task.pid());
        }
    }
}
