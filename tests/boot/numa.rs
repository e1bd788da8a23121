// SPDX-License-Identifier: GPL-2.0

//! Runs many threads on one node.

use kernel::{
    prelude::*,
    time::Delta, //
};
use kthread::Task;

#[path = "../shared/parameter.rs"]
mod parameter;

module! {
    type: Numa,
    name: "kthread_numa",
    authors: ["The kthread authors"],
    description: "Runs threads on a node",
    license: "GPL",
    params: {
        node: u32 {
            default: 0,
            description: "Which one",
        },
        threads: u32 {
            default: 1,
            description: "How many threads",
        },
    },
}

struct Numa {
    _threads: KVec<Task<()>>,
}

impl kernel::Module for Numa {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let node = parameter::value(&module_parameters::node);
        let mut threads = KVec::new();
        for number in 0..parameter::value(&module_parameters::threads) {
            let thread = kthread::builder!("numa/{}", number)?
                .node(node)
                .run(|cx| while cx.sleep(Delta::from_secs(3600)).is_ok() {})?;
            threads.push(thread, GFP_KERNEL)?;
        }
        Ok(Self { _threads: threads })
    }
}
