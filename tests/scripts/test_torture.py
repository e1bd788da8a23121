# SPDX-License-Identifier: GPL-2.0
"""Tests of torture.py, with a guest that only pretends."""

import os
import unittest
from collections.abc import Callable
from unittest import mock

import support
import guest
import torture
from guest import End, Job, Run
from settings import Failure, Settings
from verdict import Check, Plan

ROW = "park                          12          3"


def log_of(*lines: str) -> str:
    return "".join(f"[    1.000000] kthread_torture: {line}\n" for line in lines)


class Main(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.said = log_of("0 of 7 s", "wait_on_one_cpu: 5 rounds", ROW)
        self.verdict = [Check("boot tests", "boot torture", True)]
        self.machine = mock.Mock(has_kmemleak=False, slowdown=1)
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
        settings = Settings.from_environ({"HOME": "/h", "DURATION": "7", **environ}, self.dir)
        with (
            mock.patch.object(guest, "prepare", return_value=(self.machine, self.progress)),
            mock.patch.object(torture, "judge", self.judge),
            mock.patch("sys.stdout", self.screen),
        ):
            return torture.main(settings)

    def test_green(self) -> None:
        self.assertEqual(self.run_main(SEED="8"), 0)
        self.assertEqual(self.job.variables["seconds"], "7")
        self.assertEqual(self.job.variables["seed"], "8")
        self.assertEqual([path.name for path in self.job.boot_tests], ["torture.sh"])
        self.assertTrue(self.job.one_thread)
        screen = self.screen.getvalue()
        self.assertIn("SEED=8", screen)
        self.assertIn(ROW, screen)
        self.assertNotIn("rounds", screen)
        self.assertNotIn("of 7 s", screen)
        self.assertIn("0 failed", screen)

    def test_other_numbers_each_time(self) -> None:
        self.run_main()
        first = self.job.variables
        self.run_main()
        self.assertNotEqual(self.job.variables, first)

    def test_bound_grows_with_duration(self) -> None:
        self.run_main()
        first = self.job.bound
        self.run_main(DURATION="1h")
        self.assertEqual(self.job.bound, first + 3600 - 7)

    def test_leaks_are_looked_for(self) -> None:
        self.run_main()
        self.assertFalse(self.plan.leaks)
        self.machine.has_kmemleak = True
        self.run_main()
        self.assertTrue(self.plan.leaks)

    def test_bad_verdict(self) -> None:
        self.verdict.append(Check("boot tests", "boot torture", False, "exit status 1"))
        self.assertEqual(self.run_main(), 1)
        self.assertIn("FAILED boot tests: boot torture", self.screen.getvalue())

    def test_what_is_stuck_ends_the_run(self) -> None:
        self.said += log_of('stuck: "stop" by thread 7 does not end !!!')
        with self.assertRaisesRegex(Failure, '"stop" by thread 7'):
            self.run_main()


class Follow(support.Sandbox):
    def follow(self, *lines: str) -> mock.Mock:
        step = mock.Mock(log=self.write("log", log_of(*lines)))
        torture.follow(step, 60)
        return step

    def test_percent(self) -> None:
        step = self.follow("0 of 60 s", "park: 9 rounds", "15 of 60 s", "job: 4 rounds")
        self.assertEqual(step.percent.call_args, mock.call(25))

    def test_only_the_end_is_read(self) -> None:
        step = self.follow("0 of 60 s", *["park: 9 rounds"] * 1000, "30 of 60 s")
        step.percent.assert_called_once_with(50)

    def test_before_the_first(self) -> None:
        self.follow().percent.assert_not_called()

    def test_silence_ends_the_run(self) -> None:
        log = self.write("log")
        os.utime(log, (0, 0))
        with self.assertRaisesRegex(Failure, "said nothing for 60 s"):
            torture.follow(mock.Mock(log=log), 60)


if __name__ == "__main__":
    unittest.main()
