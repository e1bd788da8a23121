// SPDX-License-Identifier: GPL-2.0

//! A driver of somebody else: a thread that gives a worker something to do.

use kernel::{
    prelude::*,
    time::Delta, //
};
use kthread::{
    Task,
    Worker, //
};

module! {
    type: Downstream,
    name: "downstream",
    authors: ["The kthread authors"],
    description: "Imports the crate from outside its tree",
    license: "GPL",
}

struct Downstream {
    // The thread uses the worker's queue, so it is the first to go.
    _sampler: Task<()>,
    _worker: Worker,
}

impl kernel::Module for Downstream {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let worker = kthread::builder!("downstream/worker")?.worker()?;
        let queue = worker.queue();
        let sampler = kthread::run!("downstream/sampler", move |cx| {
            while cx.sleep(Delta::from_millis(100)).is_ok() {
                let report = queue.run(|_cx| pr_info!("sampled\n"));
                drop(report);
            }
        })?;
        Ok(Self {
            _sampler: sampler,
            _worker: worker,
        })
    }
}
