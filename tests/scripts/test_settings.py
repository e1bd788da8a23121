# SPDX-License-Identifier: GPL-2.0
"""Tests of settings.py."""

import contextlib
import errno
import io
import os
import unittest
from pathlib import Path

import support
from arch import ARCHES
from settings import FLAVOURS, SERIES, Failure, Settings, run_main


class FromEnviron(unittest.TestCase):
    def read(self, **environ: str) -> Settings:
        return Settings.from_environ({"HOME": "/h", **environ}, Path("/c"))

    def failure(self, **environ: str) -> str:
        with self.assertRaises(Failure) as caught:
            self.read(**environ)
        return str(caught.exception)

    def test_defaults(self) -> None:
        settings = self.read(XDG_CACHE_HOME="/x")
        self.assertEqual((settings.series, settings.kernel), ("7.3", "plain"))
        self.assertEqual((settings.arch, settings.accel, settings.sample), ("x86_64", "", ""))
        self.assertIsNone(settings.kdir)
        self.assertEqual(settings.cache, Path("/x/kthread"))
        self.assertGreaterEqual(settings.jobs, 1)
        self.assertEqual((settings.duration, settings.seed), (120, None))

    def test_empty_counts_as_not_given(self) -> None:
        self.assertEqual(self.read(KERNEL="", KDIR=" ", JOBS=""), self.read())

    def test_all_given(self) -> None:
        settings = self.read(
            **{"LINUX_SERIES": "7.2", "KERNEL": "debug", "KDIR": "/k", "CACHE": "/y"},
            **{"ACCEL": "tcg", "JOBS": "3", "DURATION": "7", "SEED": "8"},
        )
        self.assertEqual((settings.series, settings.kernel), ("7.2", "debug"))
        self.assertEqual((settings.kdir, settings.cache), (Path("/k"), Path("/y")))
        self.assertEqual((settings.accel, settings.jobs), ("tcg", 3))
        self.assertEqual((settings.duration, settings.seed), (7, 8))
        self.assertIs(settings.flavour, FLAVOURS["debug"])
        self.assertIs(settings.machine, ARCHES["x86_64"])

    def test_every_kernel_has_its_configuration(self) -> None:
        self.assertEqual(self.read().fragments, ("common", "x86_64"))
        debug = self.read(LINUX_SERIES="7.2", KERNEL="debug").fragments
        self.assertEqual(debug, ("common", "x86_64", "linux-7.2", "debug"))
        for series in SERIES:
            for kernel in FLAVOURS:
                for name in self.read(LINUX_SERIES=series, KERNEL=kernel).fragments:
                    path = support.ROOT / f"tests/guest/config/{name}.config"
                    self.assertTrue(path.exists(), path)

    def test_unknown_values_list_the_known_ones(self) -> None:
        self.assertIn("7.3, 7.2", self.failure(LINUX_SERIES="6.1"))
        self.assertIn("plain, debug", self.failure(KERNEL="fast"))
        self.assertIn("x86_64", self.failure(ARCH="vax"))
        self.assertIn("kvm, tcg", self.failure(ACCEL="hvf"))

    def test_numbers_are_positive(self) -> None:
        for value in ("0", "-1", "two"):
            for name in ("JOBS", "DURATION", "SEED"):
                self.assertIn(f"{name}={value}", self.failure(**{name: value}))

    def test_durations(self) -> None:
        for value, seconds in (("90", 90), ("90s", 90), ("5m", 300), ("1h", 3600)):
            self.assertEqual(self.read(DURATION=value).duration, seconds)
        for value in ("5 m", "m", "0m", "1d"):
            self.assertIn(f"DURATION={value}", self.failure(DURATION=value))

    def test_paths_that_kbuild_cannot_handle(self) -> None:
        self.assertIn("KDIR is '/a b'", self.failure(KDIR="/a b"))
        self.assertIn("CACHE is '/a:b'", self.failure(CACHE="/a:b"))
        with self.assertRaisesRegex(Failure, "the checkout is '/a b'"):
            Settings.from_environ({}, Path("/a b"))

    def test_relative_paths_are_of_the_current_folder(self) -> None:
        self.assertEqual(self.read(KDIR="k").kdir, Path.cwd() / "k")


class BuildFolder(unittest.TestCase):
    def build(self, **environ: str) -> Path:
        return Settings.from_environ(environ, Path("/c")).build

    def test_every_kernel_has_its_own(self) -> None:
        folders = [
            self.build(),
            *(self.build(KERNEL=kernel) for kernel in ("debug", "rt", "up")),
            self.build(LINUX_SERIES="7.2"),
            self.build(KDIR="/a/linux"),
            self.build(KDIR="/b/linux"),
        ]
        self.assertEqual(len(set(folders)), len(folders))
        self.assertEqual({folder.parent for folder in folders}, {Path("/c/build")})


class RunMain(unittest.TestCase):
    def outcome(self, error: BaseException) -> tuple[int, str]:
        def main(_: Settings) -> None:
            raise error

        stderr = io.StringIO()
        with contextlib.redirect_stderr(stderr), self.assertRaises(SystemExit) as caught:
            run_main(main)
        assert isinstance(caught.exception.code, int)
        return caught.exception.code, stderr.getvalue()

    def test_failure(self) -> None:
        self.assertEqual(self.outcome(Failure("so it is")), (1, "error: so it is\n"))

    def test_interrupt(self) -> None:
        self.assertEqual(self.outcome(KeyboardInterrupt())[0], 130)

    def test_full_disk(self) -> None:
        error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/x")
        status, message = self.outcome(error)
        self.assertEqual(status, 1)
        self.assertRegex(message, "error: no space left for /x: free some")

    def test_forbidden(self) -> None:
        error = PermissionError(errno.EACCES, os.strerror(errno.EACCES), "/x")
        self.assertRegex(self.outcome(error)[1], "error: /x: Permission denied: .* CACHE")

    def test_mistakes_of_ours_keep_their_traceback(self) -> None:
        with self.assertRaises(FileNotFoundError):
            self.outcome(FileNotFoundError(errno.ENOENT, "", "/x"))

    def test_status(self) -> None:
        with self.assertRaises(SystemExit) as caught:
            run_main(lambda settings: 3)
        self.assertEqual(caught.exception.code, 3)


if __name__ == "__main__":
    unittest.main()
