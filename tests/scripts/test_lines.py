# SPDX-License-Identifier: GPL-2.0
"""Tests of lines.py."""

import unittest

import support
import lines

RUST = """// SPDX-License-Identifier: GPL-2.0

//! Polls.

use kernel::{
    prelude::*,
    time::Delta, //
};
mod edu;

module! {
    type: Poller,
    params: {
        period_ms: u32 {
            default: 1000,
        },
    },
}

/// The body.
fn poll() {
    // Why.
    work(); // how
}
"""
C = """// SPDX-License-Identifier: GPL-2.0
/*
 * Polls.
 */

#define NAME "poller"
#include <linux/kthread.h>

static int period;
module_param(period, int, 0);
MODULE_PARM_DESC(period,
		 "(in seconds)");

static int poll(void *unused)
{
	return 0; /* always */
}
EXPORT_SYMBOL_GPL(poll);
MODULE_LICENSE("GPL");
"""


class Lines(support.Sandbox):
    def test_rust(self) -> None:
        self.assertEqual(lines.lines(RUST), 3)
        self.assertEqual(lines.lines("kernel::module_pci_driver! {\n    type: X,\n}\nx\n"), 1)

    def test_c(self) -> None:
        self.assertEqual(lines.lines(C), 6)

    def test_table(self) -> None:
        self.write("samples/poller.rs", RUST)
        self.write("tests/twins/poller.c", C)
        self.write("samples/edu.rs", RUST)
        self.assertEqual(lines.table(self.dir).splitlines()[2:], ["| poller | 3 | 6 | -50% |"])


class Samples(unittest.TestCase):
    def test_the_table_is_true(self) -> None:
        page = (support.ROOT / "samples/README.md").read_text()
        self.assertIn(lines.table(support.ROOT), page)

    def test_each_is_shorter_than_its_twin(self) -> None:
        for row in lines.table(support.ROOT).splitlines()[2:]:
            name, in_rust, in_c, _ = row.strip("| ").split(" | ")
            with self.subTest(name):
                self.assertLess(int(in_rust), int(in_c))


if __name__ == "__main__":
    unittest.main()
