# SPDX-License-Identifier: GPL-2.0
"""`make rust-analyzer`: tells rust-analyzer, and so editors, what every source here is a part of.

The kernel's own generator knows the kernel's crates and ours, but not that others import it.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import command
import kernel_build
import modules
from kernel_build import Kernel
from progress import Progress, Step
from settings import Failure, Settings, run_main

NAME = "rust-project.json"
CRATE = "kthread"
# What makes a source the root of a module: its own, or that which misuse includes.
ROOT = re.compile(r'^(module! \{|include!\("common/module\.rs"\);)$', re.MULTILINE)

Json = dict[str, Any]


def generate(settings: Settings, kernel: Kernel, step: Step) -> Path:
    """Writes the file and returns where it is."""
    objects = settings.build / "objects"
    argv = modules.make(settings, kernel, objects, "rust-analyzer")
    command.run(argv, settings.build / "rust-analyzer.log", step, env=kernel.env)
    project = json.loads((objects / NAME).read_text(encoding="utf-8"))
    complete(project, settings.root, objects)
    target = settings.root / NAME
    target.write_text(json.dumps(project, indent=1), encoding="utf-8")
    return target


def complete(project: Json, root: Path, objects: Path) -> None:
    """Adds all that imports the crate."""
    crates: list[Json] = project["crates"]
    found = [crate for crate in crates if Path(crate["root_module"]) == root / "src/kthread.rs"]
    if not found:
        raise Failure(f"the kernel's generator does not know {root}/src/kthread.rs")
    crate = found[0]
    bindings = objects / "src/bindings/bindings_generated.rs"
    crate["env"] = {**crate["env"], "KTHREAD_BINDINGS": str(bindings)}
    # Tests share files outside their own folders.
    crate["source"] = {"include_dirs": [str(root)], "exclude_dirs": [str(root / "build")]}
    # Those of ours come last, so that no index changes.
    while crates[-1] is not crate:
        crates.pop()
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


def importers(root: Path) -> Iterator[Path]:
    """The root of each crate that imports ours."""
    for folder in ("samples", "tests"):
        for source in sorted((root / folder).rglob("*.rs")):
            if source.name != "module.rs" and ROOT.search(source.read_text(encoding="utf-8")):
                yield source


def main(settings: Settings) -> None:
    """Builds the modules first, as what is generated has to be there."""
    progress = Progress(total=5 if settings.kdir else 6)
    kernel = kernel_build.prepare(settings, progress)
    modules.build(settings, kernel, progress)
    with progress.step("Project file") as step:
        print(generate(settings, kernel, step))


if __name__ == "__main__":
    run_main(main)
