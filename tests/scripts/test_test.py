# SPDX-License-Identifier: GPL-2.0
"""Tests of test.py: what is counted, and what the last line and the exit status say."""

import contextlib
import io
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import support
import bench
import compile_fail
import doc_coverage
import downstream
import guest
import harness
import hazards
import loom
import test
from settings import Failure, Settings
from verdict import Check

GREEN = Check("KUnit", "task.runs", True)
RED = Check("boot tests", "boot unload", False, "the reason\nsee /log")
ABSENT = Check("KUnit", "task.moves", True, "needs 2 CPUs", applies=False)
UNIT_TESTS = """\
import unittest

class Some(unittest.TestCase):
    def test_passes(self): print("noise")
    def test_fails(self): self.assertEqual(1, 2)
    def test_breaks(self): 1 / 0
    @unittest.skip("not here")
    def test_skipped(self): pass
    @unittest.expectedFailure
    def test_succeeds_unexpectedly(self): pass
    def test_parts(self):
        for number in range(3):
            with self.subTest(number): self.assertEqual(number, 0)
"""


class Report(unittest.TestCase):
    def report(self, *checks: Check) -> tuple[int, list[str]]:
        screen = io.StringIO()
        with contextlib.redirect_stdout(screen):
            status = test.report(list(checks))
        return status, screen.getvalue().splitlines()

    def test_green(self) -> None:
        status, lines = self.report(GREEN, GREEN)
        self.assertEqual((status, lines[-1]), (0, "2 passed, 0 failed"))
        self.assertIn("KUnit                 2       0         0", lines)

    def test_red(self) -> None:
        status, lines = self.report(GREEN, RED, GREEN)
        self.assertEqual((status, lines[-1]), (1, "2 passed, 1 failed"))
        place = lines.index("FAILED boot tests: boot unload")
        self.assertEqual(lines[place + 1 : place + 3], ["       the reason", "       see /log"])

    def test_left_out(self) -> None:
        status, lines = self.report(GREEN, ABSENT)
        self.assertEqual((status, lines[-1]), (0, "1 passed, 0 failed"))
        self.assertIn("LEFT OUT KUnit: task.moves needs 2 CPUs", lines)
        self.assertIn("KUnit                 1       0         1", lines)

    def test_nothing_is_not_green(self) -> None:
        for checks in ((), (ABSENT,)):
            status, lines = self.report(*checks)
            self.assertEqual((status, lines[-1]), (1, "0 passed, 0 failed"))


class Scripts(support.Sandbox):
    def test_all_kinds(self) -> None:
        self.write("tests/test_kinds_of_results.py", UNIT_TESTS)
        checks = {
            check.name.rpartition(".")[2]: check for check in test.test_scripts(self.dir / "tests")
        }
        passed = {name for name, check in checks.items() if check.passed}
        self.assertEqual(passed, {"test_passes"})
        self.assertEqual(len(checks), 6)
        self.assertIn("AssertionError: 1 != 2", checks["test_fails"].reason)
        self.assertIn("ZeroDivisionError", checks["test_breaks"].reason)
        self.assertEqual(checks["test_skipped"].reason, "not here")
        self.assertEqual(checks["test_parts"].reason.count("AssertionError"), 2)

    def test_module_that_cannot_be_imported(self) -> None:
        self.write("tests/test_that_cannot_be_imported.py", "import nowhere_to_be_found")
        (check,) = test.test_scripts(self.dir / "tests")
        self.assertFalse(check.passed)
        self.assertIn("nowhere_to_be_found", check.reason)

    def test_none(self) -> None:
        (self.dir / "tests").mkdir()
        (check,) = test.test_scripts(self.dir / "tests")
        self.assertFalse(check.passed)


class Alone(support.Sandbox):
    def test_who_asks_for_it(self) -> None:
        for text, alone in (("# kthread-alone: why", True), ("# alone", False)):
            self.assertEqual(test.is_alone(self.write("a.sh", text)), alone)
        self.assertTrue(test.is_alone(self.write("b.sh", 'echo "kthread-resets: x" >/dev/kmsg')))


class Main(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        for name in ("kunit/task.rs", "kunit/deeper/work.rs", "boot/unload.sh", "boot/unload.rs"):
            self.write(f"tests/{name}")
        self.write("tests/boot/circular.sh", "# kthread-alone: why\n")
        self.settings = Settings.from_environ({"HOME": "/h"}, self.dir)
        self.machine = SimpleNamespace(
            settings=self.settings,
            config={"CONFIG_KUNIT": "y"},
            kernel=SimpleNamespace(dir=Path("/k"), release="7.2.13-kthread"),
            has_kmemleak=True,
            cpus=1,
            nodes=1,
            console=lambda job: self.dir / "console.log",
            run=mock.Mock(),
        )

    def test_only_what_the_kernel_is_new_enough_for(self) -> None:
        self.write("tests/samples/event.sh", "# kthread-since: 7.3\n")
        self.write("tests/samples/poller.sh", "# kthread-since: 7.2\n")
        for release, newer in (("7.2.13-x", []), ("7.3", ["event"]), ("7.10.0-rc2", ["event"])):
            self.machine.kernel.release = release
            found = test.boot_tests(self.machine)
            self.assertEqual([path.stem for path in found], ["unload", *newer, "poller"])

    def test_only_what_the_guest_is_large_enough_for(self) -> None:
        self.write("tests/boot/unload.sh", "# kthread-cpus: 3\n# kthread-nodes: 2\n")
        self.write("tests/boot/circular.sh", "# kthread-alone: why\n# kthread-cpus: 2\n")
        lacks = {"boot unload": "needs 3 CPUs and 2 NUMA nodes", "boot circular": "needs 2 CPUs"}
        self.assertEqual({one.name: one.reason for one in test.left_out(self.machine)}, lacks)
        self.assertEqual(test.boot_tests(self.machine), ())
        self.assertEqual(test.boot_tests_alone(self.machine), ())
        self.machine.cpus, self.machine.nodes = 4, 2
        self.assertEqual(list(test.left_out(self.machine)), [])
        self.assertEqual([path.stem for path in test.boot_tests(self.machine)], ["unload"])
        self.assertEqual([path.stem for path in test.boot_tests_alone(self.machine)], ["circular"])

    def main(self, *arguments: str, proofs: tuple[Check, ...] = (GREEN,)) -> tuple[int, str]:
        screen = io.StringIO()
        with (
            mock.patch.object(
                guest, "prepare", return_value=(self.machine, self.progress)
            ) as self.prepare,
            mock.patch.object(compile_fail, "run", return_value=[GREEN]) as self.compile,
            mock.patch.object(doc_coverage, "run", return_value=[GREEN]) as self.doc,
            mock.patch.object(loom, "run", return_value=[GREEN]) as self.loom,
            mock.patch.object(bench, "hold", return_value=[GREEN]) as self.bench,
            mock.patch.object(
                downstream, "prepared", return_value=contextlib.nullcontext(([GREEN], self.dir))
            ) as self.downstream,
            mock.patch.object(test, "judge", return_value=[GREEN]) as self.judge,
            mock.patch.object(harness, "prove", return_value=list(proofs)),
            mock.patch.object(test, "test_scripts", return_value=[GREEN]),
            mock.patch.object(hazards, "check", return_value=[GREEN]) as self.hazards,
            mock.patch("sys.argv", ["test.py", *arguments]),
            contextlib.redirect_stdout(screen),
        ):
            return test.main(self.settings), screen.getvalue().splitlines()[-1]

    def test_everything(self) -> None:
        self.assertEqual(self.main(), (0, "12 passed, 0 failed"))
        self.assertEqual(self.prepare.call_args.kwargs["more_steps"], 14)
        self.assertIs(self.bench.call_args[0][0], self.machine)
        self.assertEqual(self.compile.call_args[0][:2], (self.settings, self.machine.kernel))
        self.assertEqual(self.doc.call_args[0][:2], (self.settings, self.machine.kernel))
        plan, alone, counted, driver = (call[0][0] for call in self.judge.call_args_list)
        self.assertEqual([path.name for path in plan.suites], ["work.rs", "task.rs"])
        self.assertEqual([path.name for path in plan.boot_tests], ["unload.sh"])
        self.assertEqual(plan.documented, self.dir)
        self.assertIn("kthread_doc", plan.modules)
        self.assertTrue(plan.leaks)
        self.assertEqual([path.name for path in alone.boot_tests], ["circular.sh"])
        self.assertIn("kthread_steady", counted.modules)
        self.assertEqual([path.name for path in driver.boot_tests], ["import.sh"])
        jobs = [call[0][0] for call in self.machine.run.call_args_list]
        self.assertEqual([job.counted for job in jobs], [False, False, True, False])

    def test_only_the_proofs(self) -> None:
        self.assertEqual(self.main("harness"), (0, "1 passed, 0 failed"))
        self.machine.run.assert_not_called()
        self.compile.assert_not_called()
        self.doc.assert_not_called()
        self.loom.assert_not_called()
        self.downstream.assert_not_called()
        self.hazards.assert_not_called()

    def test_hazards_are_held_to_all_other_checks(self) -> None:
        self.main(proofs=(RED,))
        root, checks = self.hazards.call_args[0]
        self.assertEqual(root, self.dir)
        self.assertEqual(checks[:11], [*[GREEN] * 9, RED, GREEN])

    def test_failed_proof(self) -> None:
        self.assertEqual(self.main(proofs=(RED,)), (1, "11 passed, 1 failed"))

    def test_unknown_part(self) -> None:
        with self.assertRaisesRegex(Failure, "x: say 'harness'"):
            self.main("x")

    def test_kernel_without_kunit(self) -> None:
        self.machine.config = {"CONFIG_KUNIT": "m"}
        with self.assertRaisesRegex(Failure, "no CONFIG_KUNIT=y"):
            self.main()


if __name__ == "__main__":
    unittest.main()
