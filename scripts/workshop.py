# SPDX-License-Identifier: GPL-2.0
"""Builds what is not of this tree, in a folder of its own."""

import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import command
import modules
from kernel_build import Kernel
from progress import Step
from settings import Settings

DRIVER = "tests/downstream"


@dataclass(frozen=True)
class Workshop:
    """A folder outside the checkout, for one kernel."""

    settings: Settings
    kernel: Kernel
    folder: Path
    step: Step

    @property
    def tree(self) -> Path:
        """What becomes the root of the guest, besides all else."""
        return self.folder / "tree"

    def driver(self, name: str, imports: Path, *arguments: str) -> Path:
        """Builds a copy of the driver; returns the folder with the results."""
        source = self.folder / name
        shutil.copytree(self.settings.root / DRIVER, source)
        output = self.folder / f"{name}-output"
        self.kbuild(source, output, f"KTHREAD={imports}", *(arguments or ["modules"]))
        return output

    def kbuild(self, source: Path, output: Path, *arguments: str) -> None:
        """Has kbuild do something with that."""
        settings = replace(self.settings, root=source)
        argv = modules.make(settings, self.kernel, output, *arguments)
        log = self.settings.build / f"downstream-{source.name}.log"
        command.run(argv, log, self.step, env=self.kernel.env)
