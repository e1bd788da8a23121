# SPDX-License-Identifier: GPL-2.0
"""Tests of doc.py, with a fake rustdoc."""

import unittest

import support
import doc
from kernel_build import Kernel
from settings import Failure, Settings

SAVED = """\
savedcmd_src/kthread.o := OBJTREE=/k rustc -Zcrate-attr='feature(a, b)' --remap-path-scope=macro \
--emit=metadata=./src/libkthread.rmeta --cfg MODULE --out-dir src/ --emit=obj=src/kthread.o \
/r/src/kthread.rs ; objtool src/kthread.o
"""
PAGE = '<a href="srctree/include/linux/kthread.h"> <a href="struct.Task.html">'
RUSTDOC = """\
if [ "$1" = --version ]; then echo "rustdoc {version} (x)"; exit; fi
echo "$PWD $OBJTREE $RUSTC_BOOTSTRAP $KTHREAD_BINDINGS $*" >> {calls}
while [ "$1" != -o ]; do shift; done
mkdir -p $2/kthread
cp {page} $2/kthread/index.html
"""


class Build(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.settings = Settings.from_environ({"HOME": "/h"}, self.dir)
        self.objects = self.settings.build / "objects"
        self.write(str(self.objects / "src/.kthread.o.cmd"), SAVED)
        source = self.dir / "linux"
        self.write("linux/include/linux/kthread.h")
        self.kernel = Kernel(self.dir, source, self.dir, "7.3.4-kthread", "key")
        self.calls = self.write("calls")
        self.page = self.write("page", PAGE)
        self.fake_rustdoc()

    def fake_rustdoc(self, end: str = "", version: str = "1.95.0") -> None:
        script = RUSTDOC.format(calls=self.calls, page=self.page, version=version)
        self.fake("rustdoc", script + end)

    def build(self) -> str:
        return doc.build(self.settings, self.kernel, self.step()).read_text()

    def failure(self) -> str:
        with self.assertRaises(Failure) as caught:
            self.build()
        return str(caught.exception)

    def call(self) -> str:
        self.build()
        return self.calls.read_text()

    def test_as_kbuild_compiles_the_crate(self) -> None:
        bindings = f"{self.objects}/src/bindings/bindings_generated.rs"
        start = f"{self.objects} /k 1 {bindings} -Zcrate-attr=feature(a, b) --cfg MODULE "
        self.assertTrue(self.call().startswith(start), self.call())
        end = f"-o {self.dir}/build/doc {self.dir}/src/kthread.rs\n"
        self.assertTrue(self.call().endswith(end), self.call())

    def test_faults_are_errors(self) -> None:
        for option in ("-Dwarnings", "-Dmissing_docs"):
            self.assertIn(f" {option} ", self.call())

    def test_dead_links_of_an_old_kernel(self) -> None:
        self.assertNotIn(doc.DEAD_LINKS, self.call())
        saved = SAVED.replace("--cfg MODULE", "--cfg linux_7_2 --cfg MODULE")
        self.write(str(self.objects / "src/.kthread.o.cmd"), saved)
        self.assertIn(f" {doc.DEAD_LINKS} ", self.call())

    def test_links_to_the_kernel(self) -> None:
        self.assertIn("--extern-html-root-url=kernel=https://rust.docs.kernel.org ", self.call())

    def test_links_to_its_source(self) -> None:
        tree = "https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree"
        self.assertEqual(
            self.build(),
            f'<a href="{tree}/include/linux/kthread.h?h=v7.3"> <a href="struct.Task.html">',
        )

    def test_link_to_a_source_that_is_not_there(self) -> None:
        self.page.write_text(PAGE.replace("kthread.h", "gone.h"))
        self.assertIn("lacks: include/linux/gone.h", self.failure())
        self.kernel.source = None
        self.build()

    def test_old_rustdoc(self) -> None:
        self.assertIn(doc.ANY_ABI, self.call())
        self.calls.write_text("")
        self.fake_rustdoc(version="1.85.1")
        self.assertNotIn(doc.ANY_ABI, self.call())

    def test_faults_are_shown(self) -> None:
        self.fake_rustdoc("echo 'error: unresolved link to `Wake`'; exit 1")
        self.assertIn("has faults:\nerror: unresolved link to `Wake`", self.failure())

    def test_no_rustdoc(self) -> None:
        (self.bin / "rustdoc").unlink()
        self.set_environ(PATH=str(self.bin), HOME=str(self.dir))
        (self.bin / "env").symlink_to("/usr/bin/env")
        self.assertIn("rustdoc", self.failure())

    def test_page_that_is_gone(self) -> None:
        old = self.write("build/doc/kthread/struct.Gone.html")
        self.build()
        self.assertFalse(old.exists())

    def test_crate_that_was_not_built(self) -> None:
        (self.objects / "src/.kthread.o.cmd").unlink()
        self.assertIn("kthread.o.cmd is missing", self.failure())


if __name__ == "__main__":
    unittest.main()
