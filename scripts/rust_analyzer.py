# SPDX-License-Identifier: GPL-2.0
"""`make rust-analyzer`: tells rust-analyzer, and so editors, what every source here is a part of.

The kernel's own generator knows the kernel's crates and ours, but not that others import it.
`make check` has rust-analyzer itself, where there is one, look whether that is true.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import command
import kernel_build
import modules
from command import CommandError
from kernel_build import Kernel
from progress import Progress, Step
from settings import Failure, Settings, run_main
from toolchain import Rust

NAME = "rust-project.json"
FOLDERS = ("src", "samples", "tests")
CRATE = "kthread"
# What makes a source the root of a module: its own, or that which misuse includes.
ROOT = re.compile(r'^(module(?:_\w+)?! \{|include!\("common/module\.rs"\);)$', re.MULTILINE)
# Which variables name sources that the build generates.
GENERATED = {
    "KTHREAD_BINDINGS": "src/bindings/bindings_generated.rs",
    "KTHREAD_EXAMPLES": "tests/doc/examples_generated.rs",
}
# An import, a macro or a file that it does not find: what is wrong with a project file. It does not
# know all methods of `core`, where that comes with the kernel's crates.
UNRESOLVED = re.compile(
    r"file (\S+): Error \w+\(\"(?:E0432|E0433|unresolved-[\w-]+|macro-error)\"[^)]*\)"
    r" from LineCol \{ line: (\d+),.*?\}: (.*)"
)

Json = dict[str, Any]


def generate(settings: Settings, kernel: Kernel, step: Step, folder: str, target: Path) -> None:
    """Writes the file, for the modules that were built in that folder."""
    objects = settings.build / folder
    argv = modules.make(settings, kernel, objects, "rust-analyzer")
    command.run(argv, settings.build / "rust-analyzer.log", step, env=kernel.env)
    project = json.loads((objects / NAME).read_text(encoding="utf-8"))
    complete(project, settings.root, objects)
    target.write_text(json.dumps(project, indent=1), encoding="utf-8")


def complete(project: Json, root: Path, objects: Path) -> None:
    """Adds all that imports the crate."""
    crates: list[Json] = project["crates"]
    found = [crate for crate in crates if Path(crate["root_module"]) == root / "src/kthread.rs"]
    if not found:
        raise Failure(f"the kernel's generator does not know {root}/src/kthread.rs")
    crate = found[0]
    generated = {name: objects / file for name, file in GENERATED.items()}
    crate["env"].update((name, str(file)) for name, file in generated.items())
    # Tests share files outside their own folders.
    folders = [root / folder for folder in FOLDERS]
    folders += [file.parent for file in generated.values()]
    crate["source"] = {"include_dirs": [str(folder) for folder in folders], "exclude_dirs": []}
    # Those of ours come last, so that no index changes.
    while crates[-1] is not crate:
        crates.pop()
    # Nobody works on the kernel here.
    for other in crates[:-1]:
        other["is_workspace_member"] = False
    dependency = {"crate": len(crates) - 1, "name": CRATE}
    for source in importers(root):
        crates.append(
            {
                **crate,
                "display_name": source.stem,
                "root_module": str(source),
                "deps": [*crate["deps"], dependency],
            }
        )


def missing(project: Path) -> Iterator[str]:
    """Which of the files that it names are not there."""
    crates = json.loads(project.read_text(encoding="utf-8"))["crates"]
    files = {crate["root_module"] for crate in crates}
    files |= {crate["env"][name] for crate in crates for name in GENERATED if name in crate["env"]}
    yield from (f"there is no {file}" for file in sorted(files) if not Path(file).exists())


def unresolved(settings: Settings, project: Path, step: Step) -> Iterator[str]:
    """What rust-analyzer does not find in our sources."""
    rust_analyzer = Rust.find(settings.root).sysroot / "bin/rust-analyzer"
    if not rust_analyzer.exists():
        step.note("no rust-analyzer")
        return
    log = settings.build / "log/rust-analyzer.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    try:
        command.run([rust_analyzer, "diagnostics", "--disable-build-scripts", project], log, step)
    except CommandError:
        pass  # It also fails over what it does not know of the compiler.
    said = log.read_text(encoding="utf-8", errors="replace")
    if "diagnostic scan complete" not in said:
        yield f"rust-analyzer has not looked at everything, see {log}"
    for name, line, what in UNRESOLVED.findall(said):
        if Path(name).is_relative_to(settings.root):
            yield f"{Path(name).relative_to(settings.root)}:{int(line) + 1}: {what}"


def importers(root: Path) -> Iterator[Path]:
    """The root of each crate that imports ours."""
    for folder in FOLDERS[1:]:
        for source in sorted((root / folder).rglob("*.rs")):
            if source.name != "module.rs" and ROOT.search(source.read_text(encoding="utf-8")):
                yield source


def main(settings: Settings) -> None:
    """Builds the modules first, as what is generated has to be there."""
    progress = Progress(total=5 if settings.kdir else 6)
    kernel = kernel_build.prepare(settings, progress)
    modules.build(settings, kernel, progress)
    target = settings.root / NAME
    with progress.step("Project file") as step:
        generate(settings, kernel, step, "objects", target)
    print(target)


if __name__ == "__main__":
    run_main(main)
