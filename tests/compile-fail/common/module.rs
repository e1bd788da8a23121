// SPDX-License-Identifier: GPL-2.0

// What makes a module of a case. A case includes this file, and defines `case()`.

use kernel::prelude::*;

module! {
    type: Case,
    name: "kthread_case",
    authors: ["The kthread authors"],
    description: "Must not compile, and is never loaded",
    license: "GPL",
}

struct Case;

impl kernel::Module for Case {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        case()?;
        Ok(Self)
    }
}
