# SPDX-License-Identifier: GPL-2.0
"""What threads on several CPUs do to each other, by the clock on the wall.

No figure of these repeats as those of the counted guest do: what can be told is whether Rust and C
are alike on the same host at the same time.
"""

import re
from collections.abc import Iterable
from dataclasses import replace

import bench_plot
from bench_figures import C, RUST, read_log, table
from guest import Guest
from kernel_log import messages
from progress import Step
from settings import Failure
from verdict import Plan, judge

LIMIT = 600  # seconds
WOKEN = re.compile(rf"({RUST}|{C}): woken within 2\^(\d+) ns: (\d+)")


def measure(machine: Guest, step: Step) -> str:
    """Boots a guest with all its CPUs, and returns what came out."""
    settings = machine.settings
    script = settings.root / "tests/bench/wall.sh"
    plan = Plan(modules=(), boot_tests=(script,), bound=LIMIT)
    # CPUs that wait for each other, each in a thread of its own, would mostly wait for the host.
    job = replace(plan.job("bench-wall"), one_thread=True)
    step.log = machine.console(job)
    run = machine.run(job, step.say, step.show)
    for check in judge(plan, run, machine.kernel):
        if not check.passed:
            raise Failure(f"{check.name}: {check.reason}")
    log = messages(run.console)
    plot = bench_plot.histogram(read_histogram(log), settings.build / "latency.svg")
    return f"{table(read_log(log, 0)).replace('instructions', 'nanoseconds ')}\n\n{plot}"


def read_histogram(lines: Iterable[str]) -> dict[int, dict[str, int]]:
    """How many wake-ups took less than 2^N ns, and not less than half of that, in each language."""
    counts: dict[int, dict[str, int]] = {}
    for line in lines:
        if found := WOKEN.fullmatch(line):
            language = "Rust" if found[1] == RUST else "C"
            counts.setdefault(int(found[2]), {"Rust": 0, "C": 0})[language] = int(found[3])
    return dict(sorted(counts.items()))
