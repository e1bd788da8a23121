# SPDX-License-Identifier: GPL-2.0
"""Tests of llvm.py, with tools that only pretend."""

import struct
import unittest

import support
import llvm
from llvm import Llvm
from settings import Failure
from toolchain import Rust

VERSION = 'echo "Debian LLVM version {}.1.8"'


class Tools(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        identity = "rustc 1.95.0\nrelease: 1.95.0\nLLVM version: 22.1.2"
        self.rust = Rust("1.95.0", "rustc 1.95.0", identity, self.dir / "sysroot")
        self.set_environ(PATH=str(self.bin))

    def tool(self, name: str, version: int = 22) -> str:
        return str(self.fake(name, VERSION.format(version)))

    def found(self) -> str:
        return Llvm(self.rust)._find("llvm-cov")

    def test_that_of_debian(self) -> None:
        self.tool("llvm-profdata-22")
        self.tool("llvm-cov")
        path = self.tool("llvm-cov-22")
        self.assertEqual(self.found(), path)

    def test_that_of_rustup(self) -> None:
        self.tool("llvm-profdata")
        script = f"#!/bin/sh\n{VERSION.format(22)}\n"
        path = self.write("sysroot/lib/rustlib/host/bin/llvm-cov", script)
        path.chmod(0o755)
        self.assertEqual(self.found(), str(path))

    def test_that_of_another_system(self) -> None:
        self.tool("llvm-profdata")
        path = self.tool("llvm-cov")
        self.assertEqual(self.found(), path)

    def test_another_version_is_none(self) -> None:
        self.tool("llvm-cov", 14)
        self.tool("llvm-profdata", 14)
        with self.assertRaisesRegex(Failure, "llvm-cov of LLVM 22 is missing.*package llvm-22"):
            Llvm(self.rust)


class RawProfile(support.Sandbox):
    def test_layout(self) -> None:
        content = struct.pack("<4Q", 128, 2 * 64, 3 * 8, 5) + bytes(range(128 + 24 + 5))
        profile = llvm.raw_profile(content)
        words = struct.unpack_from("<16Q", profile)
        self.assertEqual(profile[:8], b"\x81rforpl\xff")
        self.assertEqual(words[1:], (10, 0, 2, 0, 3, 0, 0, 0, 5, 128, 0, 0, 0, 0, 2))
        self.assertEqual(profile[128:], bytes(range(128 + 24 + 5)) + bytes(3))

    def test_names_that_need_no_padding(self) -> None:
        content = struct.pack("<4Q", 0, 0, 0, 8) + bytes(8)
        self.assertEqual(len(llvm.raw_profile(content)), 128 + 8)


if __name__ == "__main__":
    unittest.main()
