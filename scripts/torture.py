# SPDX-License-Identifier: GPL-2.0
"""`make torture`: does what the crate is for, at random, ROUNDS times, and counts.

What is done, and what has to come of it, is in tests/torture.
"""

import random
import re
from collections.abc import Iterator
from dataclasses import replace

import guest
from kernel_log import messages
from progress import Step
from settings import Failure, Settings, run_main
from test import report
from verdict import Check, Plan, judge

MODULE = "kthread_torture"
SCENARIOS = {
    "spawns": "spawn",
    "parks": "park",
    "handles": "handle",
    "hooks": "hook",
    "waits": "wait",
    "waits_on_one_cpu": "wait_on_one_cpu",
    "sends": "send",
    "items": "item",
    "closings": "close",
}
START_UP = 120  # seconds for all but the rounds
SLOWEST = 50  # rounds in a second, on a fast kernel
DONE = re.compile(rf"{MODULE}: (\w+): (\d+) of (\d+) rounds")


def main(settings: Settings) -> int:
    """Returns 0 only if all rounds were done and nothing was wrong."""
    machine, progress = guest.prepare(settings, more_steps=1)
    seed = settings.seed or random.getrandbits(32)
    plan = make_plan(settings.rounds, seed, leaks=machine.has_kmemleak)
    limit = START_UP + len(SCENARIOS) * settings.rounds / SLOWEST
    # CPUs that wait for each other, each in a thread of its own, would mostly wait for QEMU's lock.
    job = replace(plan.job("torture", limit), one_thread=True)
    with progress.step("Torture") as step:
        step.log = machine.console(job)
        step.say(f"SEED={seed} gives the same random numbers")
        result = machine.run(job, step.say, lambda: follow(step))
        said = list(lines_of_module(step))
        for line in said:
            if not DONE.fullmatch(line):
                step.say(line)
    return report([*judge(plan, result, machine.kernel), *count(said, settings.rounds)])


def make_plan(rounds: int, seed: int, leaks: bool) -> Plan:
    """As many rounds of each scenario."""
    numbers = {**dict.fromkeys(SCENARIOS, rounds), "seed": seed}
    parameters = [f"{name}={value}" for name, value in numbers.items()]
    return Plan(modules=("rust_kthread", ":".join([MODULE, *parameters])), leaks=leaks)


def lines_of_module(step: Step) -> Iterator[str]:
    """What the module has said so far."""
    assert step.log is not None
    return (line for line in messages(step.log) if line.startswith(f"{MODULE}: "))


def follow(step: Step) -> None:
    """Shows how far it is; a guest that is stuck need not be waited for."""
    name, done = "", 0.0
    for line in lines_of_module(step):
        if "!!!" in line:
            raise Failure(f"{line}; see {step.log}")
        if found := DONE.fullmatch(line):
            name = found[1]
            done = list(SCENARIOS.values()).index(name) + int(found[2]) / int(found[3])
    step.percent(100 * done / len(SCENARIOS), name)


def count(said: list[str], rounds: int) -> Iterator[Check]:
    """Each scenario must have come to its end."""
    ends = {f"{MODULE}: {name}: {rounds} of {rounds} rounds" for name in SCENARIOS.values()}
    for end in sorted(ends):
        yield Check("torture", end, end in said, "" if end in said else "did not come")


if __name__ == "__main__":
    run_main(main)
