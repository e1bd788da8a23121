// SPDX-License-Identifier: GPL-2.0

//! Drops the handle of a thread under a spinlock.

use kernel::{
    prelude::*,
    sync::new_spinlock,
    time::{
        delay::fsleep,
        Delta, //
    },
};

module! {
    type: DropUnderSpinlock,
    name: "kthread_drop_under_spinlock",
    authors: ["The kthread authors"],
    description: "Drops a handle where it may not be dropped",
    license: "GPL",
}

struct DropUnderSpinlock;

impl kernel::Module for DropUnderSpinlock {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let lock = KBox::pin_init(new_spinlock!(()), GFP_KERNEL)?;
        let task = kthread::run!("ended", |_cx| ())?;
        // The thread has to be gone, so that the drop finds nothing to sleep for.
        while !task.is_finished() {
            fsleep(Delta::from_millis(1));
        }
        fsleep(Delta::from_millis(100));
        let guard = lock.lock();
        drop(task);
        drop(guard);
        Ok(Self)
    }
}
