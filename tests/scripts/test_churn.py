# SPDX-License-Identifier: GPL-2.0
"""Tests of churn.py, with a guest that only pretends."""

import unittest
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import support
import churn
import guest
from guest import End, Job, Run
from settings import Settings
from verdict import Check, Plan


class Main(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.write("console.log")
        self.machine = mock.Mock(has_kmemleak=True)
        self.machine.console.return_value = self.log
        self.machine.run.side_effect = self.pretend

    def pretend(self, job: Job, _say: Callable[[str], None], idle: Callable[[], None]) -> Run:
        self.job = job
        assert job.tree is not None
        self.added = sorted(path.name for path in (job.tree / "modules").iterdir())
        for done in (0, 1, 2):
            idle()
            with self.log.open("a") as file:
                file.write(f"[ 1.0] kthread_module_churn: {done + 1} of 4, {9 * done} loads\n")
        return Run(End.POWERED_OFF, "", 0, self.log, self.log, 1.0)

    def driver(self, _name: str, imports: Path) -> Path:
        self.imports = imports
        return self.write("output/downstream.ko").parent

    def run_main(self, passed: bool) -> int:
        def judge(plan: Plan, _run: Run, _kernel: object) -> list[Check]:
            self.plan = plan
            return [Check("guest", "powers off by itself", passed)]

        settings = Settings.from_environ({"HOME": "/h", "CHURNS": "4", "SEED": "8"}, self.dir)
        with (
            mock.patch.object(guest, "prepare", return_value=(self.machine, self.progress)),
            mock.patch.object(churn, "judge", judge),
            mock.patch.object(churn.Workshop, "driver", self.driver),
            mock.patch("sys.stdout", self.screen),
        ):
            return churn.main(settings)

    def test_green(self) -> None:
        self.assertEqual(self.run_main(passed=True), 0)
        self.assertEqual(self.job.variables["churns"], "4")
        self.assertEqual(self.job.variables["seed"], "8")
        self.assertEqual([test.stem for test in self.plan.boot_tests], ["module_churn"])
        self.assertTrue(self.plan.leaks)
        self.assertEqual(self.added, ["downstream.ko"])
        self.assertEqual(self.imports, self.dir / "build/7.3-x86_64-plain/import")
        self.assertIn("18 loads were done", self.screen.getvalue())

    def test_red(self) -> None:
        self.assertEqual(self.run_main(passed=False), 1)

    def test_how_far(self) -> None:
        step = self.step()
        step.log = self.log
        self.assertEqual(churn.how_far(step), ("0 loads", 0))
        self.log.write_text("[ 2.0] kthread_module_churn: 1 of 4, 9 loads\n")
        self.assertEqual(churn.how_far(step), ("9 loads", 25))


if __name__ == "__main__":
    unittest.main()
