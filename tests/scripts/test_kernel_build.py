# SPDX-License-Identifier: GPL-2.0
"""Tests of kernel_build.py, with a fake make."""

import os
import unittest
from pathlib import Path
from unittest import mock

import support
import kernel_build
import preflight
from cache import Cache
from kernel_build import Kernel, Recipe
from kernel_source import Source
from settings import Failure, Settings
from toolchain import Rust

RUSTC = "rustc 1.95.0 (59807616e 2026-04-14)"
# Leaves what a kernel build leaves, in the folder of its O=.
MAKE = """\
echo "$*" >> {calls}
for word; do
    case $word in O=*) out=${{word#O=}};; KCONFIG_ALLCONFIG=*) config=${{word#*=}};; esac
done
case "$*" in
*allnoconfig) cp $config $out/.config; exit;;
esac
mkdir -p $out/include/config $out/rust
touch $out/vmlinux $out/Makefile $out/Module.symvers
for name in {metadata}; do touch $out/rust/$name; done
echo 7.3.4-kthread > $out/include/config/kernel.release
(cat $out/.config; echo 'CONFIG_RUSTC_VERSION_TEXT="{rustc}"'
echo 'CONFIG_CC_VERSION_TEXT="gcc 12.2.0"') > $out/include/config/auto.conf
"""


class WithFakeMake(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.calls = self.write("calls")
        self.write("tests/guest/config/common.config", "CONFIG_RUST=y\nCONFIG_MODULES=y\n")
        self.write("tests/guest/config/x86_64.config", "CONFIG_ACPI=y\n")
        self.write("tests/guest/config/debug.config", "CONFIG_KASAN=y\n")
        self.fake_make()
        for tool in ("gcc", "ld", "bindgen", "clang-19", "ld.lld-19"):
            self.fake(tool, f"echo {tool} version 19.1.7")
        self.rust = Rust("1.95.0", RUSTC, f"{RUSTC}\nhost: x", self.dir)
        self.source = Source(self.dir / "source", "7.3.4-1~bpo13+1")
        self.env = {"PATH": os.environ["PATH"], "LIBCLANG_PATH": "/l"}

    def fake_make(self, end: str = "") -> None:
        metadata = " ".join(preflight.METADATA)
        script = MAKE.format(calls=self.calls, metadata=metadata, rustc=RUSTC)
        self.fake("make", script + end)

    def settings(self, **environ: str) -> Settings:
        environ |= {"CACHE": str(self.dir / "c"), "HOME": str(self.dir)}
        return Settings.from_environ(environ, self.dir)

    def build(self, **environ: str) -> Kernel:
        settings = self.settings(**environ)
        recipe = Recipe(settings, self.source, self.rust, self.env)
        self.last_step = self.step()
        with mock.patch("kernel_build.require_space"):
            return recipe.kernel(Cache(settings.cache), self.last_step)

    @property
    def makes(self) -> int:
        """How often make was called since the last time."""
        count = len(self.calls.read_text().splitlines())
        self.calls.write_text("")
        return count


class Build(WithFakeMake):
    def test_plain(self) -> None:
        kernel = self.build(JOBS="3")
        configure, build = self.calls.read_text().splitlines()
        self.assertIn(f"-C {self.source.dir} O={kernel.dir} ARCH=x86_64 -j3", configure)
        self.assertTrue(build.endswith("ARCH=x86_64 -j3 vmlinux modules"), build)
        self.assertEqual(kernel.image, kernel.dir / "vmlinux")
        self.assertEqual(kernel.release, "7.3.4-kthread")
        self.assertEqual(kernel.make, ["ARCH=x86_64"])
        self.assertEqual(
            (kernel.dir / "requested.config").read_text(),
            "CONFIG_RUST=y\nCONFIG_MODULES=y\nCONFIG_ACPI=y\n",
        )

    def test_debug_is_built_with_clang_and_more_options(self) -> None:
        kernel = self.build(KERNEL="debug")
        self.assertEqual(kernel.make, ["ARCH=x86_64", "LLVM=-19"])
        self.assertIn("CONFIG_KASAN=y", (kernel.dir / "requested.config").read_text())

    def test_second_run_builds_nothing(self) -> None:
        first = self.build()
        self.assertEqual(self.makes, 2)
        self.assertEqual(self.build(), first)
        self.assertEqual(self.makes, 0)
        self.assertTrue(self.last_step.is_cached)

    def test_what_makes_another_kernel(self) -> None:
        keys = {self.build().key}

        def expect_another(what: str, **environ: str) -> None:
            key = self.build(**environ).key
            self.assertNotIn(key, keys, what)
            self.assertEqual(self.makes, 2, what)
            keys.add(key)

        self.assertEqual(self.makes, 2)
        expect_another("flavour", KERNEL="debug")
        self.write(
            "tests/guest/config/common.config", "CONFIG_RUST=y\nCONFIG_MODULES=y\nCONFIG_A=y"
        )
        expect_another("option")
        self.fake("gcc", "echo gcc version 13")
        expect_another("compiler")
        self.fake("ld", "echo ld version 3")
        expect_another("linker")
        self.fake("bindgen", "echo bindgen 0.99")
        expect_another("bindgen")
        self.rust = Rust("1.95.0", RUSTC, "other", self.dir)
        expect_another("rustc")
        self.source = Source(self.dir / "source2", "7.3.5-1")
        expect_another("source")

    def test_a_comment_does_not(self) -> None:
        first = self.build()
        self.write("tests/guest/config/x86_64.config", "# Power off.\nCONFIG_ACPI=y\n")
        self.assertEqual(self.build().key, first.key)

    def test_interrupted_build_is_resumed(self) -> None:
        self.fake_make('case "$*" in *modules) exit 2;; esac')
        with self.assertRaisesRegex(Failure, "make failed with status 2"):
            self.build()
        (folder,) = (self.dir / "c/kernel").iterdir()
        self.write(f"{folder.relative_to(self.dir)}/kernel/kthread.o")
        self.fake_make()
        self.assertEqual(self.build().dir, folder)
        self.assertTrue((folder / "kernel/kthread.o").exists())

    def test_incomplete_build_is_not_taken(self) -> None:
        self.fake_make('rm -f "$out/Module.symvers"')
        with self.assertRaisesRegex(Failure, "Module.symvers"):
            self.build()
        self.fake_make()
        self.build()

    def test_full_disk(self) -> None:
        self.fake_make("echo 'ld: final link failed: No space left on device'; exit 1")
        with self.assertRaisesRegex(Failure, "disk space for the kernel build: it needs about 600"):
            self.build()

    def test_missing_tool(self) -> None:
        self.fake("ld", "exit 1")
        with self.assertRaisesRegex(Failure, "ld is missing or does not run"):
            self.build()

    def test_percent(self) -> None:
        shown = []
        step = self.step()
        step.percent = shown.append
        recipe = Recipe(self.settings(), self.source, self.rust, self.env)
        watch = recipe._percent(step)
        watch("  CC      a.o\n  AR      b.a\nwarning: x\n")
        watch("  RUSTC L rust/core.o\n")
        units = [2, 3 + kernel_build.RUST_WEIGHT]
        self.assertEqual(shown, [100 * n / recipe.settings.flavour.commands for n in units])


class Prepare(WithFakeMake):
    def prepare(self, running: bool) -> list[str]:
        """The steps, in the order in which they ended."""
        bindgen = mock.Mock(running=running)
        bindgen.finish.return_value = self.bin / "bindgen"

        def source(*_: object) -> Source:
            bindgen.finish.assert_not_called() if running else bindgen.finish.assert_called()
            return self.source

        with (
            mock.patch("kernel_build.Rust.find", return_value=self.rust),
            mock.patch("toolchain.require_libclang", return_value=Path("/l")),
            mock.patch("toolchain.bindgen") as build,
            mock.patch("toolchain.core_source", return_value=Path("/core")),
            mock.patch("kernel_source.prepare", side_effect=source),
            mock.patch("kernel_build.require_space"),
        ):
            build.return_value.__enter__.return_value = bindgen
            self.kernel = kernel_build.prepare(self.settings(), self.progress)
        return [
            line.partition("]")[0] for line in self.screen.getvalue().splitlines() if "[" in line
        ]

    def test_one_step_after_the_other(self) -> None:
        self.assertEqual(self.prepare(running=False), ["[2/9", "[3/9", "[4/9"])

    def test_source_is_downloaded_while_bindgen_is_built(self) -> None:
        self.assertEqual(self.prepare(running=True), ["[3/9", "[2/9", "[4/9"])

    def test_environment(self) -> None:
        self.prepare(running=False)
        self.assertEqual(self.kernel.env["RUST_LIB_SRC"], "/core")
        self.assertEqual(self.kernel.env["LIBCLANG_PATH"], "/l")
        self.assertTrue(self.kernel.env["PATH"].startswith(f"{self.bin}:"))


class RequireConfig(unittest.TestCase):
    def test_all_there(self) -> None:
        requested = '# Comment\nCONFIG_A=y\nCONFIG_S="-x"\n# CONFIG_B is not set\n'
        kernel_build.require_config(requested, 'CONFIG_S="-x"\nCONFIG_A=y\nCONFIG_C=y\n')

    def test_names_what_was_dropped(self) -> None:
        requested = "CONFIG_A=y\nCONFIG_N=8\nCONFIG_GONE=y\n# CONFIG_B is not set\n"
        with self.assertRaises(Failure) as caught:
            kernel_build.require_config(requested, "CONFIG_A=m\nCONFIG_N=8\nCONFIG_B=y\n")
        _, *dropped = str(caught.exception).split("\n  - ")
        self.assertEqual(
            dropped,
            [
                "CONFIG_A: asked for y, got m",
                "CONFIG_GONE: asked for y, got n",
                "CONFIG_B: asked for n, got y",
            ],
        )

    def test_later_fragment_wins(self) -> None:
        kernel_build.require_config("CONFIG_A=n\nCONFIG_A=y\n", "CONFIG_A=y\n")


class UsersKernel(WithFakeMake):
    def setUp(self) -> None:
        super().setUp()
        built = self.build()
        self.kdir = self.dir / "mine"
        built.dir.rename(self.kdir)
        self.fake(
            "rustc",
            f'if [ "$1" = --print ]; then echo {self.dir}; '
            f'else printf "{RUSTC}\\nrelease: 1.95.0\\n"; fi',
        )
        self.fake("bindgen", 'if [ "$1" = --version ]; then echo bindgen 0.72.1; else cat "$1"; fi')

    def prepare(self) -> Kernel:
        with mock.patch("toolchain.libclang", return_value=Path("/l")) as self.libclang:
            return kernel_build.prepare(self.settings(KDIR=str(self.kdir)), self.progress)

    def test_is_taken_as_it_is(self) -> None:
        self.calls.write_text("")
        kernel = self.prepare()
        self.assertEqual(self.makes, 0)
        self.assertEqual((kernel.dir, kernel.release), (self.kdir, "7.3.4-kthread"))
        self.assertEqual(kernel.make, ["ARCH=x86_64"])

    def test_gets_the_libclang_of_its_compiler(self) -> None:
        for compiler, expected in ((22, 22), (None, 19)):
            found = mock.Mock(llvm=compiler, make=(), missing="")
            with mock.patch("kernel_build.Compiler.of", return_value=found):
                self.prepare()
            self.libclang.assert_called_with(expected)

    def test_is_checked(self) -> None:
        (self.kdir / "Module.symvers").unlink()
        with self.assertRaisesRegex(Failure, "Module.symvers"):
            self.prepare()


if __name__ == "__main__":
    unittest.main()
