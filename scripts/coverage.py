# SPDX-License-Identifier: GPL-2.0
"""`make coverage`: which lines and branches of src the tests in the guest run.

The compiler has each module count how often each part of its code runs; code that is generic does
so where it is instantiated, in the modules of the tests. A module of tests/coverage keeps what was
counted when they leave, and the job "coverage" of the guest tells it to the host.
"""

import base64
import gzip
import re
import shutil
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import Path

import kernel_build
import llvm
import modules
import test
from guest import Guest, Job, Run
from kernel_build import Kernel
from llvm import Llvm
from progress import Progress, Step
from settings import Failure, Settings, run_main
from toolchain import Rust

RUST_FLAGS = "-Cinstrument-coverage -Zno-profiler-runtime -Zcoverage-options=branch"
PARTS = "samples tests tests/coverage"
PROFILE = re.compile(r"profile (\w+) (\S+)")


@dataclass
class Source:
    """How often the lines of a source ran, and was gone each way out of those that branch."""

    lines: dict[int, int] = field(default_factory=dict)
    ways: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))

    @property
    def lines_run(self) -> tuple[int, int]:
        """How many, of how many."""
        return sum(map(bool, self.lines.values())), len(self.lines)

    @property
    def ways_gone(self) -> tuple[int, int]:
        """How many, of how many."""
        counts = [count for ways in self.ways.values() for count in ways]
        return sum(map(bool, counts)), len(counts)

    def missed(self) -> str:
        """The lines that never ran, and with a "b" those with a way out that was never gone."""
        found = []
        for ran, group in groupby(sorted(self.lines), key=lambda line: bool(self.lines[line])):
            numbers = list(group)
            if ran:
                found += [f"{line}b" for line in numbers if not all(self.ways.get(line, []))]
            else:
                found.append("-".join(map(str, sorted({numbers[0], numbers[-1]}))))
        return " ".join(found)


class CountingGuest(Guest):
    """A guest whose jobs leave profiles behind."""

    def __init__(self, settings: Settings, kernel: Kernel, folder: Path) -> None:
        super().__init__(settings, kernel, folder / "modules")
        self.logs = folder / "log"
        self.profiles = folder / "profiles"
        shutil.rmtree(self.profiles, ignore_errors=True)
        self.profiles.mkdir()

    def run(
        self,
        job: Job,
        say: Callable[[str], None] = lambda line: None,
        idle: Callable[[], None] = lambda: None,
    ) -> Run:
        """Runs the job "coverage", which does what the job "test" does."""
        title = job.title or job.name

        def listen(line: str) -> None:
            if found := PROFILE.fullmatch(line):
                content = gzip.decompress(base64.b64decode(found[2]))
                profile = self.profiles / f"{title}-{found[1]}.profraw"
                profile.write_bytes(llvm.raw_profile(content))
            else:
                say(line)

        return super().run(replace(job, name="coverage", title=title), listen, idle)


def build(settings: Settings, kernel: Kernel, folder: Path, step: Step) -> None:
    """Builds all modules so that they count."""
    folder.mkdir(parents=True, exist_ok=True)
    sections = settings.root / "tests/coverage/sections.lds"
    options = [f"KRUSTFLAGS={RUST_FLAGS}", f"LDFLAGS_MODULE=-T {sections}"]
    modules.kbuild(settings, kernel, f"{folder.name}/objects", step, options, PARTS)
    modules.collect(folder / "objects", folder / "modules")


def read(tools: Llvm, machine: CountingGuest, sources: Path, pages: Path, step: Step) -> str:
    """Makes one profile of those of all guests; returns it in the format of lcov."""
    profiles = sorted(machine.profiles.glob("*.profraw"))
    if not profiles:
        raise Failure(f"no guest told what it counted: see {machine.logs}")
    merged = machine.profiles / "all.profdata"
    # Of a function, what comes first counts. Of what it only has others compile, the crate has
    # but a note that it never ran.
    crate = machine.modules / "rust_kthread.ko"
    objects = [*sorted(machine.modules.glob("kthread_*.ko")), crate]
    tools.merge(profiles, merged, step)
    tools.show(merged, objects, sources, pages, step)
    return tools.export(merged, objects, sources, step)


def parse(lcov: str, folder: Path) -> dict[str, Source]:
    """The sources in that folder, by name."""
    found: dict[str, Source] = {}
    for record in lcov.splitlines():
        kind, _, value = record.partition(":")
        if kind == "SF":
            source = found.setdefault(str(Path(value).relative_to(folder)), Source())
        elif kind == "DA":
            line, count = value.split(",")
            source.lines[int(line)] = int(count)
        elif kind == "BRDA":
            line, *_, count = value.split(",")
            source.ways[int(line)].append(0 if count == "-" else int(count))
    return found


def table(sources: dict[str, Source]) -> Iterator[str]:
    """A row for each source, and their sum."""
    yield f"{'':24} {'lines':>20}  {'branches':>20}  missed"
    for name, source in sorted(sources.items()):
        shares = f"{_share(source.lines_run)}  {_share(source.ways_gone)}"
        yield f"{name:24} {shares}  {source.missed()}".rstrip()
    lines = _sum(source.lines_run for source in sources.values())
    ways = _sum(source.ways_gone for source in sources.values())
    yield f"{'all':24} {_share(lines)}  {_share(ways)}"


def _sum(shares: Iterator[tuple[int, int]]) -> tuple[int, int]:
    parts, wholes = zip(*shares, strict=True)
    return sum(parts), sum(wholes)


def _share(share: tuple[int, int]) -> str:
    part, whole = share
    return f"{part:4} of {whole:4} {100 * part / whole:6.1f} %" if whole else " " * 21


def main(settings: Settings) -> int:
    """Returns 0 only if all tests passed."""
    progress = Progress(total=7 if settings.kdir else 8)
    kernel = kernel_build.prepare(settings, progress)
    tools = Llvm(Rust.find(settings.root))
    folder = settings.build / "coverage"
    with progress.step("Modules that count") as step:
        build(settings, kernel, folder, step)
    machine = CountingGuest(settings, kernel, folder)
    checks = test.test_crate(machine, progress)
    checks += test.test_alone(machine, progress)
    sources, pages = settings.root / "src", folder / "html"
    with progress.step("What ran") as step:
        found = parse(read(tools, machine, sources, pages, step), sources)
    print("\n".join(["", *table(found), "", f"Line by line: {pages}/index.html"]))
    return test.report(checks)


if __name__ == "__main__":
    run_main(main)
