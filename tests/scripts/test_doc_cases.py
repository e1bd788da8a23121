# SPDX-License-Identifier: GPL-2.0
"""Tests of doc_cases.py, with a fake rustdoc."""

import contextlib
import io
import os
import re
import unittest

import support
import doc_cases
from suites import expected_cases

FALLIBLE = """\
#![allow(unused)]
#[allow(unused_extern_crates)]
extern crate r#kthread;
fn main() { #[allow(non_snake_case)] fn _doctest_main_src_task_rs_58_0() -> %s {
use kthread::Task;

let task = Task::new()?;
Ok::<(), Error>(())
} _doctest_main_src_task_rs_58_0().unwrap() }"""
OLD, NEW = (
    FALLIBLE % f"{path}Result<(), impl core::fmt::Debug>" for path in ("", "core::result::")
)
PLAIN = """\
#![allow(unused)]
fn main() { #[allow(non_snake_case)] fn _doctest_main_src_task_wait_queue_rs_7_0() {
fn inner() {
}
assert!(true);
} _doctest_main_src_task_wait_queue_rs_7_0() }"""
# Hands two examples to the test builder, as rustdoc does.
RUSTDOC = """\
echo "$*" >> {calls}
for word; do case $word in --test-builder=*) builder=${{word#*=}};; esac; done
echo one | $builder --edition 2021 - && echo two | $builder --edition 2021 -
echo "test result: ok"
"""


class Suite(support.Sandbox):
    def cases(self, *programs: str) -> list[str]:
        source = self.write("suite.rs", "".join(doc_cases.suite(programs)))
        return list(expected_cases([source]))

    def test_example(self) -> None:
        for program in (OLD, NEW):
            text = "".join(doc_cases.suite([program]))
            self.assertIn("    #[test]\n    fn task_58() -> Result {\nuse kthread::Task;\n", text)
            self.assertIn("\nOk::<(), Error>(())\n    }\n}\n", text)
            self.assertNotIn("_doctest", text)
            self.assertNotIn("main", text)

    def test_path_that_is_not_made_shorter(self) -> None:
        program = NEW.replace("_main_src_", "_main__home_me_src_kthread_src_")
        self.assertEqual(self.cases(program), ["kthread_doc.task_58"])

    def test_example_without_a_result(self) -> None:
        text = "".join(doc_cases.suite([PLAIN]))
        body = "fn inner() {\n}\nassert!(true);\n"
        self.assertIn(f"    fn task_wait_queue_7() {{\n{body}    }}\n", text)

    def test_order_is_that_of_the_sources(self) -> None:
        early, late = (NEW.replace("_58_", f"_{line}_") for line in (9, 100))
        self.assertEqual(
            self.cases(PLAIN, late, NEW, early),
            [f"kthread_doc.task_{name}" for name in ("9", "58", "100", "wait_queue_7")],
        )

    def test_page_may_fail_without_saying_so(self) -> None:
        for page, name in (("README", "readme"), ("_home_me_kthread_docs_guide", "guide")):
            program = PLAIN.replace("_main_src_task_wait_queue_rs", f"_main_{page}_md")
            text = "".join(doc_cases.suite([program]))
            self.assertIn(f"    fn {name}_7() -> Result {{\n", text)
            self.assertIn("\nassert!(true);\nOk(())\n    }\n", text)

    def test_unknown_program(self) -> None:
        for program in ("", "fn main() { }", NEW.replace("_58_0", "_58_1"), NEW[:-70]):
            with self.assertRaises(doc_cases.NoExample):
                self.cases(program)


class Main(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.calls = self.write("calls")
        self.output = self.dir / "examples.rs"

    def run_main(self, *rustdoc: str) -> tuple[int, str]:
        screen = io.StringIO()
        with contextlib.redirect_stderr(screen):
            status = doc_cases.main(str(self.output), *rustdoc, "--", "a.rs", "b.md")
        return status, screen.getvalue()

    def test_each_example_is_kept(self) -> None:
        self.fake("rustdoc", RUSTDOC.format(calls=self.calls))
        found = doc_cases.extract(["rustdoc", "--cfg", "X"], ["a.rs", "b.md"])
        self.assertEqual(sorted(found), ["one\n", "one\n", "two\n", "two\n"])
        for call, source in zip(self.calls.read_text().splitlines(), ("a.rs", "b.md"), strict=True):
            options = "--cfg X --test --no-run -Zunstable-options --test-builder=/.*"
            self.assertRegex(call, f"^{options} {source}$")

    def test_suite_is_written(self) -> None:
        example = self.write("example", NEW)
        script = RUSTDOC.format(calls=self.calls).replace("echo one", f"cat {example}")
        self.fake("rustdoc", script.replace("&& echo two | $builder --edition 2021 -", ""))
        self.assertEqual(self.run_main("rustdoc"), (0, ""))
        self.assertIn("fn task_58()", self.output.read_text())

    def test_nothing_is_left_behind(self) -> None:
        self.set_environ(PATH=os.environ["PATH"], TMPDIR=str(self.dir / "bin"))
        self.test_suite_is_written()
        self.assertEqual([path.name for path in self.bin.iterdir()], ["rustdoc"])

    def test_rustdoc_that_fails(self) -> None:
        self.fake("rustdoc", "exit 3")
        self.assertEqual(self.run_main("rustdoc"), (3, ""))
        self.assertFalse(self.output.exists())

    def test_no_rustdoc(self) -> None:
        status, said = self.run_main("rustdoc-of-nobody")
        self.assertEqual(status, 1)
        self.assertIn("error: rustdoc-of-nobody is missing", said)

    def test_example_that_is_not_understood(self) -> None:
        self.fake("rustdoc", RUSTDOC.format(calls=self.calls))
        status, said = self.run_main("rustdoc")
        self.assertEqual(status, 1)
        self.assertIn("in an unknown way", said)
        self.assertFalse(self.output.exists())


class Sources(unittest.TestCase):
    def test_builder_can_be_run(self) -> None:
        self.assertTrue(os.access(doc_cases.KEEP, os.X_OK))

    def test_suite_has_the_name_that_is_expected(self) -> None:
        text = "".join(doc_cases.suite([]))
        self.assertEqual(re.findall(r"kunit_tests\((\w+)\)", text), ["kthread_doc"])


if __name__ == "__main__":
    unittest.main()
