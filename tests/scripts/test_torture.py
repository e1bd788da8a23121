# SPDX-License-Identifier: GPL-2.0
"""Tests of torture.py, with a guest that only pretends."""

import unittest
from collections.abc import Callable
from unittest import mock

import support
import guest
import torture
from guest import End, Job, Run
from settings import Failure, Settings
from verdict import Check, Plan

SUM = "kthread_torture: park: 3 threads"


def progress_of(*names: str, done: int = 5) -> str:
    return "".join(f"[ 1.0] kthread_torture: {name}: {done} of 5 rounds\n" for name in names)


class Main(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.said = progress_of(*torture.SCENARIOS.values()) + f"[ 2.0] {SUM}\n"
        self.verdict = [Check("guest", "powers off by itself", True)]
        self.machine = mock.Mock(has_kmemleak=False)
        self.machine.console.return_value = self.dir / "console.log"
        self.machine.run.side_effect = self.pretend

    def pretend(self, job: Job, _say: Callable[[str], None], idle: Callable[[], None]) -> Run:
        self.job = job
        console = self.write("console.log", self.said)
        idle()
        return Run(End.POWERED_OFF, "", 0, console, self.dir / "log", 1.0)

    def judge(self, plan: Plan, _run: Run, _kernel: object) -> list[Check]:
        self.plan = plan
        return self.verdict

    def run_main(self, **environ: str) -> int:
        settings = Settings.from_environ({"HOME": "/h", "ROUNDS": "5", **environ}, self.dir)
        with (
            mock.patch.object(guest, "prepare", return_value=(self.machine, self.progress)),
            mock.patch.object(torture, "judge", self.judge),
            mock.patch("sys.stdout", self.screen),
        ):
            return torture.main(settings)

    def test_green(self) -> None:
        self.assertEqual(self.run_main(SEED="8"), 0)
        (_, module) = self.job.variables["modules"].split(",")
        numbers = "spawns=5:parks=5:handles=5:hooks=5:waits=5:waits_on_one_cpu=5"
        numbers += ":sends=5:items=5:closings=5"
        self.assertEqual(module, f"kthread_torture:{numbers}:seed=8")
        self.assertTrue(self.job.one_thread)
        screen = self.screen.getvalue()
        self.assertIn("SEED=8", screen)
        self.assertIn(SUM, screen)
        self.assertIn("0 failed", screen)

    def test_other_numbers_each_time(self) -> None:
        self.run_main()
        first = self.job.variables
        self.run_main()
        self.assertNotEqual(self.job.variables, first)

    def test_limit_grows_with_rounds(self) -> None:
        self.run_main()
        first = self.job.limit
        self.run_main(ROUNDS="100000")
        self.assertGreater(self.job.limit, first)

    def test_leaks_are_looked_for(self) -> None:
        self.run_main()
        self.assertFalse(self.plan.leaks)
        self.machine.has_kmemleak = True
        self.run_main()
        self.assertTrue(self.plan.leaks)

    def test_bad_verdict(self) -> None:
        self.verdict.append(Check("modules", "load kthread_torture", False, "exit status 1"))
        self.assertEqual(self.run_main(), 1)
        self.assertIn("FAILED modules: load kthread_torture", self.screen.getvalue())

    def test_scenario_that_did_not_end(self) -> None:
        self.said = self.said.replace("park: 5", "park: 4")
        self.assertEqual(self.run_main(), 1)
        self.assertIn("kthread_torture: park: 5 of 5 rounds", self.screen.getvalue())

    def test_stuck_scenario_ends_the_run(self) -> None:
        self.said = "[ 1.0] kthread_torture: park: stuck after 3 rounds !!!\n"
        with self.assertRaisesRegex(Failure, "park: stuck"):
            self.run_main()


class Percent(support.Sandbox):
    def test_scenarios_add_up(self) -> None:
        step = mock.Mock(log=self.write("log", progress_of("spawn") + progress_of("park", done=4)))
        torture.follow(step)
        step.percent.assert_called_once_with(100 * 1.8 / len(torture.SCENARIOS), "park")

    def test_before_the_first(self) -> None:
        step = mock.Mock(log=self.write("log"))
        torture.follow(step)
        step.percent.assert_called_once_with(0, "")


if __name__ == "__main__":
    unittest.main()
