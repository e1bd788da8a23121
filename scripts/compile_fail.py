# SPDX-License-Identifier: GPL-2.0
"""Shows that the compiler refuses misuse of the crate: the cases in tests/compile-fail.

Each case is compiled twice, as kbuild compiles a sample: with `--cfg misuse` it must be refused for
the reason that it states, and without, as its own twin, it must compile without a word. So it is
the lines under `#[cfg(misuse)]` that were refused, wherever the compiler points to. The reason is
stated as the compiler puts it: `// error[E0277]: cannot be sent` asks each error for exactly this
code (`// error: ` for none), and for the text anywhere in its message.
"""

import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import cache
import command
import kbuild_command
from command import CommandError
from kernel_build import Kernel
from progress import Step
from settings import Settings
from verdict import Check

GROUP = "must not compile"
MODEL = "samples/poller.o"  # something that imports the crate
STATED = re.compile(r"^// (error(?:\[E\d{4}\])?): (.+)$", re.MULTILINE)
MESSAGE = re.compile(r"^(?=error|warning)", re.MULTILINE)
SUMMARY = "error: aborting due to "
LONGEST_QUOTE = 6  # lines of compiler messages that a failed check shows

# Compiles a source, with more options, into a file; returns whether that worked, and the output.
Compile = Callable[[Path, list[str], Path], tuple[bool, str]]


def run(settings: Settings, kernel: Kernel, step: Step) -> list[Check]:
    """Tries every case, against the crate as it was just built."""
    folder = settings.root / "tests/compile-fail"
    cases = sorted(folder.glob("*.rs"))
    objects, output = settings.build / "objects", settings.build / "compile-fail"
    checks = []
    with cache.lock(settings.build / "objects.lock", step):
        model = kbuild_command.compiler(objects, MODEL)
        shutil.rmtree(output, ignore_errors=True)
        output.mkdir()

        def compile_(source: Path, options: list[str], result: Path) -> tuple[bool, str]:
            # All the way to an object: what depends on a size is only asserted in generated code.
            argv = ["env", *model, *options, f"--emit=obj={result}", source]
            log = result.with_suffix(".log")
            try:
                return True, command.run(argv, log, step, cwd=objects, env=kernel.env)
            except CommandError as error:
                return False, error.output or str(error)

        for number, case in enumerate(cases):
            step.percent(100 * number / len(cases), case.stem)
            reasons = list(_complaints(case, output, compile_))
            checks.append(Check(GROUP, case.stem, not reasons, "\n".join(reasons)))
    return checks or [Check(GROUP, str(folder), False, "there are no cases")]


def _complaints(case: Path, output: Path, compile_: Compile) -> Iterator[str]:
    """What is wrong with a case."""
    stated = STATED.findall(case.read_text(encoding="utf-8"))
    if len(stated) != 1:
        yield f"states {len(stated)} errors: state one, as in `// error[E0277]: cannot be sent`"
        return
    kind, text = stated[0]
    misuse, twin = (output / f"{case.stem}.{name}.o" for name in ("misuse", "twin"))

    compiled, said = compile_(case, ["--cfg", "misuse"], misuse)
    errors = [part for part in MESSAGE.split(said) if part.startswith("error")]
    errors = [error for error in errors if not error.startswith(SUMMARY)]
    others = [error for error in errors if not (error.startswith(f"{kind}: ") and text in error)]
    if compiled:
        yield "the misuse compiles"
    elif others or not errors:
        yield f"the misuse was refused, but not (only) for '{kind}: {text}':"
        yield from _quote("".join(others) or said, misuse)

    compiled, said = compile_(case, [], twin)
    if not compiled or said.strip():
        yield "without the misuse, it must compile without a word:"
        yield from _quote(said, twin)


def _quote(said: str, result: Path) -> Iterator[str]:
    """The top of what the compiler said, and where the rest is."""
    yield from said.splitlines()[:LONGEST_QUOTE]
    yield f"see {result.with_suffix('.log')}"
