// SPDX-License-Identifier: GPL-2.0

//! A freezable thread that sleeps with a lock.

use kernel::{
    new_mutex,
    prelude::*,
    sync::Arc,
    time::Delta, //
};
use kthread::Task;

module! {
    type: CarriedLock,
    name: "kthread_carried_lock",
    authors: ["The kthread authors"],
    description: "Has a thread that is frozen with a lock",
    license: "GPL",
}

struct CarriedLock {
    _task: Task<()>,
}

impl kernel::Module for CarriedLock {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let lock = Arc::pin_init(new_mutex!(()), GFP_KERNEL)?;
        let task = kthread::builder!("carrier")?.freezable().run(move |cx| {
            let _guard = lock.lock();
            while cx.sleep(Delta::from_secs(3600)).is_ok() {}
        })?;
        Ok(Self { _task: task })
    }
}
