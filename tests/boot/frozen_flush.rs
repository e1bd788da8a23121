// SPDX-License-Identifier: GPL-2.0

//! A freezable thread that waits for the items of a freezable worker.

use kernel::{
    prelude::*,
    time::Delta, //
};
use kthread::{
    Task,
    Worker, //
};

#[path = "../shared/parameter.rs"]
mod parameter;

module! {
    type: Freeze,
    name: "kthread_frozen_flush",
    authors: ["The kthread authors"],
    description: "A freezable thread that waits for the items of a freezable worker",
    license: "GPL",
    params: {
        jobs: u8 {
            default: 0,
            description: "Whether to wait for jobs, and not to flush",
        },
    },
}

struct Freeze {
    _task: Task<()>,
    _worker: Worker,
}

impl kernel::Module for Freeze {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let jobs = parameter::value(&module_parameters::jobs) != 0;
        let worker = kthread::builder!("freeze/worker")?.freezable().worker()?;
        let queue = worker.queue();
        let task = kthread::builder!("freeze/flusher")?
            .freezable()
            .run(move |cx| {
                while !cx.should_stop() {
                    let Ok(job) = queue.run(|cx| {
                        let _ = cx.sleep(Delta::from_millis(50));
                    }) else {
                        break;
                    };
                    if jobs {
                        let _ = job.wait();
                    } else {
                        let _ = queue.flush();
                    }
                    cx.park_point();
                }
            })?;
        Ok(Self {
            _task: task,
            _worker: worker,
        })
    }
}
