# SPDX-License-Identifier: GPL-2.0
"""Tests of install.py and stage.sh, with a fake make."""

import io
import unittest
from contextlib import redirect_stderr
from pathlib import Path
from unittest import mock

import support
import doc
import install
import modules
from install import Place
from kernel_build import Kernel
from settings import Failure, Settings

RELEASE = "7.3.4-own"
MAKE = """\
echo "$*" >> {calls}
for word; do
	case $word in MO=*) out=${{word#*=}} ;; INSTALL_MOD_PATH=*) to=${{word#*=}} ;; esac
done
updates=$to/lib/modules/{release}/updates
case "$*" in
*modules_install) mkdir -p $updates && echo module > $updates/rust_kthread.ko ;;
*)
	mkdir -p $out/src
	echo metadata > $out/src/libkthread.rmeta
	symbols='_R1\\trust_kthread x\\tother'
	printf "0x0\\t%b\\tEXPORT_SYMBOL_GPL\\t\\n" $symbols > $out/Module.symvers
	;;
esac
"""


class Install(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.calls = self.write("calls")
        self.fake("make", MAKE.format(calls=self.calls, release=RELEASE))
        self.fake("depmod", f'echo "depmod $*" >> {self.calls}')
        root = self.dir / "checkout"
        for name in ("README.md", "LICENSE", "docs/design.md", "src/kthread.mk"):
            self.write(f"checkout/{name}", name)
        (root / "scripts").symlink_to(support.ROOT / "scripts")
        self.settings = Settings.from_environ({"JOBS": "3", "HOME": "/h"}, root)
        self.kernel = Kernel(self.dir / "k", None, self.dir / "k/vmlinux", RELEASE, "key")
        self.place = Place.from_environ({"DESTDIR": str(self.dir / "stage"), "PREFIX": "/usr"})
        self.pages = self.write("pages/kthread/index.html", "page")
        rustdoc = mock.patch.object(doc, "build", return_value=self.pages)
        self.rustdoc = rustdoc.start()
        self.addCleanup(rustdoc.stop)

    def install(self) -> list[str]:
        install.install(self.settings, self.kernel, self.place, self.progress)
        stage = self.dir / "stage"
        return sorted(str(path.relative_to(stage)) for path in stage.rglob("*") if path.is_file())

    def test_everything_is_there(self) -> None:
        there = f"lib/modules/{RELEASE}"
        self.assertEqual(
            self.install(),
            [
                f"{there}/kthread/Module.symvers",
                f"{there}/kthread/kernel.release",
                f"{there}/kthread/kthread.mk",
                f"{there}/kthread/libkthread.rmeta",
                f"{there}/updates/rust_kthread.ko",
                "usr/share/doc/kthread/LICENSE",
                "usr/share/doc/kthread/README.md",
                "usr/share/doc/kthread/design.md",
                "usr/share/doc/kthread/html/kthread/index.html",
            ],
        )
        self.assertEqual(self.rustdoc.call_args.args[3], "crate")

    def test_again(self) -> None:
        """What is no longer there is not left from the time before."""
        first = self.install()
        self.pages.rename(self.pages.with_name("all.html"))
        self.rustdoc.return_value = self.pages.with_name("all.html")
        second = self.install()
        self.assertEqual(len(first), len(second))
        self.assertIn("usr/share/doc/kthread/html/kthread/all.html", second)

    def test_only_the_crate_is_built(self) -> None:
        self.install()
        self.assertIn(" KTHREAD_WITH= modules\n", self.calls.read_text())

    def test_only_symbols_of_the_crate(self) -> None:
        self.install()
        symbols = self.place.imports(RELEASE) / "Module.symvers"
        self.assertEqual(symbols.read_text(), "0x0\t_R1\trust_kthread\tEXPORT_SYMBOL_GPL\t\n")

    def test_places(self) -> None:
        place = Place.from_environ({})
        self.assertEqual(place.modules("6"), Path("/lib/modules/6"))
        self.assertEqual(place.documents, Path("/usr/local/share/doc/kthread"))
        place = Place.from_environ({"INSTALL_MOD_PATH": "/usr", "DESTDIR": "/d", "PREFIX": "/opt"})
        self.assertEqual(place.imports("6"), Path("/d/usr/lib/modules/6/kthread"))
        self.assertEqual(place.documents, Path("/d/opt/share/doc/kthread"))

    def test_may_not_write(self) -> None:
        with (
            mock.patch.object(modules, "stage", side_effect=PermissionError),
            self.assertRaisesRegex(Failure, "run this as root, or set DESTDIR"),
        ):
            self.install()

    def test_uninstall_leaves_what_others_put_there(self) -> None:
        self.install()
        foreign = [self.place.modules(RELEASE) / "updates/other.ko", self.dir / "stage/usr/x"]
        for path in foreign:
            path.write_text("")
        with self.progress.step("Removal") as step:
            install.uninstall(self.place, RELEASE, step)
        left = [path for path in (self.dir / "stage").rglob("*") if path.is_file()]
        self.assertEqual(sorted(left), sorted(foreign))
        self.assertIn(f"depmod -b {self.place.root} {RELEASE}\n", self.calls.read_text())

    def test_nothing_to_uninstall(self) -> None:
        with (
            self.assertRaisesRegex(Failure, f"nothing is installed for Linux {RELEASE}"),
            self.progress.step("Removal") as step,
        ):
            install.uninstall(self.place, RELEASE, step)

    def test_without_a_kernel(self) -> None:
        with redirect_stderr(io.StringIO()), self.assertRaisesRegex(Failure, "KDIR"):
            install.main(self.settings)


if __name__ == "__main__":
    unittest.main()
