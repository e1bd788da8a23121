# SPDX-License-Identifier: GPL-2.0
"""Tests of check.py."""

import contextlib
import io
import subprocess
import unittest
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import support
import check
from settings import Failure, Settings

SPDX = "# SPDX-License-Identifier: GPL-2.0\n"


class WithCheckout(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.settings = Settings.from_environ({"HOME": "/h"}, self.dir)

    def problems(self, name: str, **files: str) -> list[str]:
        """What one check says about files; a file's __ stands for a dot."""
        paths = [self.write(file.replace("__", "."), text) for file, text in files.items()]
        return list(check.CHECKS[name](self.settings, paths))


class SourceFiles(WithCheckout):
    def test_what_could_be_committed(self) -> None:
        subprocess.run(["git", "init", "-q"], cwd=self.dir, check=True)
        self.write(".gitignore", "/build/\n")
        self.write("build/x.rs")
        self.write("src/a.rs")
        self.write("LICENSE")
        self.write("tests/loom/Cargo.lock")
        self.write("docs/plot.svg")
        names = [str(path.relative_to(self.dir)) for path in check.source_files(self.dir)]
        self.assertEqual(sorted(names), [".gitignore", "src/a.rs"])

    def test_not_a_checkout(self) -> None:
        with self.assertRaisesRegex(Failure, "git checkout"):
            check.source_files(self.dir)


class Checks(WithCheckout):
    def test_licence(self) -> None:
        good = {"a__py": SPDX, "b__sh": "#!/bin/sh\n" + SPDX, "c__md": "text"}
        self.assertEqual(self.problems("licence lines", **good), [])
        bad = {"a__rs": "// text\n", "b__sh": "#!/bin/sh\n\n\n" + SPDX}
        self.assertEqual(len(self.problems("licence lines", **bad)), 2)

    def test_places(self) -> None:
        good = "see /proc/self and build/root/x and ${HOME}/Users/x and /lib/modules\n"
        self.assertEqual(self.problems("paths and hosts", a=good), [])
        hosts = (".".join(parts) for parts in (("crates", "io"), ("deb", "debian", "org")))
        paths = ("/".join(("", *parts)) for parts in (("home", "me"), ("root", "x")))
        for bad in (*hosts, *paths, str(self.dir)):
            with self.subTest(bad):
                self.assertEqual(len(self.problems("paths and hosts", a=f"x\nsee {bad}\n")), 1)

    def test_text(self) -> None:
        self.assertEqual(
            self.problems("text", a="fine\n" + "x" * 100 + "\n", b__md="x" * 200 + "\n"), []
        )
        self.assertIn("a:2: longer", self.problems("text", a="\n" + "x" * 101 + "\n")[0])
        self.assertIn("a:1: longer", self.problems("text", a="\t" * 13 + "\n".rjust(2, "x"))[0])
        self.assertIn("a:1: space", self.problems("text", a="x \n")[0])
        self.assertIn("a: no newline", self.problems("text", a="x")[0])

    def test_shell(self) -> None:
        self.fake("shellcheck", f'echo "$@" > {self.dir}/args; echo oh; exit 1')
        problems = self.problems(
            "shellcheck", a__sh="", init="#!/bin/sh -e\n", b__py="#!/x/python3\n"
        )
        self.assertEqual(problems, ["oh"])
        names = [Path(name).name for name in (self.dir / "args").read_text().split()]
        self.assertEqual(names, ["a.sh", "init"])

    def test_rustfmt(self) -> None:
        rust = mock.Mock(sysroot=self.dir)
        with mock.patch("check.Rust.find", return_value=rust):
            self.assertEqual(
                self.problems("rustfmt", a__rs=""),
                ["rustfmt is missing: install it, then run again"],
            )
            self.fake("rustfmt", 'echo "Diff in $2"; exit 1')
            self.assertEqual(
                self.problems("rustfmt", a__rs="", b__c=""), [f"Diff in {self.dir}/a.rs"]
            )

    def test_c(self) -> None:
        self.fake("checkpatch.pl", f'echo "$@" > {self.dir}/args; echo "a.c:1: oh"; exit 1')
        (self.dir / "scripts").symlink_to(self.bin)
        with (
            mock.patch("kernel_build.prepare", return_value=mock.Mock(source=self.dir)),
            contextlib.redirect_stdout(io.StringIO()),
        ):
            check._kernel.cache_clear()
            self.addCleanup(check._kernel.cache_clear)
            problems = self.problems("checkpatch", a__c="", b__h="", c__rs="")
        self.assertEqual(problems, ["a.c:1: oh"])
        names = [Path(name).name for name in (self.dir / "args").read_text().split()]
        self.assertEqual(names[-3:], ["--file", "a.c", "b.h"])

    def clippy(self, **kbuild: object) -> list[str]:
        with (
            mock.patch("kernel_build.prepare"),
            mock.patch("modules.kbuild", **kbuild) as self.kbuild,
            contextlib.redirect_stdout(io.StringIO()),
        ):
            return self.problems("clippy")

    def test_clippy_starts_from_scratch(self) -> None:
        old = self.settings.build / "clippy/kthread.o"
        old.parent.mkdir(parents=True)
        old.touch()
        self.clippy(return_value="")
        self.assertFalse(old.exists())

    def test_clippy(self) -> None:
        self.assertEqual(self.clippy(return_value="  CLIPPY [M] src/kthread.o\n"), [])
        self.assertEqual(self.kbuild.call_args.args[2], "clippy")
        self.assertIn(f"CLIPPY_CONF_DIR={self.dir}", self.kbuild.call_args.args[4])
        self.assertEqual(self.clippy(return_value="WARNING: modpost: x\n"), ["WARNING: modpost: x"])
        self.assertEqual(self.clippy(side_effect=Failure("error: y")), ["error: y"])


class Main(WithCheckout):
    def run_main(self, **checks: list[str]) -> tuple[int, list[str]]:
        def as_check(problems: list[str]) -> object:
            def run(*_: object) -> Iterator[str]:
                yield from problems

            return run

        table = {name: as_check(problems) for name, problems in checks.items()}
        screen = io.StringIO()
        with (
            mock.patch("check.CHECKS", table),
            mock.patch("check.source_files", return_value=[]),
            contextlib.redirect_stdout(screen),
        ):
            status = check.main(self.settings)
        return status, screen.getvalue().splitlines()

    def test_green(self) -> None:
        self.assertEqual(
            self.run_main(a=[], b=[]), (0, ["ok     a", "ok     b", "2 passed, 0 failed"])
        )

    def test_red_goes_on_to_the_end(self) -> None:
        status, lines = self.run_main(a=["bad", "worse"], b=[])
        self.assertEqual(status, 1)
        self.assertEqual(
            lines, ["FAILED a", "       bad", "       worse", "ok     b", "1 passed, 1 failed"]
        )


if __name__ == "__main__":
    unittest.main()
