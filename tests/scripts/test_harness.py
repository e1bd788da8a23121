# SPDX-License-Identifier: GPL-2.0
"""Tests of harness.py: a proof fails unless the verdict is red for the right reason only."""

import time
import unittest
from pathlib import Path
from types import SimpleNamespace
from unittest import mock

import support
import harness
from guest import End, Job, Run
from harness import CASES, Case
from verdict import Check

GREEN = Check("kernel log", "no alarm", True)
WARN = Check("kernel log", "no alarm", False, "WARNING: at x\nsee the log")
CASE = Case("a WARN", {"no alarm": "WARNING: "}, modules=("kthread_mischief:mischief=2",))


class FakeGuest:
    """Notes the jobs that it is given."""

    def __init__(self, root: Path, **config: str) -> None:
        self.settings = SimpleNamespace(root=root)
        self.kernel = None
        self.accel = "tcg"
        self.config = config
        self.jobs: list[Job] = []

    def run(self, job: Job) -> Run:
        self.jobs.append(job)
        return Run(End.POWERED_OFF, "", 0, Path("/console"), Path("/log"), 1.0)


class Prove(support.Sandbox):
    def prove(self, case: Case, *verdict: Check, **config: str) -> list[Check]:
        self.guest = FakeGuest(self.dir, **config)
        with (
            mock.patch.object(harness, "CASES", (case,)),
            mock.patch.object(harness, "judge", return_value=list(verdict)) as self.judge,
        ):
            return harness.prove(self.guest, self.step())  # type: ignore[arg-type]

    def reason(self, case: Case, *verdict: Check) -> str:
        (proof,) = self.prove(case, *verdict)
        self.assertFalse(proof.passed)
        return proof.reason

    def test_red_for_its_own_reason(self) -> None:
        self.assertEqual(self.prove(CASE, WARN), [Check("harness", "a WARN", True)])

    def test_blind_verdict(self) -> None:
        self.assertIn("'no alarm' should have failed", self.reason(CASE, GREEN))
        self.assertIn("'no alarm' should have failed", self.reason(CASE))

    def test_red_for_another_reason(self) -> None:
        other = Check("kernel log", "no alarm", False, "BUG: at x\nWARNING: too late")
        self.assertIn("not because of 'WARNING: ': BUG: at x", self.reason(CASE, other))

    def test_red_for_more_than_its_reason(self) -> None:
        more = Check("guest", "powers off by itself", False, "it hung")
        self.assertIn("should not have failed: it hung", self.reason(CASE, WARN, more))

    def test_control_must_be_green(self) -> None:
        control = Case("nothing wrong")
        self.assertTrue(self.prove(control, GREEN)[0].passed)
        self.assertIn("'no alarm' should not have failed", self.reason(control, WARN))

    def test_only_what_the_kernel_can_show(self) -> None:
        case = Case("a leak", {"no alarm": "WARNING"}, needs="CONFIG_X")
        (proof,) = self.prove(case, WARN)
        self.assertEqual((proof.applies, proof.reason), (False, "needs CONFIG_X"))
        (proof,) = self.prove(case, WARN, CONFIG_X="y")
        self.assertTrue(proof.applies)

    def test_interruption_starts_no_more_guests(self) -> None:
        guest = FakeGuest(self.dir)
        step = mock.Mock()
        step.percent.side_effect = KeyboardInterrupt
        cases = tuple(Case(f"case {number}") for number in range(20))
        run = guest.run
        guest.run = lambda job: (time.sleep(0.05), run(job))[1]  # type: ignore[method-assign]
        with (
            mock.patch.object(harness, "CASES", cases),
            mock.patch.object(harness, "judge", return_value=[]),
            self.assertRaises(KeyboardInterrupt),
        ):
            harness.prove(guest, step)  # type: ignore[arg-type]
        self.assertLess(len(guest.jobs), 8)

    def test_the_job(self) -> None:
        case = Case(
            "this, and that",
            modules=("x:y=1",),
            suites=("failing",),
            boot_tests=("fails",),
            limit=5,
            parameters=("p=1",),
        )
        self.prove(case)
        (job,) = self.guest.jobs
        self.assertEqual((job.title, job.limit), ("harness-this-and-that", 5))
        self.assertEqual(job.variables["modules"], "x:y=1")
        self.assertEqual(job.parameters, ("p=1",))
        self.assertEqual(job.boot_tests, (self.dir / "tests/harness/boot/fails.sh",))
        plan = self.judge.call_args[0][0]
        self.assertEqual(plan.suites, (self.dir / "tests/harness/failing.rs",))


class Table(unittest.TestCase):
    def test_titles_make_different_logs(self) -> None:
        self.assertEqual(len({case.title for case in CASES}), len(CASES))

    def test_files_exist(self) -> None:
        folder = support.ROOT / "tests/harness"
        for case in CASES:
            for suite in case.suites:
                self.assertTrue((folder / f"{suite}.rs").exists())
            for name in case.boot_tests:
                self.assertTrue((folder / f"boot/{name}.sh").exists())

    def test_one_control(self) -> None:
        self.assertEqual(len([case for case in CASES if not case.red]), 1)


if __name__ == "__main__":
    unittest.main()
