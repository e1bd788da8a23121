# SPDX-License-Identifier: GPL-2.0
"""Tests of modules.py, with a fake make."""

import unittest
from unittest import mock

import support
import modules
from kernel_build import Kernel
from settings import Failure, Settings

MAKE = """\
echo "$*" >> {calls}
for word; do case $word in MO=*) out=${{word#MO=}};; esac; done
mkdir -p $out/samples $out/src
echo metadata > $out/src/libkthread.rmeta
printf '0x0\\t_R1\\trust_kthread\\tEXPORT_SYMBOL_GPL\\t\\n' > $out/Module.symvers
echo one > $out/rust_kthread.ko
echo two > $out/samples/poller.ko
printf 'rust_kthread.o\\nsamples/poller.o\\n' > $out/modules.order
echo "make: Entering directory '/k'"
echo '  RUSTC [M] src/kthread.o'
"""


class Build(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.calls = self.write("calls")
        (self.dir / "scripts").symlink_to(support.ROOT / "scripts")
        self.settings = Settings.from_environ({"JOBS": "3", "HOME": "/h"}, self.dir)
        self.kernel = Kernel(
            self.dir / "k", None, self.dir / "k/vmlinux", "7.3", "key", {"MARK": "1"}, ["LLVM=-19"]
        )
        self.fake_make()

    def fake_make(self, end: str = "") -> None:
        self.fake("make", MAKE.format(calls=self.calls) + end)

    def build(self) -> list[str]:
        folder = modules.build(self.settings, self.kernel, self.progress)
        return sorted(path.name for path in folder.iterdir())

    def failure(self) -> str:
        with self.assertRaises(Failure) as caught:
            self.build()
        return str(caught.exception)

    def test_modules_end_up_in_one_folder(self) -> None:
        self.assertEqual(self.build(), ["poller.ko", "rust_kthread.ko"])

    def test_call(self) -> None:
        self.build()
        objects = self.settings.build / "objects"
        self.assertEqual(
            self.calls.read_text(),
            f"-C {self.dir}/k M={self.dir} MO={objects} -j3 LLVM=-19 "
            "KTHREAD_WITH=samples tests modules\n",
        )

    def test_what_drivers_need_is_gathered(self) -> None:
        self.build()
        imports = self.settings.build / "import"
        self.assertEqual(
            sorted(path.name for path in imports.iterdir()),
            ["Module.symvers", "kernel.release", "kthread.mk", "libkthread.rmeta"],
        )
        self.assertEqual((imports / "kernel.release").read_text(), "7.3\n")

    def test_environment(self) -> None:
        self.fake_make('echo "mark $MARK"')
        self.build()
        self.assertIn("mark 1", self.screen.getvalue())

    def test_quiet_when_all_is_well(self) -> None:
        self.build()
        self.assertEqual(self.screen.getvalue(), "[2/9] Modules ... 0:00\n")

    def test_warnings_are_shown(self) -> None:
        self.fake_make("echo 'WARNING: modpost: oh'; echo 'warning: unused'; echo '  --> src/a.rs'")
        self.build()
        for text in ("WARNING: modpost: oh", "warning: unused", "--> src/a.rs"):
            self.assertIn(text, self.screen.getvalue())

    def test_errors_are_shown_without_the_chatter(self) -> None:
        self.fake_make("echo 'error[E0425]: no x'; echo 'make[2]: *** [a.o] Error 1'; exit 2")
        message = self.failure()
        self.assertIn("could not be built; the full log is", message)
        self.assertTrue(message.endswith("\nerror[E0425]: no x"), message)

    def test_a_flood_of_errors_is_cut(self) -> None:
        self.fake_make("yes error | head -1000; exit 2")
        self.assertLess(self.failure().count("\n"), 300)

    def test_module_that_is_gone_is_not_offered(self) -> None:
        self.build()
        self.fake_make("rm $out/samples/poller.ko; echo rust_kthread.o > $out/modules.order")
        self.assertEqual(self.build(), ["rust_kthread.ko"])

    def test_another_kernel_starts_afresh(self) -> None:
        self.build()
        left = self.settings.build / "objects/left"
        left.touch()
        self.build()
        self.assertTrue(left.exists())
        self.kernel.key = "other"
        self.build()
        self.assertFalse(left.exists())

    def test_full_disk(self) -> None:
        self.fake_make("echo 'as: No space left on device'; exit 2")
        self.assertIn("not enough disk space for building the modules", self.failure())

    def test_no_space_from_the_start(self) -> None:
        with mock.patch("shutil.disk_usage", return_value=mock.Mock(free=0)):
            self.assertIn("needs about 100 MiB", self.failure())
        self.assertEqual(self.calls.read_text(), "")


if __name__ == "__main__":
    unittest.main()
