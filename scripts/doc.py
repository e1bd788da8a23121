# SPDX-License-Identifier: GPL-2.0
"""`make doc`: the crate's documentation, by rustdoc. A warning of rustdoc is an error."""

import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import cache
import command
import kbuild_command
import kernel_build
import modules
from command import CommandError
from kernel_build import Kernel
from progress import Progress, Step
from settings import Failure, Settings, run_main

OBJECTS = "objects"  # what kbuild makes goes there, below the build folder
MODEL = "src/kthread.o"
BINDINGS = "src/bindings/bindings_generated.rs"
# The kernel's own documentation, which has its `core`, too.
KERNEL_DOCS = "https://rust.docs.kernel.org"
KERNEL_CRATES = ("core", "kernel", "macros", "pin_init")
KERNEL_SOURCE = "https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git/tree"
SOURCE_LINK = re.compile(r'href="srctree/([^"]+)"')
# What rustc is told and rustdoc does not know, or must be told in its own way.
NOT_FOR_RUSTDOC = ("--remap-path-scope=", "--emit=")
# rustdoc forgets one of the options that decide about the ABI, see the kernel's rust/Makefile.
ANY_ABI = "-Cunsafe-allow-abi-mismatch=fixed-x18"
ANY_ABI_SINCE = (1, 88)
# Linux 7.2 lacks some error codes that the documentation links to.
OLD_KERNEL = "linux_7_2"
DEAD_LINKS = "-Arustdoc::broken_intra_doc_links"


def build(settings: Settings, kernel: Kernel, step: Step, folder: str = OBJECTS) -> Path:
    """Writes the pages of the crate, as it was just built there, and returns the first of them."""
    output = settings.root / "build/doc"
    with cache.lock(settings.root / "build/doc.lock", step):
        shutil.rmtree(output, ignore_errors=True)
        urls = [f"--extern-html-root-url={name}={KERNEL_DOCS}" for name in KERNEL_CRATES]
        try:
            options = ["-Dwarnings", "-Dmissing_docs", *urls]
            rustdoc(settings, kernel, step, output, options, folder)
        except CommandError as error:
            raise Failure(f"the documentation has faults:\n{error.output or error}") from error
        broken = list(_link_sources(output, kernel))
        if broken:
            raise Failure(f"the documentation links to what the kernel lacks: {', '.join(broken)}")
    return output / "kthread/index.html"


def rustdoc(
    settings: Settings,
    kernel: Kernel,
    step: Step,
    output: Path,
    options: Sequence[str],
    folder: str = OBJECTS,
) -> None:
    """Runs rustdoc on the crate as kbuild ran rustc."""
    objects = settings.build / folder
    with cache.lock(settings.build / f"{folder}.lock", step):
        model = kbuild_command.compiler(objects, MODEL)
        argv = [word for word in model if not word.startswith(NOT_FOR_RUSTDOC)]
        argv[argv.index("rustc")] = "rustdoc"
        version = re.search(r"(\d+)\.(\d+)", command.ask("rustdoc", "--version", env=kernel.env))
        if version and tuple(map(int, version.groups())) >= ANY_ABI_SINCE:
            argv.append(ANY_ABI)
        if OLD_KERNEL in argv:
            argv.append(DEAD_LINKS)
        log = settings.build / "log" / f"{output.name}.log"
        log.parent.mkdir(parents=True, exist_ok=True)
        command.run(
            ["env", *argv, "--crate-name=kthread", *options, "-o", output, _root(settings)],
            log,
            step,
            cwd=objects,
            env={**kernel.env, "KTHREAD_BINDINGS": str(objects / BINDINGS)},
        )


def _root(settings: Settings) -> Path:
    return settings.root / "src/kthread.rs"


def _link_sources(output: Path, kernel: Kernel) -> Iterator[str]:
    """Makes links to `srctree/...` lead to the kernel's source; yields files that it lacks."""
    series = re.match(r"\d+\.\d+", kernel.release)
    tag = f"?h=v{series[0]}" if series else ""
    for page in output.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        if names := SOURCE_LINK.findall(text):
            page.write_text(SOURCE_LINK.sub(rf'href="{KERNEL_SOURCE}/\1{tag}"', text))
            source = kernel.source
            yield from (name for name in names if source and not (source / name).exists())


def main(settings: Settings) -> None:
    """Builds the crate, of which rustdoc needs the bindings, then its documentation."""
    progress = Progress(total=5 if settings.kdir else 6)
    kernel = kernel_build.prepare(settings, progress)
    modules.build(settings, kernel, progress)
    with progress.step("Documentation") as step:
        page = build(settings, kernel, step)
    print(page)


if __name__ == "__main__":
    run_main(main)
