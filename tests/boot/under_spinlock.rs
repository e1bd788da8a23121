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
use kthread::new_wait_queue;

#[path = "../shared/parameter.rs"]
mod parameter;

module! {
    type: UnderSpinlock,
    name: "kthread_under_spinlock",
    authors: ["The kthread authors"],
    description: "Does under a spinlock what may sleep",
    license: "GPL",
    params: {
        wait: u8 {
            default: 0,
            description: "Whether to wait for something, instead of dropping a handle",
        },
    },
}

struct UnderSpinlock;

impl kernel::Module for UnderSpinlock {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let lock = KBox::pin_init(new_spinlock!(()), GFP_KERNEL)?;
        if parameter::value(&module_parameters::wait) != 0 {
            let queue = KBox::pin_init(new_wait_queue!(), GFP_KERNEL)?;
            let _guard = lock.lock();
            queue.wait(|| true);
            return Ok(Self);
        }
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
