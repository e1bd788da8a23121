# SPDX-License-Identifier: GPL-2.0
"""Shows that the real DKMS can add, build, install and remove the crate for drivers to import."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import command
from command import CommandError
from settings import Failure
from verdict import Check
from workshop import Workshop

GROUP = "DKMS"
CRATE = "kthread"


class Dkms:
    """DKMS with folders of its own: nothing is done to the system."""

    def __init__(self, shop: Workshop) -> None:
        self.shop = shop
        self.folder = shop.folder / "dkms"
        self.modules = self.folder / "modules" / shop.kernel.release
        for folder in (self.folder / "src", self.folder / "tree", self.modules):
            folder.mkdir(parents=True)
        self.path = [str(self._compiler()), shop.kernel.env.get("PATH", os.environ["PATH"])]

    def _compiler(self) -> Path:
        """A folder with the names by which DKMS calls a compiler that make has another name of."""
        folder = self.folder / "bin"
        folder.mkdir()
        for option in self.shop.kernel.make:
            name, _, suffix = option.partition("=")
            if name == "LLVM" and suffix.startswith("-"):
                for tool in ("clang", "ld.lld"):
                    if path := shutil.which(tool + suffix):
                        (folder / tool).symlink_to(path)
        return folder

    def checks(self) -> Iterator[Check]:
        """One for each step; those after one that failed are not tried."""
        for step in (self.add, self.build, self.install, self.driver, self.remove):
            try:
                step()
            except CommandError as error:
                logs = (path.read_text() for path in (self.folder / "tree").rglob("make.log"))
                reason = "\n".join([str(error), error.output, *logs])
                yield Check(GROUP, step.__name__, False, reason)
                return
            except Failure as failure:
                yield Check(GROUP, step.__name__, False, str(failure))
                return
            yield Check(GROUP, step.__name__, True)

    def add(self) -> None:
        """As after `make dkms`."""
        script = self.shop.settings.root / "scripts/dkms.sh"
        self._run(script, "source", self.folder / "src")
        self._dkms("add")

    def build(self) -> None:
        """As whenever there is a new kernel."""
        self._dkms("build")

    def install(self) -> None:
        """The module is where the loader finds it."""
        self._dkms("install")
        if not list(self.modules.rglob("rust_kthread.ko*")):
            raise Failure(f"there is no module in {self.modules}")

    def driver(self) -> None:
        """It finds what it imports."""
        self.shop.driver("dkms_driver", self.modules / CRATE)

    def remove(self) -> None:
        """Nothing is left."""
        self._dkms("remove")
        if left := [str(path) for path in self.modules.rglob("*") if path.is_file()]:
            raise Failure(f"these are left: {', '.join(left)}")

    def _dkms(self, verb: str) -> None:
        (source,) = (self.folder / "src").iterdir()
        version = source.name.removeprefix(f"{CRATE}-")
        kernel = self.shop.kernel
        self._run(
            # It insists on being root, even where it need not be.
            *(() if os.geteuid() == 0 else ("unshare", "--map-root-user")),
            *("dkms", verb, "-m", CRATE, "-v", version, "--no-depmod"),
            *("-k", kernel.release, "-a", self.shop.settings.arch),
            *("--kernelsourcedir", kernel.dir, "--sourcetree", source.parent),
            *("--dkmstree", self.folder / "tree", "--installtree", self.modules.parent),
        )

    def _run(self, *argv: str | Path) -> None:
        kernel = self.shop.kernel
        options = dict(option.split("=", 1) for option in kernel.make)
        env = {**kernel.env, **options, "PATH": os.pathsep.join(self.path)}
        command.run(argv, self.shop.settings.build / "dkms.log", self.shop.step, env=env)
