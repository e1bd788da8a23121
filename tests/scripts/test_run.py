# SPDX-License-Identifier: GPL-2.0
"""Tests of run.py, with a guest that only pretends."""

import unittest
from unittest import mock

import support
import guest
import run
from guest import End, Job, Run
from settings import Failure, Settings


class Main(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        for name in ("poller", "worker"):
            self.write(f"tests/guest/samples/{name}.sh")
        self.console = self.write("run.console.log")
        self.result = Run(End.POWERED_OFF, "", 0, self.console, self.dir / "run.log", 1.0)
        self.machine = mock.Mock()
        self.machine.console.return_value = self.console
        self.machine.run.side_effect = self.pretend

    def pretend(self, _job: Job, say: mock.Mock, _idle: mock.Mock) -> Run:
        say("$ insmod rust_kthread.ko")
        return self.result

    def run_main(self, **environ: str) -> str:
        settings = Settings.from_environ({"HOME": "/h", **environ}, self.dir)
        with mock.patch.object(guest, "prepare", return_value=(self.machine, self.progress)):
            run.main(settings)
        return self.screen.getvalue()

    def failure(self, **environ: str) -> str:
        with self.assertRaises(Failure) as caught:
            self.run_main(**environ)
        return str(caught.exception)

    def test_green(self) -> None:
        screen = self.run_main()
        self.assertIn("$ insmod rust_kthread.ko", screen)
        self.assertIn(f"log: {self.console}", screen)
        self.assertEqual(self.machine.run.call_args[0][0], Job("run", run.LIMIT))

    def test_failed_job(self) -> None:
        self.result = Run(End.POWERED_OFF, "", 1, self.console, self.dir / "run.log", 1.0)
        self.assertIn("the job failed with status 1; the guest's output is in", self.failure())

    def test_alarm(self) -> None:
        self.console.write_text("BUG: x\n")
        self.assertIn("the kernel complained: BUG: x", self.failure())

    def test_sample(self) -> None:
        self.run_main(SAMPLE="worker")
        self.assertEqual(self.machine.run.call_args[0][0].variables, {"sample": "worker"})

    def test_unknown_sample(self) -> None:
        self.assertEqual(
            self.failure(SAMPLE="x"), "SAMPLE=x is unknown: choose one of poller, worker"
        )
        self.machine.run.assert_not_called()


if __name__ == "__main__":
    unittest.main()
