# SPDX-License-Identifier: GPL-2.0
"""Tests of downstream.py, with a fake make."""

import unittest
from unittest import mock

import support
import downstream
import install
from dkms import Dkms
from kernel_build import Kernel
from settings import Settings

MAKE = """\
for word; do case $word in MO=*) out=${word#MO=};; KTHREAD=*) from=${word#*=};; esac; done
case "$*" in *M=*/%s*) echo 'error[E0463]: no crate'; exit 2;; esac
mkdir -p $out/src && echo driver > $out/downstream.ko
touch $out/src/libkthread.rmeta
printf '0x0\\t_R1\\trust_kthread\\tEXPORT_SYMBOL_GPL\\t\\n' > $out/Module.symvers
if [ "$(cat $from/kernel.release 2>/dev/null)" = 6.6.6 ]; then
	echo "it is for Linux 6.6.6, not 7.3"
	exit 2
fi
"""


class Ways(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.settings = Settings.from_environ({"HOME": "/h"}, support.ROOT)
        self.enterContext(
            mock.patch.object(Settings, "build", new=property(lambda _: self.dir / "build"))
        )
        (self.dir / "build").mkdir()
        self.symbols = "0x1 _R1\n0x2 _R2\n0x1 _R3\n"
        self.write("k/include/config/auto.conf", "")
        self.kernel = Kernel(self.dir / "k", None, self.dir / "k/vmlinux", "7.3", "key")
        self.enterContext(mock.patch.object(install, "install", self.fake_install))
        self.enterContext(mock.patch.object(Dkms, "checks", return_value=[]))

    def fake_install(
        self, _settings: object, kernel: Kernel, place: install.Place, _progress: object
    ) -> None:
        imports = place.imports(kernel.release)
        imports.mkdir(parents=True)
        (imports / "kernel.release").write_text(f"{kernel.release}\n")
        (imports / "Module.symvers").write_text(self.symbols)

    def checks(self, broken: str = "nothing", release: str = "6.6.6") -> dict[str, str]:
        """Why each way failed, "" if it did not; the fake make fails in one folder, and for one
        release."""
        self.fake("make", (MAKE % broken).replace("6.6.6", release))
        with downstream.prepared(self.settings, self.kernel, self.progress) as (checks, tree):
            self.files = sorted(path.name for path in (tree / "downstream").iterdir())
        return {check.name: "" if check.passed else check.reason for check in checks}

    def test_all_is_well(self) -> None:
        checks = self.checks()
        self.assertEqual(len(checks), 4)
        self.assertEqual(set(checks.values()), {""})
        self.assertEqual(self.files, ["another_build.ko", "source_tree.ko"])

    def test_driver_that_cannot_be_built(self) -> None:
        checks = self.checks("source_tree")
        self.assertIn("error[E0463]: no crate", checks.pop("built against the source tree"))
        self.assertEqual(set(checks.values()), {""})

    def test_refused_for_another_reason(self) -> None:
        checks = self.checks("other_kernel")
        self.assertIn("E0463", checks["not built for another kernel"])

    def test_built_for_another_kernel(self) -> None:
        checks = self.checks(release="6.6.7")
        self.assertEqual(checks["not built for another kernel"], "the driver was built")

    def test_versions_of_symbols(self) -> None:
        name = "versions of symbols tell types apart"
        self.write("k/include/config/auto.conf", "CONFIG_MODVERSIONS=y\n")
        self.assertEqual(self.checks()[name], "")
        self.symbols = "0x1 _R1\n0x1 _R2\n"
        self.assertEqual(self.checks()[name], "there is but one version: {'0x1'}")


if __name__ == "__main__":
    unittest.main()
