# SPDX-License-Identifier: GPL-2.0
"""Tests of loom.py, with a fake cargo."""

from pathlib import Path
import unittest

import support
import loom
from settings import Failure, Settings
from verdict import Check

SOURCE = "#[test]\nfn one() {}\n\n#[test]\nfn two() {\n}\n\nfn helper() {}\n"
GREEN = "running 2 tests\ntest mailbox::two ... ok\ntest mailbox::one ... ok\n"
RED = """\
running 2 tests
test mailbox::one ... ok
test mailbox::two ... FAILED

thread 'mailbox::two' panicked at mailbox.rs:113:13:
Causality violation
"""


class Run(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.fake("rustc", 'case "$1" in -vV) echo "rustc 1.95.0 (x)\nrelease: 1.95.0";; esac')
        self.write("tests/loom/mailbox.rs", SOURCE)
        self.settings = Settings.from_environ({"HOME": str(self.dir)}, self.dir)
        self.calls = self.dir / "calls"

    def fake_cargo(self, says: str, status: int = 0) -> None:
        said = self.write("said", says)
        self.fake("cargo", f'echo "$CARGO_HOME $*" >> {self.calls}; cat {said}; exit {status}')

    def run_loom(self) -> list[Check]:
        return loom.run(self.settings, self.step())

    def results(self) -> dict[str, bool]:
        return {check.name: check.passed for check in self.run_loom()}

    def test_green(self) -> None:
        self.fake_cargo(GREEN)
        self.assertEqual(self.run_loom(), [Check("loom", "one", True), Check("loom", "two", True)])

    def test_call(self) -> None:
        self.fake_cargo(GREEN)
        config = self.write(".cargo/config.toml")
        self.run_loom()
        folder = self.settings.cache / "loom/rustc-1.95.0"
        manifest = self.dir / "tests/loom/Cargo.toml"
        self.assertEqual(
            self.calls.read_text(),
            f"{folder}/cargo test --locked --manifest-path {manifest} "
            f"--target-dir {folder}/target --config {config}\n",
        )

    def test_each_time(self) -> None:
        self.fake_cargo(GREEN)
        self.run_loom()
        self.run_loom()
        self.assertEqual(len(self.calls.read_text().splitlines()), 2)

    def test_failed(self) -> None:
        self.fake_cargo(RED, status=101)
        (one, two) = self.run_loom()
        self.assertTrue(one.passed)
        self.assertFalse(two.passed)
        self.assertIn("failed: thread 'mailbox::two' panicked", two.reason)
        self.assertIn("Causality violation\nsee ", two.reason)

    def test_missing(self) -> None:
        self.fake_cargo(GREEN.replace("two", "three"))
        self.assertEqual(self.results(), {"one": True, "two": False})

    def test_ignored(self) -> None:
        self.fake_cargo(GREEN.replace("two ... ok", "two ... ignored"))
        self.assertEqual(self.results(), {"one": True, "two": False})

    def test_crash(self) -> None:
        # Such as a value that is dropped twice.
        self.fake_cargo(RED[: RED.index("test mailbox::two")], status=101)
        (_, two) = self.run_loom()
        self.assertIn("did not come to its end", two.reason)

    def test_does_not_compile(self) -> None:
        self.fake_cargo("error[E0425]: cannot find `x`\n --> ring.rs:3:1\n", status=101)
        (one, two) = self.run_loom()
        self.assertFalse(one.passed or two.passed)
        self.assertIn("cannot find `x`\n --> ring.rs:3:1\nsee ", one.reason)

    def test_no_tests(self) -> None:
        self.fake_cargo(GREEN)
        Path(self.dir / "tests/loom/mailbox.rs").write_text("")
        (check,) = self.run_loom()
        self.assertEqual((check.passed, check.reason), (False, "there are no tests"))

    def failure(self, says: str) -> str:
        self.fake_cargo(says, status=101)
        with self.assertRaises(Failure) as caught:
            self.run_loom()
        return str(caught.exception)

    def test_failures(self) -> None:
        self.assertIn("check the network", self.failure("error: failed to download `loom`"))
        self.assertIn("needs about", self.failure("No space left on device"))
        self.assertIn("failed with status 101", self.failure(""))

    def test_failed_test_that_speaks_of_the_network(self) -> None:
        self.fake_cargo(RED + "network error\n", status=101)
        self.assertEqual(self.results(), {"one": True, "two": False})

    def test_no_cargo(self) -> None:
        self.set_environ(PATH=str(self.bin), HOME=str(self.dir))
        with self.assertRaisesRegex(Failure, "cargo is not installed"):
            self.run_loom()


class Sources(unittest.TestCase):
    def test_crate_has_the_ring_of_the_kernel(self) -> None:
        root = (support.ROOT / "tests/loom/lib.rs").read_text(encoding="utf-8")
        self.assertIn('#[path = "../../src/mailbox/ring.rs"]', root)


if __name__ == "__main__":
    unittest.main()
