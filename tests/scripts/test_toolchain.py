# SPDX-License-Identifier: GPL-2.0
"""Tests of toolchain.py, with fake compilers."""

import os
import re
import unittest
from pathlib import Path
from unittest import mock

import support
import toolchain
from cache import Cache
from settings import Failure
from toolchain import Rust

VERBOSE = "rustc 1.95.0 (59807616e 2026-04-14)\\nbinary: rustc\\nrelease: 1.95.0\\nhost: x"
GOOD_BINDGEN = 'if [ "$1" = --version ]; then echo bindgen 0.72.1; else cat "$1"; fi'


class WithFakeRust(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.sysroot = self.dir / "sysroot"
        self.sysroot.mkdir()
        self.fake(
            "rustc",
            f'if [ "$1" = --print ]; then echo {self.sysroot}; else printf "{VERBOSE}"; fi',
        )
        self.cache = Cache(self.dir / "c")
        self.rust = Rust.find(self.dir)


class FindRust(WithFakeRust):
    def test_identity(self) -> None:
        self.assertEqual(self.rust.version, "1.95.0")
        self.assertEqual(self.rust.line, "rustc 1.95.0 (59807616e 2026-04-14)")
        self.assertIn("host: x", self.rust.identity)
        self.assertEqual(self.rust.sysroot, self.sysroot)

    def test_the_very_compiler_comes_first_on_path(self) -> None:
        self.assertEqual(self.rust.path, [])
        self.write("sysroot/bin/rustc")
        self.assertEqual(self.rust.path, [f"{self.sysroot}/bin"])

    def test_missing(self) -> None:
        self.fake("rustc", "exit 1")
        with self.assertRaisesRegex(Failure, "rustc is missing or does not run: install"):
            Rust.find(self.dir)

    def test_too_old(self) -> None:
        for release, fits in (("1.84.1", False), ("1.85.0", True), ("2.0.0", True)):
            self.fake("rustc", f'[ "$1" = --print ] || echo "release: {release}"')
            if fits:
                Rust.find(self.dir)
            else:
                with self.assertRaisesRegex(Failure, "1.84.1 is too old .* get 1.85 or newer"):
                    Rust.find(self.dir)


class CoreSource(WithFakeRust):
    def get(self, *versions: str) -> Path:
        apt = mock.Mock()
        apt.versions.return_value = list(versions)
        apt.fetch.return_value = self.write("x.deb")

        def unpack(_deb: Path, member: str, into: Path, *_: object) -> None:
            (into / Path(member).name).mkdir()

        with mock.patch("debian.unpack", side_effect=unpack):
            path = toolchain.core_source(self.rust, self.cache, apt, self.step())
        self.apt = apt
        return path

    def test_rustups_own(self) -> None:
        self.write("sysroot/lib/rustlib/src/rust/library/core/src/lib.rs")
        self.assertEqual(self.get(), self.sysroot / "lib/rustlib/src/rust/library")

    def test_debians_of_the_same_version(self) -> None:
        path = self.get("1.96.1+dfsg1-2", "1.95.0+dfsg1-2~bpo13+1", "1.85.1+dfsg1-1")
        self.assertEqual(path, self.cache.root / "core/1.95.0/library")
        self.assertEqual(self.apt.fetch.call_args.args[1], "1.95.0+dfsg1-2~bpo13+1")
        self.assertFalse((self.dir / "x.deb").exists())
        self.get()
        self.apt.fetch.assert_not_called()

    def test_version_that_debian_lacks(self) -> None:
        with self.assertRaisesRegex(Failure, r"1\.95\.01, 1\.85\.1\).*rustup component add"):
            self.get("1.95.01+dfsg1-2", "1.85.1+dfsg1-1")


class Libclang(support.Sandbox):
    def find(self, *libraries: str, **options: int) -> str:
        for library in libraries:
            self.write(f"usr/lib/{library}")

        def redirected(path: str) -> Path:
            return self.dir / path.lstrip("/")

        with mock.patch("toolchain.Path", side_effect=redirected):
            found = toolchain.libclang(**options)
        return str(found.relative_to(self.dir / "usr/lib")) if found else ""

    def test_the_one_of_packages_sh(self) -> None:
        found = self.find(
            "llvm-14/lib/libclang-14.so.1",
            "llvm-19/lib/libclang-19.so.1",
            "llvm-22/lib/libclang-22.so.1",
        )
        self.assertEqual(found, "llvm-19/lib")

    def test_that_of_the_kernels_compiler(self) -> None:
        found = self.find(
            "llvm-19/lib/libclang-19.so.1", "llvm-22/lib/libclang-22.so.22", preferred=22
        )
        self.assertEqual(found, "llvm-22/lib")

    def test_else_the_newest(self) -> None:
        found = self.find("libclang.so.20.1", "llvm-18/lib/libclang-18.so.1")
        self.assertEqual(found, ".")

    def test_too_old_or_another_library(self) -> None:
        self.assertEqual(
            self.find("llvm-14/lib/libclang-14.so.1", "llvm-19/lib/libclang-cpp.so.19.1"), ""
        )

    def test_has_to_be_there(self) -> None:
        with mock.patch("toolchain.libclang", return_value=None):
            with self.assertRaisesRegex(Failure, "libclang1-19, or set LIBCLANG_PATH"):
                toolchain.require_libclang()

    def test_the_user_decides(self) -> None:
        os.environ["LIBCLANG_PATH"] = "/opt/clang"
        self.assertEqual(toolchain.libclang(), Path("/opt/clang"))


class BindgenOnPath(support.Sandbox):
    def test_good(self) -> None:
        self.assertEqual(toolchain.bindgen_on_path(), None)
        path = self.fake("bindgen", GOOD_BINDGEN)
        self.assertEqual(toolchain.bindgen_on_path(), path)

    def test_too_old(self) -> None:
        self.fake("bindgen", GOOD_BINDGEN.replace("0.72.1", "0.71.0"))
        self.assertIsNone(toolchain.bindgen_on_path())

    def test_does_not_run(self) -> None:
        self.fake("bindgen", 'if [ "$1" = --version ]; then echo bindgen 0.72.1; else exit 1; fi')
        self.assertIsNone(toolchain.bindgen_on_path())


class BuildBindgen(WithFakeRust):
    def build(self) -> Path:
        with toolchain.bindgen(self.rust, self.cache, self.step()) as bindgen:
            return bindgen.finish(self.step())

    def failure(self, output: str) -> str:
        self.fake("cargo", f"echo '{output}'; exit 101")
        with self.assertRaises(Failure) as caught:
            self.build()
        return str(caught.exception)

    def fake_cargo(self) -> None:
        self.write("built", f"#!/bin/sh\n{GOOD_BINDGEN}\n").chmod(0o755)
        self.fake(
            "cargo",
            f'echo "$@" >> {self.dir}/calls; mkdir -p target cargo bin\n'
            f'echo "home=$CARGO_HOME"; cp {self.dir}/built bin/bindgen',
        )

    def test_once(self) -> None:
        self.fake_cargo()
        path = self.build()
        self.assertEqual(self.build(), path)
        self.assertEqual(path, toolchain.find_bindgen(self.rust, self.cache))
        self.assertEqual(len((self.dir / "calls").read_text().splitlines()), 1)

    def test_leaves_nothing_but_bindgen(self) -> None:
        self.fake_cargo()
        folder = self.build().parent.parent
        names = sorted(path.name for path in folder.iterdir())
        self.assertEqual(names, [".complete", "bin", "log"])
        self.assertEqual((folder / "log").read_text(), f"home={folder}/cargo\n")

    def test_shows_percent(self) -> None:
        half = toolchain.BINDGEN_CRATES // 2
        self.fake("cargo", f"for n in $(seq {half}); do echo ' Compiling x'; done; exit 1")
        step = self.step()
        step.percent = mock.Mock()
        with self.assertRaises(Failure), toolchain.bindgen(self.rust, self.cache, step) as build:
            build.finish(step)
        self.assertEqual(step.percent.call_args.args[0], 50)

    def test_uses_the_users_cargo_configuration(self) -> None:
        self.fake_cargo()
        config = self.write(".cargo/config.toml")
        self.build()
        self.assertIn(f"--config {config}", (self.dir / "calls").read_text())

    def test_the_users_own_is_taken(self) -> None:
        path = self.fake("bindgen", GOOD_BINDGEN)
        self.fake("cargo", "exit 1")
        self.assertEqual(self.build(), path)

    def test_failures(self) -> None:
        self.assertIn("check the network", self.failure("Could not resolve host: index"))
        self.assertIn("needs about", self.failure("write: No space left on device"))
        self.assertIn("Run again", self.failure("error: could not compile"))

    def test_recovers(self) -> None:
        self.failure("spurious network error")
        self.fake_cargo()
        self.assertTrue(self.build().exists())


class Versions(unittest.TestCase):
    def test_packages_sh_installs_the_same_llvm(self) -> None:
        script = (support.ROOT / "scripts/packages.sh").read_text(encoding="utf-8")
        self.assertEqual(re.findall(r"^llvm=(\d+)", script, re.MULTILINE), [str(toolchain.LLVM)])


if __name__ == "__main__":
    unittest.main()
