# SPDX-License-Identifier: GPL-2.0
"""Tests of command.py."""

import os
import signal
import subprocess
import sys
import time
import unittest
from unittest import mock

import support
import command
from command import Command, CommandError


class Run(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.dir / "log"

    def run_shell(self, script: str, **options: object) -> str:
        return command.run(["sh", "-c", script], self.log, self.step(), **options)

    def test_output_goes_into_the_log(self) -> None:
        self.assertEqual(self.run_shell("echo out; echo err >&2"), "out\nerr\n")
        self.assertEqual(self.log.read_text(), "out\nerr\n")

    def test_failure_carries_status_and_output(self) -> None:
        with self.assertRaises(CommandError) as caught:
            self.run_shell("echo oh dear; exit 3")
        self.assertIn("sh failed with status 3", str(caught.exception))
        self.assertIn(str(self.log), str(caught.exception))
        self.assertEqual(caught.exception.output, "oh dear\n")
        self.assertFalse(caught.exception.disk_full)

    def test_full_disk_is_recognised(self) -> None:
        with self.assertRaises(CommandError) as caught:
            self.run_shell("echo 'cc1: write error: No space left on device'; exit 1")
        self.assertTrue(caught.exception.disk_full)

    def test_full_disk_is_recognised_even_if_the_log_could_not_be_written(self) -> None:
        with mock.patch("shutil.disk_usage", return_value=mock.Mock(free=1000)):
            with self.assertRaises(CommandError) as caught:
                self.run_shell("exit 1")
        self.assertTrue(caught.exception.disk_full)

    def test_missing_command(self) -> None:
        with self.assertRaisesRegex(CommandError, "nonsense is not installed"):
            command.run(["nonsense"], self.log, self.step())

    def test_watch_sees_everything(self) -> None:
        seen: list[str] = []
        self.run_shell("echo one; sleep 0.3; echo two", watch=seen.append)
        self.assertEqual("".join(seen), "one\ntwo\n")
        self.assertEqual(len(seen), 2)

    def test_silent_command_is_ended(self) -> None:
        with mock.patch("command.PATIENCE", 0.3), self.assertRaisesRegex(CommandError, "silent"):
            self.run_shell("sleep 60 & echo $!; wait")
        self.assert_gone(int(self.log.read_text()))

    def test_outer_make_is_left_out(self) -> None:
        os.environ.update(MAKEFLAGS="-j9 -- KERNEL=debug", MAKELEVEL="1", KERNEL="debug")
        output = self.run_shell("env", env={"MORE": "1"})
        self.assertNotIn("MAKE", output)
        self.assertIn("MORE=1\n", output)
        self.assertIn("KERNEL=debug\n", output)

    def test_child_holds_the_lock(self) -> None:
        with open(self.dir / "lock", "w", encoding="utf-8") as lock:
            self.run_shell(f"test -e /proc/self/fd/{lock.fileno()}", lock_fd=lock.fileno())

    def test_leaving_the_block_ends_the_command_and_its_children(self) -> None:
        with Command(["sh", "-c", "sleep 60 & echo $!; wait"], self.log):
            while not self.log.read_text():
                time.sleep(0.01)
        self.assert_gone(int(self.log.read_text()))

    def start(self, preparation: str = "") -> subprocess.Popen[bytes]:
        """Starts a run that takes a minute; its command's id is in the log."""
        program = f"""
import command, pathlib, progress, settings, signal, subprocess
{preparation}
def main(_):
    with progress.Progress(2).step("x") as step:
        command.run(["sh", "-c", "echo $$; sleep 60"], pathlib.Path("{self.log}"), step)
settings.run_main(main)
"""
        process = subprocess.Popen(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONPATH": str(support.ROOT / "scripts")},
            stdout=subprocess.DEVNULL,
        )
        while not (self.log.exists() and self.log.read_text()):
            time.sleep(0.01)
        return process

    def test_a_run_that_is_terminated_takes_its_commands_along(self) -> None:
        process = self.start()
        process.send_signal(signal.SIGTERM)
        self.assertEqual(process.wait(10), 128 + signal.SIGTERM)
        self.assert_gone(int(self.log.read_text()))

    def test_also_one_that_is_just_being_started(self) -> None:
        process = self.start("""
class Popen(subprocess.Popen):
    def __init__(self, *args, **options):
        super().__init__(*args, **options)
        while not pathlib.Path(options["stdout"].name).read_text():
            pass
        signal.raise_signal(signal.SIGTERM)
subprocess.Popen = Popen
""")
        self.assertEqual(process.wait(10), 128 + signal.SIGTERM)
        self.assert_gone(int(self.log.read_text()))

    def assert_gone(self, pid: int) -> None:
        """The process has ended, or does so within a second."""
        for _ in range(100):
            try:
                with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
                    if stat.read().split()[2] == "Z":
                        return
            except FileNotFoundError:
                return
            time.sleep(0.01)
        self.fail(f"process {pid} is still there")


class Ask(support.Sandbox):
    def test_answer(self) -> None:
        self.assertEqual(command.ask("sh", "-c", "echo '  yes '; echo no >&2"), "yes")

    def test_no_answer(self) -> None:
        self.assertEqual(command.ask("sh", "-c", "echo yes; exit 1"), "")
        self.assertEqual(command.ask("nonsense"), "")

    def test_messages_are_in_english(self) -> None:
        os.environ["LC_ALL"] = "de_DE"
        self.assertEqual(command.ask("sh", "-c", "echo $LC_ALL"), "C")

    def test_path_of_the_environment_counts(self) -> None:
        self.fake("tool", "echo mine")
        self.assertEqual(command.ask("tool", env={"PATH": str(self.bin)}), "mine")


if __name__ == "__main__":
    unittest.main()
