// SPDX-License-Identifier: GPL-2.0

//! Leaks threads in its init function, which then succeeds or fails.

use kernel::{
    new_mutex,
    prelude::*,
    sync::Arc,
    time::Delta, //
};
use kthread::{
    Stopped,
    Task, //
};

module! {
    type: ForgottenHandle,
    name: "kthread_forgotten_handle",
    authors: ["The kthread authors"],
    description: "Forgets the handles of its threads",
    license: "GPL",
    params: {
        fail: bool {
            default: false,
            description: "Fail the init function",
        },
    },
}

struct ForgottenHandle;

impl kernel::Module for ForgottenHandle {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        for i in 0..3 {
            // Owns memory, so that a leak would be seen.
            let boxed = KBox::new([i; 64], GFP_KERNEL)?;
            core::mem::forget(kthread::run!("forgotten/{}", i, move |cx| {
                let stopped: Result<(), Stopped> = loop {
                    if let Err(stopped) = cx.sleep(Delta::from_millis(1)) {
                        break Err(stopped);
                    }
                };
                (boxed, stopped)
            })?);
        }
        // Threads that own their own handles. Some are stopped before they run: their closures are
        // dropped by whoever joins them, and with the closures the handles.
        for i in 0..10 {
            let slot = Arc::pin_init(new_mutex!(None::<Task<()>>), GFP_KERNEL)?;
            let task = kthread::run!("cycle/{}", i, {
                let slot = slot.clone();
                move |_cx| drop(slot)
            })?;
            task.request_stop();
            *slot.lock() = Some(task);
        }
        if module_parameters::fail.value() {
            return Err(EBUSY);
        }
        Ok(Self)
    }
}
