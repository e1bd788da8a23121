// SPDX-License-Identifier: GPL-2.0

//! What threads cost: to be made, stopped, joined and parked.

use crate::measure::measure;
use kernel::{
    bindings,
    prelude::*,
    sync::Arc,
    time::Delta, //
};
use kthread::{
    new_event,
    Current,
    Stopped, //
};

const COUNT: usize = 10;

/// What a thread does that waits until it is stopped, and parks when it is asked to.
fn wait_for_stop(cx: &Current<'_>) -> Result<(), Stopped> {
    cx.sleep(Delta::from_nanos(i64::MAX))
}

pub(crate) fn measure_all() -> Result {
    let began = Arc::pin_init(new_event!("began"), GFP_KERNEL)?;
    let begin = || {
        let began = began.clone();
        move |cx: Current<'_>| {
            began.raise();
            wait_for_stop(&cx)
        }
    };

    measure("create_stop", COUNT, || {
        for _ in 0..COUNT {
            let _ = kthread::run!("short", |cx| wait_for_stop(&cx))?.stop()?;
        }
        Ok(())
    })?;
    measure("create_run_stop", COUNT, || {
        for _ in 0..COUNT {
            let task = kthread::run!("short", begin())?;
            began.wait();
            let _ = task.stop()?;
        }
        Ok(())
    })?;
    measure("create_join", COUNT, || {
        for _ in 0..COUNT {
            let _ = kthread::run!("short", |_cx| 7)?.join()?;
        }
        Ok(())
    })?;

    let task = kthread::run!("parked", begin())?;
    began.wait();
    measure("park_unpark", COUNT, || {
        for _ in 0..COUNT {
            drop(task.park()?);
            // SAFETY: A thread may let others run.
            unsafe { bindings::yield_() };
        }
        Ok(())
    })
}
