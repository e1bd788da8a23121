# SPDX-License-Identifier: GPL-2.0
"""Tests of compile_fail.py, with a fake compiler."""

import unittest

import support
import compile_fail
from kernel_build import Kernel
from settings import Failure, Settings
from verdict import Check

SAVED = """\
savedcmd_samples/poller.o := OBJTREE=/k rustc -Zcrate-attr='feature(a, b)' -L ./src \
--out-dir samples/ --emit=obj=samples/poller.o /r/samples/poller.rs ; objtool samples/poller.o

source_samples/poller.o := /r/samples/poller.rs
"""
CASE = """\
// SPDX-License-Identifier: GPL-2.0

//! H1: what is wrong with it.
// error[E0277]: cannot be sent
"""
STATED = """\
error[E0277]: `*mut u8` cannot be sent between threads
 --> case.rs:9:1
"""
SUMMARY = """\
error: aborting due to 1 previous error

For more information about this error, try `rustc --explain E0277`.
"""
WARNING = """\
warning: unused variable: `x`
 --> case.rs:7:1
"""
RUSTC = """\
echo "$PWD $OBJTREE $RUSTC_BOOTSTRAP $MARK $*" >> {calls}
case "$*" in
*"--cfg misuse"*) cat {misuse} >&2; exit {misuse_status};;
*) cat {twin} >&2; exit {twin_status};;
esac
"""


class Run(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.settings = Settings.from_environ({"HOME": "/h"}, self.dir)
        self.kernel = Kernel(self.dir, None, self.dir, "7.3", "key", {"MARK": "mark"})
        self.output = self.settings.build / "compile-fail"
        self.objects = self.settings.build / "objects"
        self.saved = self.write(str(self.objects / "samples/.poller.o.cmd"), SAVED)
        self.case = self.write("tests/compile-fail/some_case.rs", CASE)
        self.write("tests/compile-fail/common/module.rs")
        self.calls = self.write("calls")
        self.fake_rustc()

    def fake_rustc(self, misuse: str = STATED + SUMMARY, twin: str = "", **status: int) -> None:
        texts = {"misuse": self.write("misuse", misuse), "twin": self.write("twin", twin)}
        status = {"misuse_status": 1, "twin_status": 0, **status}
        self.fake("rustc", RUSTC.format(calls=self.calls, **texts, **status))

    def checks(self) -> list[Check]:
        return compile_fail.run(self.settings, self.kernel, self.step())

    def reason(self) -> str:
        (check,) = self.checks()
        self.assertEqual((check.group, check.passed), ("must not compile", False))
        return check.reason

    def assert_passes(self) -> None:
        self.assertEqual(self.checks(), [Check("must not compile", "some_case", True)])

    def test_refused_as_stated(self) -> None:
        self.assert_passes()

    def test_calls(self) -> None:
        self.checks()
        start = f"{self.objects} /k 1 mark -Zcrate-attr=feature(a, b) -L ./src "
        end = f"--emit=obj={self.output}/some_case.%s.o {self.case}\n"
        self.assertEqual(
            self.calls.read_text(),
            start + "--cfg misuse " + end % "misuse" + start + end % "twin",
        )

    def test_warning_beside_the_error(self) -> None:
        self.fake_rustc(WARNING + STATED + SUMMARY)
        self.assert_passes()

    def test_error_without_a_code(self) -> None:
        self.case.write_text("// error: may not live\n")
        self.fake_rustc("error: lifetime may not live long enough\n" + SUMMARY)
        self.assert_passes()
        self.fake_rustc("error[E0521]: lifetime may not live long enough\n" + SUMMARY)
        self.assertIn("refused, but not (only) for 'error: may not live'", self.reason())

    def test_misuse_compiles(self) -> None:
        self.fake_rustc(WARNING, misuse_status=0)
        self.assertEqual(self.reason(), "the misuse compiles")

    def test_wrong_code(self) -> None:
        self.fake_rustc("error[E0308]: this cannot be sent\n" + SUMMARY)
        self.assertEqual(
            self.reason(),
            "the misuse was refused, but not (only) for 'error[E0277]: cannot be sent':\n"
            "error[E0308]: this cannot be sent\n"
            f"see {self.output}/some_case.misuse.log",
        )

    def test_right_code_for_another_reason(self) -> None:
        self.fake_rustc("error[E0277]: `u8` is not an iterator\n" + SUMMARY)
        self.assertIn("error[E0277]: `u8` is not an iterator", self.reason())

    def test_another_error_beside_the_stated_one(self) -> None:
        self.fake_rustc(STATED + "\nerror[E0425]: cannot find `x`\n" + STATED + SUMMARY)
        reason = self.reason()
        self.assertIn("error[E0425]: cannot find `x`", reason)
        self.assertNotIn("*mut u8", reason)

    def test_compiler_that_dies_without_an_error(self) -> None:
        self.fake_rustc("Segmentation fault\n", misuse_status=139)
        self.assertIn("Segmentation fault", self.reason())

    def test_compiler_that_says_nothing(self) -> None:
        self.fake_rustc("")
        self.assertIn("env failed with status 1", self.reason())

    def test_compiler_that_is_missing(self) -> None:
        (self.bin / "rustc").unlink()
        self.saved.write_text(SAVED.replace(" rustc ", " no-such-rustc "))
        self.assertIn("no-such-rustc", self.reason())

    def test_same_error_without_the_misuse(self) -> None:
        # So it is elsewhere than on the lines under #[cfg(misuse)].
        self.fake_rustc(twin=STATED + SUMMARY, twin_status=1)
        reason = self.reason()
        self.assertTrue(reason.startswith("without the misuse, it must compile"), reason)
        self.assertTrue(reason.endswith(f"see {self.output}/some_case.twin.log"), reason)

    def test_warning_without_the_misuse(self) -> None:
        self.fake_rustc(twin=WARNING)
        self.assertIn("unused variable", self.reason())

    def test_a_flood_of_errors_is_cut(self) -> None:
        self.fake_rustc("error: oh\n" * 1000)
        self.assertLess(self.reason().count("\n"), 20)

    def test_case_without_a_stated_error(self) -> None:
        self.case.write_text("//! What is wrong with it.\n// error: \n// E0277\n")
        self.assertIn("states 0 errors", self.reason())
        self.assertEqual(self.calls.read_text(), "")

    def test_case_with_two_stated_errors(self) -> None:
        self.case.write_text(CASE + "// error: other\n")
        self.assertIn("states 2 errors", self.reason())

    def test_each_case_counts(self) -> None:
        self.write("tests/compile-fail/another.rs", "nothing stated")
        self.assertEqual(
            [(check.name, check.passed) for check in self.checks()],
            [("another", False), ("some_case", True)],
        )

    def test_no_cases(self) -> None:
        self.case.unlink()
        self.assertEqual(self.reason(), "there are no cases")

    def test_results_of_an_earlier_run_are_gone(self) -> None:
        old = self.write(str(self.output / "gone.misuse.log"))
        self.checks()
        self.assertFalse(old.exists())

    def test_sample_that_is_gone(self) -> None:
        self.saved.unlink()
        with self.assertRaisesRegex(Failure, "poller.o.cmd is missing"):
            self.checks()


if __name__ == "__main__":
    unittest.main()
