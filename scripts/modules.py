# SPDX-License-Identifier: GPL-2.0
"""Builds the crate, the samples and the test modules against a kernel build, with kbuild."""

import os
import re
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

import cache
import command
import kernel_build
from command import CommandError
from kernel_build import Kernel
from progress import Progress, Step
from settings import Failure, Settings, run_main

SPACE = 100  # MiB
LONGEST_REPORT = 200  # lines of compiler messages
# What kbuild itself says: "  RUSTC [M] src/kthread.o", "make[1]: Entering ...", "make: *** ...".
CHATTER = re.compile(r"  [A-Z][A-Z0-9_+-]* +\S|make(\[\d+\])?: (Entering|Leaving|\*\*\*) ")


def build(settings: Settings, kernel: Kernel, progress: Progress) -> Path:
    """Builds all modules and returns the folder that holds them, all at its top level."""
    with progress.step("Modules") as step:
        output = kbuild(settings, kernel, "objects", step)
        for line in messages(output):
            step.say(line)
        stage(settings, kernel, "objects", settings.build / "import", step)
        return collect(settings.build / "objects", settings.build / "modules")


def stage(settings: Settings, kernel: Kernel, folder: str, target: Path, step: Step) -> None:
    """Gathers what drivers need to import the crate as it was built in that folder."""
    objects = settings.build / folder
    script = settings.root / "scripts/stage.sh"
    command.run([script, objects, kernel.release, target], settings.build / "stage.log", step)


def kbuild(
    settings: Settings,
    kernel: Kernel,
    folder: str,
    step: Step,
    options: Sequence[str] = (),
    parts: str = "samples tests",
) -> str:
    """Builds into a folder of its own below the build folder, and returns what kbuild said.

    The parts are those besides the crate.
    """
    objects = settings.build / folder
    with cache.lock(settings.build / f"{folder}.lock", step) as lock_fd:
        _reset_for(kernel, objects)
        cache.require_space("building the modules", objects, SPACE)
        argv = make(settings, kernel, objects, f"KTHREAD_WITH={parts}", *options, "modules")
        log = settings.build / f"{folder}.log"
        try:
            return command.run(argv, log, step, env=kernel.env, lock_fd=lock_fd)
        except CommandError as error:
            if error.disk_full:
                raise cache.no_space("building the modules", objects, SPACE) from error
            report = list(messages(error.output))
            shown = "\n".join(report[:LONGEST_REPORT])
            cause = f"the modules could not be built; the full log is {log}"
            raise Failure(f"{cause}\n{shown}") from error


def make(settings: Settings, kernel: Kernel, objects: Path, *arguments: str) -> list[str]:
    """The command by which kbuild does something with what is in that folder."""
    return [
        *("make", "-C", str(kernel.dir), f"M={settings.root}", f"MO={objects}"),
        *(f"-j{settings.jobs}", *kernel.make, *arguments),
    ]


def messages(output: str) -> Iterator[str]:
    """What the compilers and modpost had to say, warnings included."""
    return (line for line in output.splitlines() if not CHATTER.match(line))


def _reset_for(kernel: Kernel, objects: Path) -> None:
    """Starts afresh if the objects were built against another kernel."""
    stamp = objects / ".kernel"
    if not stamp.exists() or stamp.read_text() != kernel.key:
        shutil.rmtree(objects, ignore_errors=True)
        objects.mkdir(parents=True)
        stamp.write_text(kernel.key)


def collect(objects: Path, modules: Path) -> Path:
    """Links the modules of this build, and no others, into one folder."""
    shutil.rmtree(modules, ignore_errors=True)
    modules.mkdir()
    for line in (objects / "modules.order").read_text().splitlines():
        module = objects / Path(line).with_suffix(".ko")
        os.link(module, modules / module.name)
    return modules


def main(settings: Settings) -> None:
    """Builds the modules and lists them."""
    progress = Progress(total=4 if settings.kdir else 5)
    folder = build(settings, kernel_build.prepare(settings, progress), progress)
    for module in sorted(folder.glob("*.ko")):
        print(module)


if __name__ == "__main__":
    run_main(main)
