# SPDX-License-Identifier: GPL-2.0
"""Tests of progress.py."""

import io
import os
import unittest
from unittest import mock

import support
from progress import INTERVAL, Progress
from settings import Failure


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


class OnPipe(support.Sandbox):
    def test_numbers_steps_and_says_how_they_ended(self) -> None:
        with self.progress.step("One"):
            pass
        with self.progress.step("Two") as step:
            step.cached()
        self.assertEqual(self.screen.getvalue(), "[2/9] One ... 0:00\n[3/9] Two ... cached\n")

    def test_nested_steps(self) -> None:
        with self.progress.step("Outer"), self.progress.step("Inner"):
            pass
        self.assertEqual(self.screen.getvalue(), "[3/9] Inner ... 0:00\n[2/9] Outer ... 0:00\n")

    def test_a_line_now_and_then(self) -> None:
        clock = mock.Mock(return_value=1000)
        with mock.patch("time.monotonic", clock), self.progress.step("Long") as step:
            step.percent(10)
            clock.return_value += INTERVAL + 60
            step.percent(20, "compiling")
            step.percent(30)
        lines = self.screen.getvalue().splitlines()
        self.assertEqual(lines, ["[2/9] Long ... 20% compiling 1:15", "[2/9] Long ... 1:15"])

    def test_failure_shows_the_end_of_the_log(self) -> None:
        log = self.write("log", "".join(f"line {n}\n" for n in range(100)))
        with self.assertRaises(Failure), self.progress.step("Bad") as step:
            step.log = log
            raise Failure("no")
        text = self.screen.getvalue()
        self.assertIn(f"log: {log}\n[2/9] Bad ... failed\n", text)
        self.assertIn("| line 99\n", text)
        self.assertNotIn("line 80\n", text)

    def test_failure_without_a_log(self) -> None:
        for log in (None, self.dir / "never-written"):
            with self.assertRaises(Failure), self.progress.step("Bad") as step:
                if log:
                    step.log = log
                raise Failure("no")
        self.assertNotIn("|", self.screen.getvalue())

    def test_interrupt(self) -> None:
        with self.assertRaises(KeyboardInterrupt), self.progress.step("Long"):
            raise KeyboardInterrupt
        self.assertEqual(self.screen.getvalue(), "[2/9] Long ... stopped\n")

    def test_never_complete_before_the_end(self) -> None:
        with mock.patch("progress.INTERVAL", -1), self.progress.step("Odd") as step:
            step.percent(250)
        self.assertIn(" 99%", self.screen.getvalue())


class OnTerminal(unittest.TestCase):
    def test_rewrites_the_line(self) -> None:
        screen = Terminal()
        with Progress(total=3, stream=screen).step("One") as step:
            step.percent(50)
            step.say("news")
        text = screen.getvalue()
        self.assertIn("\r\x1b[K[2/3] One ... 50% 0:00", text)
        self.assertIn("\r\x1b[K      news\n", text)
        self.assertTrue(text.endswith("\r\x1b[K[2/3] One ... 0:00\n"))

    def test_line_never_wraps(self) -> None:
        screen = Terminal()
        with mock.patch("shutil.get_terminal_size", return_value=os.terminal_size((20, 5))):
            with Progress(total=3, stream=screen).step("x" * 100):
                pass
        self.assertEqual(len(screen.getvalue().split("\r\x1b[K")[1]), 19)


if __name__ == "__main__":
    unittest.main()
