# SPDX-License-Identifier: GPL-2.0
"""Tests of rust_analyzer.py, with a fake of the kernel's generator, and on the tree itself."""

import json
import unittest
from typing import Any

import support
import rust_analyzer
from kernel_build import Kernel
from settings import Failure, Settings


def crate(name: str, root: str) -> dict[str, Any]:
    """One entry as the kernel's generator writes it."""
    return {
        "display_name": name,
        "root_module": root,
        "deps": [{"crate": 0, "name": "core"}],
        "env": {"RUST_MODFILE": "x"},
        "cfg": ["CONFIG_RUST"],
    }


class Project(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.settings = Settings.from_environ({"HOME": "/h"}, self.dir)
        self.kernel = Kernel(self.dir / "k", None, self.dir / "k/vmlinux", "7.3", "key")
        (self.settings.build / "objects").mkdir(parents=True)
        self.write("samples/poller.rs", "//! Polls.\n\nmodule! {\n}\n")
        self.write("tests/boot/part.rs", "fn helper() {}\n")
        self.write("tests/compile-fail/misuse.rs", 'include!("common/module.rs");\n')
        self.write("tests/compile-fail/common/module.rs", "module! {\n}\n")

    def generate(self, *crates: dict[str, Any]) -> dict[str, dict[str, Any]]:
        generated = self.write("generated", json.dumps({"crates": crates, "sysroot": "/s"}))
        script = 'for word; do case $word in MO=*) out=${word#*=};; esac; done; cp %s $out/%s'
        self.fake("make", script % (generated, rust_analyzer.NAME))
        with self.progress.step("Project file") as step:
            path = rust_analyzer.generate(self.settings, self.kernel, step)
        self.assertEqual(path, self.dir / "rust-project.json")
        self.crates = json.loads(path.read_text())["crates"]
        return {one["display_name"]: one for one in self.crates}

    def ours(self) -> dict[str, Any]:
        return crate("kthread", f"{self.dir}/src/kthread.rs")

    def test_who_imports_the_crate(self) -> None:
        sample = crate("poller", f"{self.dir}/samples/poller.rs")
        crates = self.generate(crate("core", "/core.rs"), self.ours(), sample)
        self.assertEqual(sorted(crates), ["core", "kthread", "misuse", "poller"])
        self.assertEqual(len(self.crates), 4)
        for name in ("misuse", "poller"):
            (_, imported) = crates[name]["deps"]
            self.assertEqual(imported, {"crate": 1, "name": "kthread"})
            self.assertEqual(crates[name]["cfg"], ["CONFIG_RUST"])
        self.assertEqual(len(crates["kthread"]["deps"]), 1)

    def test_generated_bindings_are_found(self) -> None:
        path = self.generate(self.ours())["kthread"]["env"]["KTHREAD_BINDINGS"]
        self.assertEqual(
            path, f"{self.settings.build}/objects/src/bindings/bindings_generated.rs"
        )

    def test_generator_that_does_not_know_the_crate(self) -> None:
        with self.assertRaisesRegex(Failure, "does not know"):
            self.generate(crate("core", "/core.rs"))


class Tree(unittest.TestCase):
    def test_every_module_is_found(self) -> None:
        """Each module that is built has a root, and so has each case of misuse."""
        found = {path.relative_to(support.ROOT) for path in rust_analyzer.importers(support.ROOT)}
        names = {str(path.parent) for path in found}
        expected = {"samples", "tests/boot", "tests/kunit", "tests/torture", "tests/downstream"}
        self.assertLessEqual(expected, names)
        misuse = set((support.ROOT / "tests/compile-fail").glob("*.rs"))
        self.assertEqual(len(misuse), sum("compile-fail" in str(path) for path in found))


if __name__ == "__main__":
    unittest.main()
