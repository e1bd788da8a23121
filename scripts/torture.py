# SPDX-License-Identifier: GPL-2.0
"""`make torture`: does what the crate is for, at random, for DURATION, and counts.

It is the boot test of that name, for longer. What is done, and what has to come of it, is in
tests/torture; what the system does meanwhile, in tests/guest/disturb.sh.
"""

import random
import re
import time
from dataclasses import replace
from pathlib import Path

import guest
from kernel_log import STAMP, messages
from progress import Step
from settings import Failure, Settings, run_main
from test import report
from verdict import Plan, judge

MODULE = "kthread_torture: "
START_UP = 120  # seconds for all but the operations themselves
SILENT = 300  # seconds, on a fast kernel, without a line in the log
PROGRESS = re.compile(rf"{MODULE}(?:(\d+) of (\d+) s|\w+: \d+ rounds)")
TAIL = 4096  # bytes


def main(settings: Settings) -> int:
    """Returns 0 only if nothing was wrong."""
    machine, progress = guest.prepare(settings, more_steps=1)
    seed = settings.seed or random.getrandbits(32)
    plan = Plan(
        modules=(),
        boot_tests=(settings.root / "tests/boot/torture.sh",),
        bound=START_UP + settings.duration,
        leaks=machine.has_kmemleak,
    )
    job = plan.job("torture", START_UP)
    choices = {"seconds": str(settings.duration), "seed": str(seed)}
    # CPUs that wait for each other, each in a thread of its own, would mostly wait for QEMU's lock.
    job = replace(job, one_thread=True, variables={**job.variables, **choices})
    with progress.step("Torture") as step:
        step.log = machine.console(job)
        step.say(f"SEED={seed} gives the same random numbers")
        silent = SILENT * machine.slowdown
        result = machine.run(job, step.say, lambda: follow(step, silent))
        for line in messages(step.log):
            if line.startswith(MODULE) and not PROGRESS.fullmatch(line):
                step.say(line.removeprefix(MODULE))
    return report(judge(plan, result, machine.kernel))


def follow(step: Step, silent: float) -> None:
    """Shows how far it is; a guest that is stuck need not be waited for."""
    assert step.log is not None
    for line in tail(step.log):
        if line.startswith(f"{MODULE}stuck: "):
            raise Failure(f"{line}; see {step.log}")
        if (found := PROGRESS.fullmatch(line)) and found[1]:
            step.percent(100 * int(found[1]) / int(found[2]))
    if time.time() - step.log.stat().st_mtime > silent:
        raise Failure(f"the guest has said nothing for {silent:g} s; see {step.log}")


def tail(log: Path) -> list[str]:
    """The last lines; all of them, again and again, would take too long."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL))
        text = file.read().decode(errors="replace")
    return [STAMP.sub("", line) for line in text.splitlines()]


if __name__ == "__main__":
    run_main(main)
