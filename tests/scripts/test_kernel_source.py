# SPDX-License-Identifier: GPL-2.0
"""Tests of kernel_source.py, with a fake mirror."""

import shutil
import subprocess
import unittest
from pathlib import Path
from unittest import mock

import support
import kernel_source
from cache import Cache
from progress import Step
from settings import Failure

VERSION = "7.3.4-1~bpo13+1"


class FakeApt:
    """Delivers a real, tiny package."""

    def __init__(self, test: support.Sandbox, versions: list[str]) -> None:
        self.test = test
        self.known = versions
        self.fetched: list[str] = []

    def versions(self, package: str, step: Step) -> list[str]:
        self.test.assertEqual(package, "linux-source-7.3")
        return self.known

    def fetch(self, package: str, version: str, step: Step, mebibytes: int) -> Path:
        self.fetched.append(version)
        folder = self.test.dir / "deb"
        self.test.write("deb/linux-source-7.3/kernel/kthread.c", "code")
        self.test.write("deb/linux-source-7.3/Makefile", "all:")
        (folder / "usr/src").mkdir(parents=True, exist_ok=True)
        subprocess.run(
            ["tar", "-cJf", "usr/src/linux-source-7.3.tar.xz", "linux-source-7.3"],
            cwd=folder,
            check=True,
        )
        self.test.fake("dpkg-deb", f"tar -C {folder} -c ./usr")
        return self.test.write("package.deb")


class Prepare(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.cache = Cache(self.dir / "c")
        self.apt = FakeApt(self, [VERSION, "7.3.2-1"])

    def prepare(self) -> kernel_source.Source:
        self.last_step = self.step()
        with mock.patch("cache.require_space"), mock.patch("kernel_source.require_space"):
            return kernel_source.prepare("7.3", self.cache, self.apt, self.last_step)

    def test_newest_release_is_unpacked(self) -> None:
        source = self.prepare()
        self.assertEqual(source.version, VERSION)
        self.assertEqual((source.dir / "kernel/kthread.c").read_text(), "code")
        self.assertEqual(
            sorted(p.name for p in source.dir.iterdir()), [".complete", "Makefile", "kernel"]
        )
        self.assertEqual(self.last_step.title, "Linux 7.3.4 source")
        self.assertFalse((self.dir / "package.deb").exists())

    def test_path_has_nothing_that_a_makefile_trips_over(self) -> None:
        self.assertRegex(self.prepare().dir.name, r"^[\w.-]+$")

    def test_second_run_needs_no_network(self) -> None:
        first = self.prepare()
        with mock.patch.object(self.apt, "versions", side_effect=AssertionError):
            self.assertEqual(self.prepare(), first)
        self.assertTrue(self.last_step.is_cached)

    def test_update_looks_again(self) -> None:
        self.prepare()
        self.apt.known = ["7.3.5-1", VERSION]
        self.assertEqual(self.prepare().version, VERSION)
        self.cache.forget("linux-*")
        self.assertEqual(self.prepare().version, "7.3.5-1")

    def test_interrupted_unpacking_starts_again(self) -> None:
        source = self.prepare()
        (source.dir / ".complete").unlink()
        shutil.rmtree(source.dir / "kernel")
        self.assertTrue((self.prepare().dir / "kernel/kthread.c").exists())
        self.assertEqual(len(self.apt.fetched), 2)

    def test_a_release_that_vanished_is_replaced(self) -> None:
        """It was looked up, but the download never came to its end."""
        self.apt.fetch = mock.Mock(side_effect=Failure("gone"))
        with self.assertRaises(Failure):
            self.prepare()
        self.apt = FakeApt(self, ["7.3.9-1"])
        self.assertEqual(self.prepare().version, "7.3.9-1")

    def test_series_that_nobody_has(self) -> None:
        self.apt.known = []
        with self.assertRaisesRegex(Failure, "has linux-source-7.3 any more: choose another"):
            self.prepare()

    def test_full_disk(self) -> None:
        self.fake("tar", "echo 'tar: write: No space left on device'; exit 2")
        self.apt.fetch = mock.Mock(return_value=self.dir / "x.deb")
        with self.assertRaisesRegex(Failure, "not enough disk space for the kernel source"):
            self.prepare()


if __name__ == "__main__":
    unittest.main()
