# SPDX-License-Identifier: GPL-2.0
"""The Kbuild fragments, read by make without a kernel."""

import shutil
import subprocess

from support import ROOT, Sandbox

MAKEFILE = """
src := .
obj := .
objtree := kernel
include src/Kbuild
all: ; @echo $(RUSTFLAGS_src/kthread.o)
"""


class CrateMetadata(Sandbox):
    """A module that imports the crate fits the very build of it that it was built against."""

    def setUp(self) -> None:
        super().setUp()
        shutil.copytree(ROOT / "src", self.dir / "src")
        self.config = self.dir / "kernel/include/config/auto.conf"
        self.config.parent.mkdir(parents=True)
        self.config.write_text("CONFIG_RUST=y\n")
        (self.dir / "Makefile").write_text(MAKEFILE)

    def flags(self, *variables: str) -> list[str]:
        """What rustc is told."""
        make = ["make", "--no-print-directory", "-C", str(self.dir), *variables, "all"]
        return subprocess.run(make, check=True, capture_output=True, text=True).stdout.split()

    def metadata(self) -> str:
        """What rustc puts into the name of each symbol."""
        (metadata,) = (flag for flag in self.flags() if flag.startswith("-Cmetadata="))
        return metadata

    def test_same_for_the_same_build(self) -> None:
        """Generated files make no difference, or a second build would differ from the first."""
        before = self.metadata()
        (self.dir / "src/bindings/bindings_generated.rs").write_text("// generated\n")
        self.assertEqual(self.metadata(), before)
        self.assertRegex(before, r"^-Cmetadata=[0-9a-f]{16}$")

    def test_differs_with_a_source(self) -> None:
        """A field more in a struct changes what is where."""
        before = self.metadata()
        with (self.dir / "src/packet/header.rs").open("a") as source:
            source.write("// another line\n")
        self.assertNotEqual(self.metadata(), before)

    def test_differs_with_the_configuration(self) -> None:
        """So does a kernel whose locks are larger."""
        before = self.metadata()
        self.config.write_text("CONFIG_RUST=y\nCONFIG_LOCKDEP=y\n")
        self.assertNotEqual(self.metadata(), before)

    def test_knows_an_old_kernel(self) -> None:
        """Only Linux 7.2 needs stand-ins."""
        self.assertIn("linux_7_2", self.flags("VERSION=7", "PATCHLEVEL=2"))
        for patchlevel in ("3", "20"):
            self.assertNotIn("linux_7_2", self.flags("VERSION=7", f"PATCHLEVEL={patchlevel}"))
