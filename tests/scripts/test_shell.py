# SPDX-License-Identifier: GPL-2.0
"""Tests of shell.py, with a guest that only pretends."""

import contextlib
import io
import unittest
from unittest import mock

import support
import guest
import shell
from guest import End, Job, Run
from settings import Failure, Settings


class Main(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.machine = mock.Mock()
        self.machine.interact.return_value = 0

    def shell(self, stdin: io.StringIO) -> tuple[int, str]:
        screen = io.StringIO()
        settings = Settings.from_environ({"HOME": "/h"}, self.dir)
        with (
            mock.patch.object(guest, "prepare", return_value=(self.machine, self.progress)),
            mock.patch("sys.stdin", stdin),
            contextlib.redirect_stdout(screen),
        ):
            return shell.main(settings), screen.getvalue()

    def script(self, end: End = End.POWERED_OFF, status: int | None = 0) -> tuple[int, str]:
        def pretend(job: Job, say: mock.Mock) -> Run:
            say(f"ran {job.script}")
            return Run(end, "it hung", status, self.dir / "console", self.dir / "log", 1.0)

        self.machine.run.side_effect = pretend
        return self.shell(io.StringIO("ls /modules"))

    def test_script(self) -> None:
        self.assertEqual(self.script(), (0, "ran ls /modules\n"))
        self.machine.interact.assert_not_called()

    def test_status_of_the_script(self) -> None:
        self.assertEqual(self.script(status=3)[0], 3)

    def test_script_that_powers_off(self) -> None:
        self.assertEqual(self.script(status=None)[0], 0)

    def test_script_that_hangs(self) -> None:
        with self.assertRaisesRegex(Failure, "it hung; see .*console"):
            self.script(end=End.TIMED_OUT, status=None)

    def test_terminal(self) -> None:
        terminal = io.StringIO()
        terminal.isatty = lambda: True  # type: ignore[method-assign]
        self.set_environ(LINES="50", COLUMNS="132")
        status, screen = self.shell(terminal)
        self.assertEqual(status, 0)
        self.assertIn("Ctrl-A X", screen)
        (job,) = self.machine.interact.call_args[0]
        self.assertEqual(job.variables, {"rows": "50", "columns": "132"})


if __name__ == "__main__":
    unittest.main()
