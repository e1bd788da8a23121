# SPDX-License-Identifier: GPL-2.0
"""`make install`: puts the crate where the module loader, and drivers that import it, find it.

`python3 scripts/install.py uninstall` takes it away again.
"""

import os
import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import command
import doc
import kernel_build
import modules
import preflight
from command import CommandError
from kernel_build import Kernel
from progress import Progress, Step
from settings import Failure, Settings, run_main

MODULE = "rust_kthread"
CRATE = "crate"  # kbuild's objects go there, below the build folder


@dataclass(frozen=True)
class Place:
    """Where it goes."""

    root: Path  # of lib/modules
    documents: Path

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ) -> "Place":
        """As kbuild and distributions do; an empty variable counts as not given."""
        stage = Path(environ.get("DESTDIR") or "/").absolute()
        prefix = environ.get("PREFIX") or "/usr/local"
        return cls(
            root=stage / environ.get("INSTALL_MOD_PATH", "").lstrip("/"),
            documents=stage / prefix.lstrip("/") / "share/doc/kthread",
        )

    def modules(self, release: str) -> Path:
        """The folder of one kernel."""
        return self.root / "lib/modules" / release

    def imports(self, release: str) -> Path:
        """What drivers for that kernel include, and import."""
        return self.modules(release) / "kthread"


def install(settings: Settings, kernel: Kernel, place: Place, progress: Progress) -> None:
    """Builds the crate, and nothing else, and installs it."""
    with progress.step("Crate") as step:
        output = modules.kbuild(settings, kernel, CRATE, step, parts="")
        for line in modules.messages(output):
            step.say(line)
    with progress.step("Documentation") as step:
        pages = doc.build(settings, kernel, step, CRATE).parents[1]
    with progress.step("Installation") as step:
        objects = settings.build / CRATE
        argv = modules.make(
            settings, kernel, objects, f"INSTALL_MOD_PATH={place.root}", "modules_install"
        )
        log = settings.build / "install.log"
        try:
            place.modules(kernel.release).mkdir(parents=True, exist_ok=True)
            command.run(argv, log, step, env=kernel.env)
            imports = place.imports(kernel.release)
            modules.stage(settings, kernel, CRATE, imports, step)
            _install_documents(settings.root, pages, place.documents)
        except (CommandError, PermissionError) as error:
            raise Failure(
                f"{place.root} could not be written to, see {log}: run this as root, or set "
                "DESTDIR to a folder of yours"
            ) from error
        step.say(f"{place.modules(kernel.release)}/updates/{MODULE}.ko")
        step.say(f"{imports}/kthread.mk")
        step.say(f"{place.documents}/html/kthread/index.html")


def _install_documents(root: Path, pages: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(pages, target / "html")
    for file in (root / "README.md", root / "LICENSE", *(root / "docs").iterdir()):
        shutil.copy(file, target)


def uninstall(place: Place, release: str, step: Step) -> None:
    """Takes away what `install` has put there for one kernel."""
    updates = place.modules(release) / "updates"
    found = [*updates.glob(f"{MODULE}.ko*")]
    if not found:
        raise Failure(
            f"there is no {MODULE} in {updates}: nothing is installed for Linux {release}"
        )
    for file in found:
        file.unlink()
        step.say(str(file))
    shutil.rmtree(place.imports(release), ignore_errors=True)
    shutil.rmtree(place.documents, ignore_errors=True)
    command.ask("depmod", "-b", str(place.root), release)


def main(settings: Settings) -> None:
    """For the kernel in KDIR."""
    place = Place.from_environ()
    if settings.kdir is None:
        raise Failure("say by KDIR which kernel to install for, as `make install` does")
    if sys.argv[1:] == ["uninstall"]:
        with Progress(total=1, first=1).step("Removal") as step:
            uninstall(place, preflight.read_release(settings.kdir), step)
        return
    progress = Progress(total=6)
    install(settings, kernel_build.prepare(settings, progress), place, progress)


if __name__ == "__main__":
    run_main(main)
