# SPDX-License-Identifier: GPL-2.0
"""Tests of preflight.py, on a fake kernel build."""

import os
import unittest

import support
import preflight
from preflight import Compiler, Tools
from settings import Failure, Settings

RUSTC = "rustc 1.95.0 (59807616e 2026-04-14)"
TOOLS = Tools(rustc=RUSTC, bindgen=True, libclang=True)
CONFIG = f"""\
#
# Automatically generated file; DO NOT EDIT.
CONFIG_MODULES=y
CONFIG_RUST=y
CONFIG_CC_IS_GCC=y
CONFIG_CC_VERSION_TEXT="gcc (Debian 12.2.0-14+deb12u1) 12.2.0"
CONFIG_RUSTC_VERSION_TEXT="{RUSTC}"
"""


class WithFakeKernel(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.kdir = self.dir / "k"
        for name in ("Makefile", ".config", "Module.symvers"):
            self.write(f"k/{name}")
        for name in preflight.METADATA:
            self.write(f"k/rust/{name}")
        self.release("7.3.4-kthread")
        self.config(CONFIG)
        os.environ["PATH"] = str(self.bin)
        self.fake("gcc", "true")

    def release(self, text: str) -> None:
        self.write("k/include/config/kernel.release", f"{text}\n")

    def config(self, text: str) -> None:
        self.write("k/include/config/auto.conf", text)

    def reasons(self, tools: Tools = TOOLS) -> list[str]:
        """The reasons, one a line, without the head line."""
        try:
            preflight.require(self.kdir, tools)
        except Failure as failure:
            head, *reasons = str(failure).split("\n  - ")
            self.assertEqual(head, f"modules cannot be built against KDIR={self.kdir}:")
            return reasons
        return []

    def assert_reason(self, *parts: str, tools: Tools = TOOLS) -> None:
        """There is one reason, and it holds these parts."""
        reasons = self.reasons(tools)
        self.assertEqual(len(reasons), 1, reasons)
        for part in parts:
            self.assertIn(part, reasons[0])


class Reasons(WithFakeKernel):
    def test_none(self) -> None:
        self.assertEqual(self.reasons(), [])

    def test_no_folder(self) -> None:
        self.kdir = self.dir / "nowhere"
        self.assert_reason("no such folder", "Give the build folder")

    def test_not_a_kernel_build(self) -> None:
        for name in ("Makefile", ".config", "include/config/auto.conf"):
            with self.subTest(name):
                (self.kdir / name).rename(self.dir / "away")
                self.assert_reason("not a built kernel", f"{name} missing", "O=")
                (self.dir / "away").rename(self.kdir / name)

    def test_no_modules(self) -> None:
        self.config(CONFIG.replace("CONFIG_MODULES=y\n", ""))
        self.assert_reason("cannot load modules", "Set CONFIG_MODULES=y")

    def test_no_rust(self) -> None:
        self.config(CONFIG.replace("CONFIG_RUST=y\n", ""))
        self.assert_reason("no Rust support", "Set CONFIG_RUST=y", "make rustavailable")

    def test_no_metadata(self) -> None:
        (self.kdir / "rust/libkernel.rmeta").unlink()
        self.assert_reason("libkernel.rmeta in", "Packages of kernel headers leave it out")

    def test_no_macros(self) -> None:
        (self.kdir / "rust/libmacros.so").unlink()
        self.assert_reason("libmacros.so in", "built from source")

    def test_no_symbols(self) -> None:
        (self.kdir / "Module.symvers").unlink()
        self.assert_reason("Module.symvers", "Run `make` there")

    def test_another_rustc(self) -> None:
        self.config(CONFIG.replace("1.95.0 (59807616e", "1.85.1 (4eb161250"))
        self.assert_reason("'rustc 1.85.1 (4eb161250", f"'{RUSTC}'", "rustup override set 1.85.1")

    def test_too_old(self) -> None:
        self.release("6.12.3-amd64")
        self.assert_reason("6.12.3-amd64", "7.2 is the oldest supported")

    def test_new_enough(self) -> None:
        for release in ("7.2.0", "7.10.1", "8.0.0-rc1"):
            self.release(release)
            self.assertEqual(self.reasons(), [], release)

    def test_never_built(self) -> None:
        (self.kdir / "include/config/kernel.release").unlink()
        self.assert_reason("kernel.release is missing", "Run `make` there")

    def test_no_rustc(self) -> None:
        self.assert_reason("rustc is missing", "rustup", tools=Tools("", True, True))

    def test_no_bindgen(self) -> None:
        self.assert_reason("bindgen is missing", "cargo install", tools=Tools(RUSTC, False, True))

    def test_no_libclang(self) -> None:
        self.assert_reason("libclang", "LIBCLANG_PATH", tools=Tools(RUSTC, True, False))

    def test_no_compiler(self) -> None:
        (self.bin / "gcc").unlink()
        self.assert_reason("built by 'gcc (Debian", "Install gcc")

    def test_all_at_once(self) -> None:
        self.config("CONFIG_CC_IS_CLANG=y\n")
        self.release("6.1.0")
        (self.kdir / "Module.symvers").unlink()
        self.assertEqual(len(self.reasons(Tools("", False, False))), 8)


class KernelsCompiler(WithFakeKernel):
    CLANG = {
        "CONFIG_CC_IS_CLANG": "y",
        "CONFIG_CC_VERSION_TEXT": "Debian clang version 19.1.7 (3~deb12u1)",
    }

    def test_gcc(self) -> None:
        text = {"CONFIG_CC_VERSION_TEXT": "gcc (Debian 12.2.0-14+deb12u1) 12.2.0"}
        self.assertEqual(Compiler.of(text).make, ())

    def test_gcc_of_another_name(self) -> None:
        self.fake("x86_64-linux-gnu-gcc-14", "true")
        text = {"CONFIG_CC_VERSION_TEXT": "x86_64-linux-gnu-gcc-14 (Debian 14.2.0-19) 14.2.0"}
        self.assertEqual(Compiler.of(text).make, ("CC=x86_64-linux-gnu-gcc-14",))

    def test_clang_with_a_number(self) -> None:
        self.fake("clang-19", "true")
        self.fake("ld.lld-19", "true")
        found = Compiler.of(self.CLANG)
        self.assertEqual((found.make, found.llvm, found.missing), (("LLVM=-19",), 19, ""))

    def test_clang_without(self) -> None:
        self.fake("clang", "echo clang version 19.1.0")
        self.fake("ld.lld", "true")
        self.assertEqual(Compiler.of(self.CLANG).make, ("LLVM=1",))

    def test_clang_without_its_linker(self) -> None:
        self.fake("clang-19", "true")
        self.fake("clang", "echo clang version 19.1.0")
        self.assertIn("lld-19", Compiler.of(self.CLANG).missing)

    def test_another_clang(self) -> None:
        self.fake("clang", "echo clang version 18.1.0")
        self.fake("ld.lld", "true")
        self.assertIn("Install clang-19, lld-19 and llvm-19", Compiler.of(self.CLANG).missing)


class OnThisMachine(WithFakeKernel):
    def find(self) -> Tools:
        environ = {"CACHE": str(self.dir / "c"), "HOME": str(self.dir)}
        return Tools.find(Settings.from_environ(environ))

    def test_nothing(self) -> None:
        self.assertEqual(self.find().rustc, "")
        self.assertFalse(self.find().bindgen)

    def test_bindgen_can_be_built(self) -> None:
        self.fake("rustc", f'[ "$1" = --print ] || printf "{RUSTC}\\nrelease: 1.95.0\\n"')
        self.assertFalse(self.find().bindgen)
        self.fake("cargo", "true")
        self.assertEqual(self.find().rustc, RUSTC)
        self.assertTrue(self.find().bindgen)


if __name__ == "__main__":
    unittest.main()
