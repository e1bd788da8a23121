# SPDX-License-Identifier: GPL-2.0
"""`make churn`: loads and unloads modules in changing order, again and again.

It is the boot test `module_churn`, for longer.
"""

import random
import re
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import guest
from kernel_log import messages
from progress import Step
from settings import Settings, run_main
from test import report
from verdict import Plan, judge
from workshop import Workshop

START_UP = 120  # seconds for all but the loads
LONGEST = 20  # seconds, on a fast kernel, in which the crate comes and goes with all others
PROGRESS = re.compile(r"kthread_module_churn: (\d+) of (\d+), (.*)")


def main(settings: Settings) -> int:
    """Returns 0 only if nothing was wrong."""
    machine, progress = guest.prepare(settings, more_steps=2)
    plan = Plan(
        modules=(),
        boot_tests=(settings.root / "tests/boot/module_churn.sh",),
        bound=LONGEST * settings.churns,
        leaks=machine.has_kmemleak,
    )
    job = plan.job("churn", START_UP)
    seed = settings.seed or random.getrandbits(32)
    choices = {"churns": str(settings.churns), "seed": str(seed)}
    job = replace(job, variables={**job.variables, **choices})
    with tempfile.TemporaryDirectory(prefix="kthread-churn-") as folder:
        with progress.step("A driver of others") as step:
            shop = Workshop(settings, machine.kernel, Path(folder), step)
            job = replace(job, tree=with_driver(shop))
        with progress.step("Modules come and go") as step:
            step.log = machine.console(job)
            step.say(f"SEED={seed} gives the same order")
            result = machine.run(job, step.say, lambda: follow(step))
            step.say(how_far(step)[0] + " were done")
    return report(judge(plan, result, machine.kernel))


def with_driver(shop: Workshop) -> Path:
    """Builds the driver that is not of this tree; returns what the guest gets of it."""
    output = shop.driver("churn", shop.settings.build / "import")
    (shop.tree / "modules").mkdir(parents=True)
    shutil.copy(output / "downstream.ko", shop.tree / "modules")
    return shop.tree


def how_far(step: Step) -> tuple[str, float]:
    """In words and in percent."""
    assert step.log is not None
    said = [found for line in messages(step.log) if (found := PROGRESS.fullmatch(line))]
    return (said[-1][3], 100 * int(said[-1][1]) / int(said[-1][2])) if said else ("0 loads", 0)


def follow(step: Step) -> None:
    """Shows that."""
    words, percent = how_far(step)
    step.percent(percent, words)


if __name__ == "__main__":
    run_main(main)
