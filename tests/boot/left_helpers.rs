// SPDX-License-Identifier: GPL-2.0

//! Leaves helpers behind in its init function, which then succeeds or fails: one that nobody waits
//! for, one that a forgotten thread waits for, and the file of one that was never chosen.

use core::mem::forget;
use kernel::prelude::*;
use kthread::Command;

#[path = "../shared/parameter.rs"]
mod parameter;

module! {
    type: LeftHelpers,
    name: "kthread_left_helpers",
    authors: ["The kthread authors"],
    description: "Leaves helpers behind",
    license: "GPL",
    params: {
        fail: u8 {
            default: 0,
            description: "Fail the init function",
        },
    },
}

struct LeftHelpers;

impl kernel::Module for LeftHelpers {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        forget(kthread::helper!("left_helper")?);
        let shell = || Command::new(c"/bin/sh")?.arg(c"-c");
        shell()?
            .arg(c"until [ -e /tmp/left.go ]; do sleep 0.1; done; cat $FILE >/tmp/left.spawned")?
            .env(c"FILE", c"/proc/modules")?
            .spawn();
        let waited = shell()?.arg(c"echo $$ >/tmp/left.waited; exec sleep 3605")?;
        forget(kthread::run!("left_helpers", move |cx| waited.status(&cx))?);
        // One that may not even have begun when the module leaves.
        Command::new(c"/bin/true")?.spawn();
        if parameter::value(&module_parameters::fail) != 0 {
            return Err(EBUSY);
        }
        Ok(Self)
    }
}
