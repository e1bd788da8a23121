# SPDX-License-Identifier: GPL-2.0
"""`make bench`: measures what threads cost in Rust and in C, in a guest that counts instructions.

What is measured is in tests/bench. `make bench MODE=record` also writes the ratios to
tests/bench/ratios.txt, which `make test` holds the crate to. Other modes are `wall`, what CPUs do
to each other, and `where`, what functions the instructions are of: bench_wall.py, bench_where.py.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import bench_plot
import bench_size
import bench_wall
import bench_where
import guest
from bench_figures import Operation, memory_table, read_log, read_memory, table
from guest import Guest
from kernel_log import messages
from progress import Step
from settings import Failure, Settings, run_main
from verdict import Check, Plan, judge

ROUNDS = 41
FEW_ROUNDS = 21
# Most rounds end before the clock's next tick, which would be a part of them, has come.
SHIFT = 0
LIMIT = 300  # seconds
TOLERANCE = 1.05
RATIOS = "tests/bench/ratios.txt"


def main(settings: Settings) -> None:
    """Fails if anything is wrong; what was measured may still be slow."""
    if sys.argv[1:] not in ([], ["record"], ["wall"], ["where"]):
        raise Failure(f"{' '.join(sys.argv[1:])}: say 'record', 'wall', 'where', or nothing")
    if settings.kernel != "plain":
        raise Failure(f"KERNEL={settings.kernel}: only a plain kernel tells what threads cost")
    machine, progress = guest.prepare(settings, more_steps=1)
    if sys.argv[1:] == ["wall"]:
        with progress.step("Benchmark on several CPUs") as step:
            result = bench_wall.measure(machine, step)
        print(f"\n{result}")
        return
    if sys.argv[1:] == ["where"]:
        with progress.step("Benchmark that counts each instruction") as step:
            print(f"\n{where(machine, step)}")
        return
    with progress.step("Benchmark in the instruction-counted guest") as step:
        checks, log = measure(machine, ROUNDS, step, "counted", "growth", "memory")
    demand(checks)
    measured, memory = read_log(log, SHIFT), read_memory(log)
    operations = [each for each in measured if each.number is None]
    growth = [each for each in measured if each.number is not None]
    twins = (path.stem for path in (settings.root / "tests/twins").glob("*.c"))
    sizes = bench_size.read(machine.modules, twins)
    for part in (table(operations), table(growth), memory_table(memory), bench_size.table(sizes)):
        print(f"\n{part}")
    figures = settings.build / "bench.json"
    everything = {
        "operations": [operation.figures() for operation in operations],
        "growth": [operation.figures() for operation in growth],
        "memory": [asdict(each) for each in memory],
        "sizes": [asdict(each) for each in sizes],
    }
    figures.write_text(json.dumps(everything, indent=1), encoding="utf-8")
    ratios = bench_plot.ratios(operations, settings.build / "bench.svg")
    grown = bench_plot.growth(growth, settings.build / "growth.svg")
    print(f"\n{figures}\n{ratios}\n{grown}")
    if sys.argv[1:]:
        record(operations, settings.root / RATIOS)


def demand(checks: list[Check]) -> None:
    """Figures are worth nothing if anything went wrong."""
    for check in checks:
        if not check.passed:
            raise Failure(f"{check.name}: {check.reason}")


def where(machine: Guest, step: Step) -> Path:
    """Writes what functions the instructions of each operation are of; returns the path."""
    settings = machine.settings
    counts, path = settings.build / "where.counts", settings.build / "where.txt"
    plugin = f"{bench_where.build(settings, step)},out={counts}"
    checks, log = measure(machine, ROUNDS, step, "counted", plugin=plugin)
    demand(checks)
    symbols = (machine.kernel.dir / "System.map").read_text(encoding="utf-8").splitlines()
    operations = bench_where.read(counts.read_text(encoding="utf-8"), log, symbols)
    tables = map(bench_where.table, operations)
    path.write_text("\n\n".join([*tables, ""]), encoding="utf-8")
    return path


def measure(
    machine: Guest, rounds: int, step: Step, *scripts: str, plugin: str = ""
) -> tuple[list[Check], list[str]]:
    """Boots, runs these scripts of tests/bench, and returns what the kernel has logged.

    Each operation is measured so many times. With a plugin, the log also has the modules' symbols.
    """
    folder = machine.settings.root / "tests/bench"
    paths = tuple(folder / f"{script}.sh" for script in scripts)
    plan = Plan(modules=(), boot_tests=paths, bound=LIMIT)
    job = plan.job("bench")
    variables = {**job.variables, "rounds": str(rounds), **({"symbols": "yes"} if plugin else {})}
    job = replace(job, counted=True, shift=SHIFT, variables=variables, plugin=plugin)
    step.log = machine.console(job)
    run = machine.run(job, step.say, step.show)
    return judge(plan, run, machine.kernel), messages(run.console)


def hold(machine: Guest, step: Step) -> list[Check]:
    """The short form: no operation may cost more than what was recorded, but for a little.

    Another kernel has other ratios, so it is not held to them.
    """
    if machine.settings.kernel != "plain" or machine.settings.kdir is not None:
        step.say("only where KERNEL=plain")
        return []
    checks, log = measure(machine, FEW_ROUNDS, step, "counted")
    operations = [each for each in read_log(log, SHIFT) if each.number is None]
    return [*checks, *compare(operations, recorded(machine.settings.root / RATIOS))]


def compare(operations: list[Operation], limits: dict[str, float]) -> Iterator[Check]:
    """Each operation that was recorded must have been measured, and the other way round."""
    measured = {operation.name: operation.ratio for operation in operations}
    for name in sorted(measured.keys() | limits.keys()):
        if name not in limits:
            reason = "is not recorded: run make bench MODE=record"
        elif name not in measured:
            reason = "was not measured"
        elif measured[name] > limits[name] * TOLERANCE:
            reason = f"costs {measured[name]:.3f} of C, and {limits[name]:.3f} when recorded"
        else:
            reason = ""
        yield Check("benchmark", name, not reason, reason)


def record(operations: list[Operation], path: Path) -> None:
    """Writes the ratios, one line for each operation."""
    head = [line for line in path.read_text().splitlines() if line.startswith("#")]
    lines = [f"{operation.name} {operation.ratio:.3f}" for operation in operations]
    path.write_text("\n".join([*head, "", *lines, ""]))


def recorded(path: Path) -> dict[str, float]:
    """The ratios that were recorded."""
    lines = (line.split() for line in path.read_text().splitlines())
    return {line[0]: float(line[1]) for line in lines if line and line[0] != "#"}


if __name__ == "__main__":
    run_main(main)
