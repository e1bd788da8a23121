// SPDX-License-Identifier: GPL-2.0

//! Drops the handle of a thread under a spinlock.

use kernel::{
    new_spinlock,
    prelude::*,
    sync::SpinLock,
    time::{
        delay::fsleep,
        Delta, //
    },
};
use kthread::{
    new_wait_queue,
    Command, //
};

#[path = "../shared/parameter.rs"]
mod parameter;

module! {
    type: UnderSpinlock,
    name: "kthread_under_spinlock",
    authors: ["The kthread authors"],
    description: "Does under a spinlock what may sleep",
    license: "GPL",
    params: {
        what: u8 {
            default: 0,
            description: "0: drop a handle, 1: wait for something, 2: run a helper",
        },
    },
}

struct UnderSpinlock;

impl kernel::Module for UnderSpinlock {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let lock = KBox::pin_init(new_spinlock!(()), GFP_KERNEL)?;
        match parameter::value(&module_parameters::what) {
            0 => drop_handle(&lock)?,
            1 => {
                let queue = KBox::pin_init(new_wait_queue!(), GFP_KERNEL)?;
                let _guard = lock.lock();
                queue.wait(|| true);
            }
            _ => {
                let command = Command::new(c"/bin/true")?;
                let _ = kthread::run!("calling", move |cx| {
                    // So that it does not come to a wait.
                    cx.stop_token().request_stop();
                    let _guard = lock.lock();
                    command.status(&cx).map(drop)
                })?
                .join()?;
            }
        }
        Ok(Self)
    }
}

fn drop_handle(lock: &SpinLock<()>) -> Result {
    let task = kthread::run!("ended", |_cx| ())?;
    // The thread has to be gone, so that the drop finds nothing to sleep for.
    while !task.is_finished() {
        fsleep(Delta::from_millis(1));
    }
    fsleep(Delta::from_millis(100));
    let guard = lock.lock();
    drop(task);
    drop(guard);
    Ok(())
}
