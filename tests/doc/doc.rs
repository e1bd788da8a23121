// SPDX-License-Identifier: GPL-2.0

//! The examples of the crate's documentation. They run when the module is loaded.

use kernel::prelude::*;

include!(env!("KTHREAD_EXAMPLES"));

module! {
    type: Doc,
    name: "kthread_doc",
    authors: ["The kthread authors"],
    description: "Examples of the kthread crate, as KUnit cases",
    license: "GPL",
}

struct Doc;

impl kernel::Module for Doc {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}
