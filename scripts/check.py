# SPDX-License-Identifier: GPL-2.0
"""Style checks: prints one line for each, what is wrong below it, and the sum last."""

import functools
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import command
import kernel_build
import modules
import rust_analyzer
from kernel_build import Kernel
from progress import Progress
from settings import Failure, Settings, run_main
from toolchain import Rust

CLIPPY = "clippy"  # where it builds, below the build folder
LONGEST_LINE = 100
VERBATIM = {"LICENSE", "Cargo.lock"}  # not our text
DRAWN = ".svg"  # nor is what a tool has drawn
# What checkpatch expects otherwise: exports of what Rust defines; a look at the context of others;
# a benchmark in which others are to have their turn.
NOT_FOR_US = ("EXPORT_SYMBOL", "IN_ATOMIC", "YIELD")
# Where a machine's own paths begin, and hosts that serve packages: both differ elsewhere.
MACHINE_PATH = re.compile(r"(?<![\w.~}-])/(root|home|work|Users)/\w")
REGISTRY = re.compile(r"\b(crates\.io|pypi\.org|(\w+\.)+debian\.org|\w+\.rust-lang\.org)\b")


def source_files(root: Path) -> list[Path]:
    """Everything that is, or could be, committed."""
    listing = command.ask("git", "ls-files", "--cached", "--others", "--exclude-standard", cwd=root)
    files = [root / name for name in listing.splitlines()]
    if not files:
        raise Failure(f"git lists no files in {root}: run this in a git checkout")
    return [
        file
        for file in files
        if file.is_file()
        and not file.is_symlink()
        and file.name not in VERBATIM
        and file.suffix != DRAWN
    ]


def check_rustfmt(settings: Settings, files: list[Path]) -> Iterator[str]:
    """rustfmt, with .rustfmt.toml."""
    rustfmt = Rust.find(settings.root).sysroot / "bin/rustfmt"
    sources = [file for file in files if file.suffix == ".rs"]
    yield from _complaints(settings, "rustfmt", [str(rustfmt), "--check", *map(str, sources)])


def check_shell(settings: Settings, files: list[Path]) -> Iterator[str]:
    """shellcheck, on every file that a shell runs."""
    scripts = [str(file) for file in files if is_shell(file)]
    yield from _complaints(settings, "shellcheck", ["shellcheck", *scripts])


def check_c(settings: Settings, files: list[Path]) -> Iterator[str]:
    """checkpatch, from the kernel's sources, on what is written in C."""
    kernel, _ = _kernel(settings)
    checkpatch = (kernel.source or kernel.dir) / "scripts/checkpatch.pl"
    sources = [str(file) for file in files if file.suffix in (".c", ".h")]
    options = ["--no-tree", "--no-summary", "--terse", f"--ignore={','.join(NOT_FOR_US)}", "--file"]
    yield from _complaints(settings, "checkpatch", [str(checkpatch), *options, *sources])


def check_clippy(settings: Settings, _files: list[Path]) -> Iterator[str]:
    """clippy and modpost, on everything that kbuild builds; each warning counts."""
    kernel, progress = _kernel(settings)
    options = ["CLIPPY=1", "W=e", f"CLIPPY_CONF_DIR={settings.root}"]
    # From scratch: a warning is given only while its file is being compiled.
    shutil.rmtree(settings.build / CLIPPY, ignore_errors=True)
    try:
        with progress.step("Clippy") as step:
            output = modules.kbuild(settings, kernel, CLIPPY, step, options)
    except Failure as failure:
        yield str(failure)
    else:
        yield from modules.messages(output)


def check_project(settings: Settings, _files: list[Path]) -> Iterator[str]:
    """The project file for editors, of what clippy was given."""
    kernel, progress = _kernel(settings)
    project = settings.build / CLIPPY / rust_analyzer.NAME
    with progress.step("Project file") as step:
        rust_analyzer.generate(settings, kernel, step, CLIPPY, project)
        yield from rust_analyzer.missing(project)
        yield from rust_analyzer.unresolved(settings, project, step)


@functools.cache
def _kernel(settings: Settings) -> tuple[Kernel, Progress]:
    """Which one the modules are built for, with two steps to come."""
    progress = Progress(total=5 if settings.kdir else 6)
    return kernel_build.prepare(settings, progress), progress


def check_licence(settings: Settings, files: list[Path]) -> Iterator[str]:
    """An SPDX line at the top of each file."""
    for file in files:
        top = _lines(file)[:2]  # a script's first line names its interpreter
        licensed = any("SPDX-License-Identifier: GPL-2.0" in line for line in top)
        if not licensed and file.suffix != ".md":
            yield f"{file.relative_to(settings.root)}: the SPDX line is missing"


def check_places(settings: Settings, files: list[Path]) -> Iterator[str]:
    """No path of one machine, no host that serves packages."""
    for file in files:
        for number, line in enumerate(_lines(file), start=1):
            found = MACHINE_PATH.search(line) or REGISTRY.search(line)
            if found or str(settings.root) in line:
                what = found[0] if found else str(settings.root)
                yield f"{file.relative_to(settings.root)}:{number}: '{what}' is of one machine only"


def check_text(settings: Settings, files: list[Path]) -> Iterator[str]:
    """No line too long, no space at the end of one, a newline at the end of the file."""
    for file in files:
        name = file.relative_to(settings.root)
        if not file.read_bytes().endswith(b"\n"):
            yield f"{name}: no newline at the end"
        longest = 10 * LONGEST_LINE if file.suffix in (".md", ".toml") else LONGEST_LINE
        for number, line in enumerate(_lines(file), start=1):
            if line != line.rstrip():
                yield f"{name}:{number}: space at the end of the line"
            if len(line.expandtabs()) > longest:
                yield f"{name}:{number}: longer than {longest} columns"


CHECKS: dict[str, Callable[[Settings, list[Path]], Iterator[str]]] = {
    "rustfmt": check_rustfmt,
    "shellcheck": check_shell,
    "licence lines": check_licence,
    "paths and hosts": check_places,
    "text": check_text,
    "checkpatch": check_c,
    "clippy": check_clippy,
    "project file": check_project,
}


def is_shell(file: Path) -> bool:
    """Whether a shell runs the file."""
    first = (_lines(file) or [""])[0]
    return file.suffix == ".sh" or re.match(r"#!.*\b(ba|da)?sh\b", first) is not None


def _lines(file: Path) -> list[str]:
    return file.read_text(encoding="utf-8", errors="replace").split("\n")


def _complaints(settings: Settings, tool: str, argv: list[str]) -> Iterator[str]:
    """What a tool says if it fails."""
    if not shutil.which(argv[0]):
        yield f"{tool} is missing: install it, then run again"
        return
    result = subprocess.run(
        argv, cwd=settings.root, capture_output=True, text=True, timeout=300, check=False
    )
    if result.returncode != 0:
        yield from (result.stdout + result.stderr).splitlines()


def main(settings: Settings) -> int:
    """Runs every check, also after one has failed."""
    files = source_files(settings.root)
    failed = 0
    for name, check in CHECKS.items():
        problems = list(check(settings, files))
        print(f"{'FAILED' if problems else 'ok':6} {name}", flush=True)
        for problem in problems:
            print(f"       {problem}")
        failed += bool(problems)
    print(f"{len(CHECKS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    run_main(main)
