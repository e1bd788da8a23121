# SPDX-License-Identifier: GPL-2.0
"""Tests of rust_analyzer.py, with a fake of the kernel's generator, and on the tree itself."""

import json
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

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
        path = self.dir / "rust-project.json"
        rust_analyzer.generate(self.settings, self.kernel, self.step(), "objects", path)
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

    def test_only_ours_is_worked_on(self) -> None:
        kernel, own = crate("core", "/core.rs"), self.ours()
        crates = self.generate(*({**one, "is_workspace_member": True} for one in (kernel, own)))
        self.assertFalse(crates["core"]["is_workspace_member"])
        self.assertTrue(crates["poller"]["is_workspace_member"])

    def test_what_is_generated_is_not_left_out(self) -> None:
        project = self.generate(self.ours())["misuse"]
        folders = project["source"]["include_dirs"]
        self.assertEqual(project["source"]["exclude_dirs"], [])
        for variable in rust_analyzer.GENERATED:
            self.assertIn(str(Path(project["env"][variable]).parent), folders)

    def test_files_that_are_not_there(self) -> None:
        self.generate(crate("core", str(self.write("core.rs"))), self.ours())
        missing = list(rust_analyzer.missing(self.dir / "rust-project.json"))
        objects = self.settings.build / "objects"
        expected = [objects / file for file in rust_analyzer.GENERATED.values()]
        expected.append(self.dir / "src/kthread.rs")
        self.assertEqual(missing, sorted(f"there is no {file}" for file in expected))

    def test_generator_that_does_not_know_the_crate(self) -> None:
        with self.assertRaisesRegex(Failure, "does not know"):
            self.generate(crate("core", "/core.rs"))


SAID = """\
1/2 0% processing /r/src/kthread.rs\
at crate poller, file {root}/samples/poller.rs: Error RustcHardError("E0432") from LineCol {{ \
line: 25, col: 4 }} to LineCol {{ line: 25, col: 11 }}: unresolved import
at crate doc, file {root}/tests/doc/doc.rs: Error Ra("macro-error", Error) from LineCol {{ \
line: 6, col: 14 }} to LineCol {{ line: 6, col: 32 }}: failed to load file `x`
at crate poller, file {root}/samples/poller.rs: Error RustcHardError("E0599") from LineCol {{ \
line: 1, col: 4 }} to LineCol {{ line: 1, col: 11 }}: no method `len` on type `[u8; 1]`
at crate poller, file {root}/samples/poller.rs: WeakWarning Ra("inactive-code", WeakWarning) from \
LineCol {{ line: 8, col: 4 }} to LineCol {{ line: 8, col: 11 }}: code is inactive
at crate kernel, file /linux/rust/kernel/lib.rs: Error RustcHardError("E0432") from LineCol {{ \
line: 2, col: 4 }} to LineCol {{ line: 2, col: 11 }}: unresolved import
"""


class Unresolved(support.Sandbox):
    def unresolved(self, said: str, status: int = 0) -> list[str]:
        """What is made of what a rust-analyzer says."""
        settings = Settings.from_environ({"HOME": "/h"}, self.dir)
        text = self.write("said", said.format(root=self.dir))
        self.fake("rust-analyzer", f'[ $1$3 = diagnosticsp.json ] && cat {text}; exit {status}')
        rust = mock.Mock(sysroot=self.bin.parent)
        with mock.patch.object(rust_analyzer.Rust, "find", return_value=rust):
            return list(rust_analyzer.unresolved(settings, Path("p.json"), self.step()))

    def test_what_is_ours_and_not_found(self) -> None:
        for status in (0, 1):
            self.assertEqual(
                self.unresolved(SAID + "\ndiagnostic scan complete\n", status),
                [
                    "samples/poller.rs:26: unresolved import",
                    "tests/doc/doc.rs:7: failed to load file `x`",
                ],
            )

    def test_one_that_crashed(self) -> None:
        (problem,) = self.unresolved("panicked at")
        self.assertIn("has not looked at everything", problem)

    def test_none(self) -> None:
        settings = Settings.from_environ({"HOME": "/h"}, self.dir)
        rust = mock.Mock(sysroot=self.dir / "nowhere")
        with mock.patch.object(rust_analyzer.Rust, "find", return_value=rust):
            found = rust_analyzer.unresolved(settings, Path("p.json"), self.step())
            self.assertEqual(list(found), [])


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
