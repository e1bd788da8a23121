# SPDX-License-Identifier: GPL-2.0
"""Builds a driver that is not of this tree, in every way in which it can import the crate."""

import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import command
import dkms
import install
import preflight
from command import CommandError
from install import Place
from kernel_build import Kernel
from progress import Progress
from settings import Settings
from verdict import Check
from workshop import DRIVER, Workshop

GROUP = "downstream"
BOOT_TEST = f"{DRIVER}/import.sh"


@contextmanager
def prepared(
    settings: Settings, kernel: Kernel, progress: Progress
) -> Iterator[tuple[list[Check], Path]]:
    """What became of each way; and a folder for the guest, with the crate and the drivers."""
    with tempfile.TemporaryDirectory(prefix="kthread-downstream-") as temporary:
        folder = Path(temporary)
        place = Place(root=folder / "tree", documents=folder / "documents")
        install.install(settings, kernel, place, progress)
        with progress.step("Drivers of others") as step:
            shop = Workshop(settings, kernel, folder, step)
            checks = [*_build_all(shop, place), *dkms.Dkms(shop).checks()]
        yield checks, shop.tree


def _build_all(shop: Workshop, place: Place) -> Iterator[Check]:
    imports = place.imports(shop.kernel.release)
    results = shop.tree / "downstream"
    results.mkdir()

    def installed() -> None:
        output = shop.driver("installed", imports)
        arguments = [f"KTHREAD={imports}", f"INSTALL_MOD_PATH={shop.tree}", "modules_install"]
        shop.kbuild(shop.folder / "installed", output, *arguments)

    def source_tree() -> None:
        output = shop.driver("source_tree", shop.settings.build / "import")
        shutil.copy(output / "downstream.ko", results / "source_tree.ko")

    def another_build() -> None:
        output = shop.driver("another_build", _another_crate(shop))
        shutil.copy(output / "downstream.ko", results / "another_build.ko")

    yield _succeeds("built against the installed crate", installed)
    yield _succeeds("built against the source tree", source_tree)
    yield _succeeds("built against another build of the crate", another_build)
    yield _refuses_another_kernel(shop, imports)
    if "CONFIG_MODVERSIONS" in preflight.read_config(shop.kernel.dir):
        yield _versions_tell_types_apart(imports / "Module.symvers")


def _another_crate(shop: Workshop) -> Path:
    """Builds the crate with a line more; returns what drivers import."""
    checkout, objects = shop.folder / "checkout", shop.folder / "objects"
    for name in ("src", "scripts", "Kbuild"):
        source = shop.settings.root / name
        checkout.mkdir(exist_ok=True)
        (shutil.copytree if source.is_dir() else shutil.copy)(source, checkout / name)
    with (checkout / "src/kthread.rs").open("a", encoding="utf-8") as crate:
        crate.write("// Another line.\n")
    shop.kbuild(checkout, objects, "modules")
    imports = shop.folder / "another"
    command.run(
        [checkout / "scripts/stage.sh", objects, shop.kernel.release, imports],
        shop.settings.build / "stage.log",
        shop.step,
    )
    return imports


def _succeeds(name: str, build: Callable[[], None]) -> Check:
    try:
        build()
    except CommandError as error:
        return Check(GROUP, name, False, f"{error}\n{error.output}")
    return Check(GROUP, name, True)


def _refuses_another_kernel(shop: Workshop, imports: Path) -> Check:
    name = "not built for another kernel"
    other = shop.folder / "other_kernel_import"
    shutil.copytree(imports, other)
    (other / "kernel.release").write_text("6.6.6\n")
    try:
        shop.driver("other_kernel", other)
    except CommandError as error:
        told = "is for Linux 6.6.6, not" in error.output
        return Check(GROUP, name, told, "" if told else error.output)
    return Check(GROUP, name, False, "the driver was built")


def _versions_tell_types_apart(symbols: Path) -> Check:
    versions = [line.split()[0] for line in symbols.read_text(encoding="utf-8").splitlines()]
    reason = "" if len(set(versions)) > 1 else f"there is but one version: {set(versions)}"
    return Check(GROUP, "versions of symbols tell types apart", not reason, reason)
