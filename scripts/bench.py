# SPDX-License-Identifier: GPL-2.0
"""`make bench`: measures what threads cost in Rust and in C, in a guest that counts instructions.

What is measured is in tests/bench. `make bench MODE=record` also writes the ratios to
tests/bench/ratios.txt, which `make test` holds the crate to; `wall` is another mode: bench_wall.py.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import bench_plot
import bench_size
import bench_wall
import guest
from bench_figures import Operation, memory_table, read_log, read_memory, table
from guest import Guest
from kernel_log import messages
from progress import Step
from settings import Failure, Settings, run_main
from verdict import Check, Plan, judge

ROUNDS = 41
FEW_ROUNDS = 7
# Most rounds end before the clock's next tick, which would be a part of them, has come.
SHIFT = 0
LIMIT = 300  # seconds
TOLERANCE = 1.05
RATIOS = "tests/bench/ratios.txt"


def main(settings: Settings) -> None:
    """Fails if anything is wrong; what was measured may still be slow."""
    if sys.argv[1:] not in ([], ["record"], ["wall"]):
        raise Failure(f"{' '.join(sys.argv[1:])}: say 'record', 'wall', or nothing")
    if settings.kernel != "plain":
        raise Failure(f"KERNEL={settings.kernel}: only a plain kernel tells what threads cost")
    machine, progress = guest.prepare(settings, more_steps=1)
    if sys.argv[1:] == ["wall"]:
        with progress.step("Benchmark on several CPUs") as step:
            result = bench_wall.measure(machine, step)
        print(f"\n{result}")
        return
    with progress.step("Benchmark in the instruction-counted guest") as step:
        checks, log = measure(machine, ROUNDS, step, "counted", "growth", "memory")
    for check in checks:
        if not check.passed:
            raise Failure(f"{check.name}: {check.reason}")
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


def measure(
    machine: Guest, rounds: int, step: Step, *scripts: str
) -> tuple[list[Check], list[str]]:
    """Boots, runs these scripts of tests/bench, and returns what the kernel has logged.

    Each operation is measured so many times.
    """
    folder = machine.settings.root / "tests/bench"
    paths = tuple(folder / f"{script}.sh" for script in scripts)
    plan = Plan(modules=(), boot_tests=paths, bound=LIMIT)
    job = plan.job("bench")
    variables = {**job.variables, "rounds": str(rounds)}
    job = replace(job, counted=True, shift=SHIFT, variables=variables)
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
