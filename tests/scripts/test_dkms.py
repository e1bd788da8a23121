# SPDX-License-Identifier: GPL-2.0
"""Tests of dkms.py and dkms.sh, with fakes of DKMS and make."""

import shutil
import subprocess
import unittest

import support
from dkms import Dkms
from kernel_build import Kernel
from settings import Settings
from workshop import Workshop

DKMS = """\
echo "$PATH $LLVM: $*" >> {calls}
for word; do case $last in
	--installtree) modules=$word/7.3;;
	--dkmstree) tree=$word;;
	esac; last=$word; done
case $1 in
{broken}) echo 'error[E0425]: no x' > $tree/make.log; exit 10 ;;
install) mkdir -p $modules/updates $modules/kthread; touch $modules/updates/rust_kthread.ko.xz ;;
remove) rm -r $modules/updates ;;
esac
"""


class Steps(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        settings = Settings.from_environ({"HOME": "/h"}, self.dir / "checkout")
        for name in ("scripts", "src", "Kbuild", "LICENSE", "tests/downstream"):
            source, target = support.ROOT / name, settings.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy)(source, target)
        settings.build.mkdir(parents=True)
        self.fake("make", "true")
        self.fake("clang-19", "true")
        self.fake("unshare", 'shift; "$@"')
        kernel = Kernel(self.dir / "k", None, self.dir / "k/vmlinux", "7.3", "key")
        kernel.make = ["ARCH=x86_64", "LLVM=-19"]
        with self.progress.step("Drivers") as step:
            self.shop = Workshop(settings, kernel, self.dir / "shop", step)
        self.calls = self.write("calls")

    def checks(self, broken: str = "nothing") -> dict[str, str]:
        """Why each step failed, "" if it did not."""
        self.fake("dkms", DKMS.format(calls=self.calls, broken=broken))
        checks = Dkms(self.shop).checks()
        return {check.name: "" if check.passed else check.reason for check in checks}

    def test_all_is_well(self) -> None:
        names = ("add", "build", "install", "driver", "remove")
        self.assertEqual(self.checks(), dict.fromkeys(names, ""))

    def test_nothing_is_done_to_the_system(self) -> None:
        self.checks()
        for call in self.calls.read_text().splitlines():
            self.assertIn(f"--dkmstree {self.dir}/shop/dkms/tree ", call)
            self.assertIn(f"--installtree {self.dir}/shop/dkms/modules", call)
            self.assertIn(" --no-depmod ", call)

    def test_version_is_that_of_the_configuration(self) -> None:
        self.checks()
        self.assertRegex(self.calls.read_text(), r"add -m kthread -v \d+(\.\d+)+ ")

    def test_compiler_has_the_name_that_dkms_uses(self) -> None:
        self.checks()
        self.assertTrue((self.dir / "shop/dkms/bin/clang").samefile(self.bin / "clang-19"))
        self.assertTrue(self.calls.read_text().startswith(f"{self.dir}/shop/dkms/bin:"))
        self.assertIn(" -19: add", self.calls.read_text())

    def test_failure_ends_it_and_shows_the_log(self) -> None:
        checks = self.checks("build")
        self.assertEqual(list(checks), ["add", "build"])
        self.assertIn("error[E0425]: no x", checks["build"])

    def test_module_that_is_not_there(self) -> None:
        self.fake("dkms", "true")
        (*_, last) = Dkms(self.shop).checks()
        self.assertEqual((last.name, last.passed), ("install", False))

    def test_leftovers(self) -> None:
        script = DKMS.replace("rm -r $modules/updates", "true")
        self.fake("dkms", script.format(calls=self.calls, broken="nothing"))
        (*_, last) = Dkms(self.shop).checks()
        self.assertIn("rust_kthread.ko.xz", last.reason)


class Script(support.Sandbox):
    def run_script(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        script = support.ROOT / "scripts/dkms.sh"
        return subprocess.run([script, *arguments], capture_output=True, text=True, check=False)

    def test_imports_come_and_go(self) -> None:
        self.write("import/kthread.mk", "new")
        self.write("modules/kthread/old")
        self.run_script("import", f"{self.dir}/import", f"{self.dir}/modules")
        names = [path.name for path in (self.dir / "modules/kthread").iterdir()]
        self.assertEqual(names, ["kthread.mk"])
        self.run_script("forget", f"{self.dir}/modules")
        self.assertEqual(list((self.dir / "modules").iterdir()), [])

    def test_sources(self) -> None:
        result = self.run_script("source", str(self.dir / "target"))
        (folder,) = (self.dir / "target").iterdir()
        self.assertIn(f"{folder}: now run 'dkms install kthread/", result.stdout)
        names = {path.name for path in folder.iterdir()}
        self.assertEqual(names, {"Kbuild", "LICENSE", "dkms.conf", "scripts", "src"})

    def test_unknown_verb(self) -> None:
        result = self.run_script("explode")
        self.assertEqual(result.returncode, 1)
        self.assertIn("Say source, import or forget", result.stderr)


if __name__ == "__main__":
    unittest.main()
