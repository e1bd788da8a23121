// SPDX-License-Identifier: GPL-2.0

//! A KUnit suite with a case that fails: `make test` proves with it that it sees failures.

use kernel::prelude::*;

module! {
    type: Failing,
    name: "kthread_failing",
    authors: ["The kthread authors"],
    description: "KUnit suite that fails, to prove that the test harness notices",
    license: "GPL",
}

struct Failing;

impl kernel::Module for Failing {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        Ok(Self)
    }
}

#[kunit_tests(kthread_failing)]
mod tests {
    #[test]
    fn passes() {
        assert_eq!(1 + 1, 2);
    }

    #[test]
    fn fails() {
        assert_eq!(1 + 1, 3);
    }
}
