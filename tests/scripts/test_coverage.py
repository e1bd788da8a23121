# SPDX-License-Identifier: GPL-2.0
"""Tests of coverage.py, with a guest and with tools that only pretend."""

import base64
import gzip
import struct
import unittest
from collections.abc import Callable
from pathlib import Path
from unittest import mock

import support
import coverage
import kernel_build
import modules
import test as tests
from coverage import Source
from guest import End, Guest, Job, Run
from kernel_build import Kernel
from settings import Failure, Settings
from verdict import Check

LCOV = """\
SF:{src}/worker/core.rs
FN:3,_R
DA:3,2
DA:4,0
DA:6,0
DA:9,1
DA:10,0
BRDA:3,0,0,2
BRDA:3,0,1,0
BRDA:4,0,0,-
BRDA:4,0,1,-
BRDA:9,0,0,1
LF:5
end_of_record
SF:{src}/task.rs
DA:1,1
end_of_record
"""
CONTENT = struct.pack("<4Q", 0, 0, 0, 3) + b"\x01\x00f"
LINE = f"profile rust_kthread {base64.b64encode(gzip.compress(CONTENT)).decode()}"


def pretend_init(machine: Guest, _settings: Settings, _kernel: Kernel, folder: Path) -> None:
    machine.modules = folder


class Table(unittest.TestCase):
    def setUp(self) -> None:
        self.found = coverage.parse(LCOV.format(src="/c/src"), Path("/c/src"))

    def test_sources(self) -> None:
        self.assertEqual(list(self.found), ["worker/core.rs", "task.rs"])
        core = self.found["worker/core.rs"]
        self.assertEqual(core.lines_run, (2, 5))
        self.assertEqual(core.ways_gone, (2, 5))

    def test_missed_lines_and_ways(self) -> None:
        self.assertEqual(self.found["worker/core.rs"].missed(), "3b 4-6 10")
        self.assertEqual(self.found["task.rs"].missed(), "")

    def test_a_line_in_the_middle_of_a_range(self) -> None:
        self.assertEqual(Source(dict.fromkeys(range(1, 4), 0)).missed(), "1-3")

    def test_rows(self) -> None:
        head, *rows = coverage.table(self.found)
        self.assertEqual(head.split(), ["lines", "branches", "missed"])
        self.assertEqual(
            [" ".join(row.split()) for row in rows],
            [
                "task.rs 1 of 1 100.0 %",
                "worker/core.rs 2 of 5 40.0 % 2 of 5 40.0 % 3b 4-6 10",
                "all 3 of 6 50.0 % 2 of 5 40.0 %",
            ],
        )


class Command(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.settings = Settings.from_environ({"HOME": "/h"}, self.dir)
        self.kernel = Kernel(self.dir / "k", None, self.write("k/vmlinux"), "7.3.4", "key")
        self.folder = self.settings.build / "coverage"
        self.verdict = [Check("guest", "powers off by itself", True)]
        self.lines = ["ok 1 unload", LINE]
        self.jobs: list[Job] = []
        self.said: list[str] = []
        self.patch(Guest, "__init__", pretend_init)
        self.patch(Guest, "run", self.pretend_run)
        self.patch(kernel_build, "prepare", lambda _settings, _progress: self.kernel)
        self.patch(modules, "kbuild", self.pretend_build)
        self.patch(tests, "test_crate", self.pretend_test(""))
        self.patch(tests, "test_alone", self.pretend_test("signals"))
        self.patch(coverage, "Rust", mock.Mock())
        self.patch(coverage, "Llvm", mock.Mock(return_value=self))
        self.patch(coverage, "Progress", lambda total: self.progress)

    def patch(self, target: object, name: str, new: object) -> None:
        patch = mock.patch.object(target, name, new)
        patch.start()
        self.addCleanup(patch.stop)

    def pretend_build(self, *arguments: object) -> None:
        self.build = arguments
        for name in ("rust_kthread", "kthread_poller", "kthread_kunit", "twin_poller"):
            self.write(f"{self.folder.relative_to(self.dir)}/objects/{name}.ko")
        order = "rust_kthread.o\nkthread_poller.o\nkthread_kunit.o\ntwin_poller.o\n"
        self.write(f"{self.folder.relative_to(self.dir)}/objects/modules.order", order)

    def pretend_test(self, title: str) -> Callable[..., list[Check]]:
        def run(machine: Guest, _progress: object) -> list[Check]:
            machine.run(Job("test", 1, title=title), self.said.append)
            return self.verdict

        return run

    def pretend_run(self, job: Job, say: Callable[[str], None], _idle: object) -> Run:
        self.jobs.append(job)
        for line in self.lines:
            say(line)
        return Run(End.POWERED_OFF, "", 0, self.dir / "console", self.dir / "log", 1.0)

    def merge(self, profiles: list[Path], merged: Path, _step: object) -> None:
        """As `Llvm` does."""
        self.profiles = [path.name for path in profiles]
        self.merged = merged

    def show(self, _profile: Path, objects: list[Path], *_: object) -> None:
        """As `Llvm` does."""
        self.objects = [path.name for path in objects]

    def export(self, profile: Path, _objects: list[Path], sources: Path, _step: object) -> str:
        """As `Llvm` does."""
        self.assertEqual(profile, self.merged)
        return LCOV.format(src=sources)

    def run_main(self) -> int:
        with mock.patch("sys.stdout", self.screen):
            return coverage.main(self.settings)

    def test_all_that_counts_is_told(self) -> None:
        self.assertEqual(self.run_main(), 0)
        screen = self.screen.getvalue()
        self.assertRegex(screen, r"\nall +3 of +6 +50\.0 % +2 of +5 +40\.0 %\n")
        self.assertIn("2 passed, 0 failed", screen)
        profiles = [f"{title}-rust_kthread.profraw" for title in ("signals", "test")]
        self.assertEqual(self.profiles, profiles)

    def test_the_crate_comes_after_its_users(self) -> None:
        self.run_main()
        self.assertEqual(self.objects, ["kthread_kunit.ko", "kthread_poller.ko", "rust_kthread.ko"])

    def test_modules_count(self) -> None:
        self.run_main()
        *_, options, parts = self.build
        self.assertIn("-Cinstrument-coverage", str(options))
        self.assertIn("tests/coverage", str(parts).split())

    def test_the_job_is_that_of_the_tests_but_for_the_profiles(self) -> None:
        self.run_main()
        titles = [(job.name, job.title) for job in self.jobs]
        self.assertEqual(titles, [("coverage", "test"), ("coverage", "signals")])
        self.assertEqual(self.said, 2 * ["ok 1 unload"])
        self.assertTrue((support.ROOT / "tests/guest/jobs/coverage.sh").exists())

    def test_profiles_of_an_earlier_run_do_not_count(self) -> None:
        self.write(f"{self.folder.relative_to(self.dir)}/profiles/old.profraw")
        self.run_main()
        self.assertNotIn("old.profraw", self.profiles)

    def test_a_failed_test(self) -> None:
        self.verdict = [Check("boot tests", "boot x", False, "why")]
        self.assertEqual(self.run_main(), 1)
        self.assertIn("FAILED boot tests: boot x", self.screen.getvalue())

    def test_no_profile(self) -> None:
        self.lines = []
        with self.assertRaisesRegex(Failure, "no guest told what it counted"):
            self.run_main()


if __name__ == "__main__":
    unittest.main()
