# SPDX-License-Identifier: GPL-2.0
"""Tests of ktap.py; the harness proofs run the kernel's own kunit.py, these a stand-in."""

import json
import unittest
from pathlib import Path
from typing import Any

import support
import ktap
from kernel_build import Kernel
from ktap import Result
from settings import Failure

LOG = """\
Linux version 7.3.4
KTAP version 1
1..1
    KTAP version 1
    # Subtest: kernel
    1..1
    ok 1 own
ok 1 kernel
kthread_kunit: loading out-of-tree module taints kernel.
KTAP version 1
1..1
    KTAP version 1
    # Subtest: task
    1..3
    # good.speed: normal
    ok 1 good
    # bad: ASSERTION FAILED at task.rs:7
    Expected x == 3
    # bad.speed: normal
    not ok 2 bad
    ok 3 other # SKIP not here
not ok 1 task
rmmod""".split("\n")

TOOL = """\
import pathlib, sys
here = pathlib.Path(__file__).parent
number = len(list(here.glob("input*")))
(here / f"input{number}").write_text(sys.stdin.read())
assert sys.argv[1] == "parse" and sys.argv[2].startswith("--json=")
report = here / f"report{number}"
print("[12:00:00] [ERROR] Test: main: missing expected subtest!")
if report.exists():
    pathlib.Path(sys.argv[2].removeprefix("--json=")).write_text(report.read_text())
sys.exit(1)
"""


def report(groups: dict[str, dict[str, str]], **counts: int) -> dict[str, Any]:
    """What kunit.py writes."""
    statuses = [status for cases in groups.values() for status in cases.values()]
    misc = {
        "errors": 0,
        "failed": statuses.count("FAIL"),
        "crashed": statuses.count("ERROR"),
        **counts,
    }
    subgroups = [
        {
            "name": name,
            "sub_groups": [],
            "test_cases": [{"name": case, "status": status} for case, status in cases.items()],
        }
        for name, cases in groups.items()
        if name
    ]
    top = [{"name": case, "status": status} for case, status in groups.get("", {}).items()]
    return {"name": "main", "sub_groups": subgroups, "test_cases": top, "misc": misc}


class Documents(unittest.TestCase):
    def test_each_of_them(self) -> None:
        first, second = ktap.documents(LOG)
        self.assertEqual(first, LOG[1:9])
        self.assertEqual(second, LOG[9:])

    def test_none(self) -> None:
        self.assertEqual(list(ktap.documents(["    KTAP version 1", "x"])), [])

    def test_kernel_without_suites(self) -> None:
        log = ["KTAP version 1", "Freeing memory", "1..0", "Run /init", *LOG[9:]]
        self.assertEqual(list(ktap.documents(log)), [LOG[9:]])


class Parse(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.tool = self.write(f"source/{ktap.TOOL}", TOOL)
        self.kernel = self.kernel_with(self.dir / "source")

    def kernel_with(self, source: Path | None) -> Kernel:
        return Kernel(self.dir / "build", source, self.dir / "vmlinux", "7.3.4", "key")

    def parse(self, log: list[str], *reports: dict[str, Any]) -> list[Result]:
        for number, content in enumerate(reports):
            self.tool.with_name(f"report{number}").write_text(json.dumps(content))
        return ktap.parse(log, self.kernel)

    def test_all_documents_count(self) -> None:
        results = self.parse(
            LOG,
            report({"kernel": {"own": "PASS"}}),
            report({"task": {"good": "PASS", "bad": "FAIL", "other": "SKIP"}}),
        )
        self.assertEqual(
            [(result.name, result.status) for result in results],
            [
                ("kernel.own", "PASS"),
                ("task.good", "PASS"),
                ("task.bad", "FAIL"),
                ("task.other", "SKIP"),
            ],
        )
        self.assertEqual(self.tool.with_name("input0").read_text(), "\n".join(LOG[1:9]) + "\n")
        self.assertEqual(self.tool.with_name("input1").read_text(), "\n".join(LOG[9:]) + "\n")

    def test_diagnosis(self) -> None:
        bad = self.parse(LOG[9:], report({"task": {"bad": "FAIL"}}))[0]
        self.assertEqual(bad.diagnosis, "bad: ASSERTION FAILED at task.rs:7 Expected x == 3")

    def test_diagnosis_is_short(self) -> None:
        log = ["KTAP version 1", "1..1", *(f"# {n}" for n in range(99)), "not ok 1 - x"]
        result = self.parse(log, report({"": {"x": "FAIL"}}))[0]
        self.assertEqual(result.diagnosis, "0 1 2 3 4 5 6 7 ...")

    def test_no_document(self) -> None:
        self.assertEqual(self.parse(["nothing"]), [])

    def broken(self, content: dict[str, Any]) -> str:
        *_, result = self.parse(LOG[9:], content)
        self.assertEqual((result.name, result.status), (ktap.COMPLETE, "FAIL"))
        return result.diagnosis

    def test_error_of_no_case(self) -> None:
        found = self.broken(report({"task": {"good": "PASS"}}, errors=1))
        self.assertEqual(found, "main: missing expected subtest! (after task.good)")

    def test_case_without_a_name(self) -> None:
        results = self.parse(LOG[9:], report({"": {"": "ERROR"}}))
        self.assertEqual([result.name for result in results], [ktap.COMPLETE])

    def test_suite_that_fails_as_a_whole(self) -> None:
        self.broken(report({"task": {"good": "PASS"}}, failed=1))

    def test_nothing_in_it(self) -> None:
        self.assertIn("after the beginning", self.broken(report({})))

    def test_tool_fails(self) -> None:
        with self.assertRaisesRegex(Failure, "kunit.py failed: .*missing expected subtest"):
            self.parse(LOG)

    def test_tool_in_the_build_folder(self) -> None:
        self.write(f"build/source/{ktap.TOOL}", TOOL)
        passed = json.dumps(report({"": {"x": "PASS"}}))
        self.write("build/source/tools/testing/kunit/report0", passed)
        self.kernel = self.kernel_with(None)
        self.assertEqual(self.parse(LOG[9:])[0].status, "PASS")

    def test_no_tool(self) -> None:
        self.kernel = self.kernel_with(None)
        with self.assertRaisesRegex(Failure, "there is no tools/testing/kunit/kunit.py"):
            self.parse(LOG)


if __name__ == "__main__":
    unittest.main()
