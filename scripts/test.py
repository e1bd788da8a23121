# SPDX-License-Identifier: GPL-2.0
"""`make test`: tests the crate, proves that the harness can fail, tests the scripts.

Last, it holds the table of hazards in docs/design.md to what was tested.
`python3 scripts/test.py harness` runs only the proofs.
"""

import re
import sys
import unittest
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import bench
import compile_fail
import doc_coverage
import downstream
import guest
import harness
import hazards
import loom
from guest import Guest
from progress import Progress
from settings import Failure, Settings, run_main
from verdict import Check, Plan, judge

# What a boot test says that needs more than each kernel, or its guest, has.
NEEDS = re.compile(r"kthread-(since|cpus|nodes): ([\d.]+)")
NEEDED = {"since": "Linux {}", "cpus": "{} CPUs", "nodes": "{} NUMA nodes"}


def main(settings: Settings) -> int:
    """Returns 0 only if something was tested and nothing failed."""
    everything = not sys.argv[1:]
    if not everything and sys.argv[1:] != ["harness"]:
        raise Failure(f"{' '.join(sys.argv[1:])}: say 'harness', or nothing for all tests")
    machine, progress = guest.prepare(settings, more_steps=14 if everything else 1)
    checks = []
    if everything:
        with progress.step("Misuse that must not compile") as step:
            checks += compile_fail.run(settings, machine.kernel, step)
        with progress.step("Documentation") as step:
            checks += doc_coverage.run(settings, machine.kernel, step)
        with progress.step("All that threads can do to a mailbox") as step:
            checks += loom.run(settings, step)
        checks += left_out(machine)
        checks += test_crate(machine, progress)
        checks += test_alone(machine, progress)
        checks += test_counted(machine, progress)
        with progress.step("Benchmark, in short") as step:
            checks += bench.hold(machine, step)
        checks += test_import(machine, progress)
    with progress.step("Proofs that the harness can fail") as step:
        checks += harness.prove(machine, step)
    if everything:
        with progress.step("Tests of the scripts"):
            checks += test_scripts(settings.root / "tests/scripts")
        checks += hazards.check(settings.root, checks)
    return report(checks)


def test_crate(machine: Guest, progress: Progress) -> list[Check]:
    """Runs every KUnit suite and every boot test, and looks for leaks where the kernel can."""
    tests = machine.settings.root / "tests"
    if machine.config.get("CONFIG_KUNIT") != "y":
        raise Failure(
            f"the kernel in {machine.kernel.dir} has no CONFIG_KUNIT=y, so no suite would run: "
            "set it and build the kernel again"
        )
    plan = Plan(
        modules=("rust_kthread", "kthread_kunit", "kthread_doc"),
        suites=suite_sources(tests / "kunit"),
        documented=machine.settings.root,
        boot_tests=boot_tests(machine),
        leaks=machine.has_kmemleak,
    )
    job = plan.job()
    with progress.step("Tests in the guest") as step:
        step.log = machine.console(job)
        run = machine.run(job, step.say, step.show)
        return judge(plan, run, machine.kernel)


def test_alone(machine: Guest, progress: Progress) -> list[Check]:
    """Runs the boot tests that have a guest each."""
    checks: list[Check] = []
    with progress.step("Tests in guests of their own") as step:
        scripts = boot_tests_alone(machine)
        for number, script in enumerate(scripts):
            step.percent(100 * number / len(scripts))
            plan = Plan(modules=("rust_kthread",), boot_tests=(script,))
            job = plan.job(script.stem)
            step.log = machine.console(job)
            run = machine.run(job, step.say, step.show)
            checks += judge(plan, run, machine.kernel)
    return checks


def test_counted(machine: Guest, progress: Progress) -> list[Check]:
    """Tests what can be told exactly where the clock counts instructions: tests/counted."""
    plan = Plan(modules=("rust_kthread", "kthread_steady"))
    job = replace(plan.job("counted"), counted=True)
    with progress.step("Tests in the instruction-counted guest") as step:
        step.log = machine.console(job)
        run = machine.run(job, step.say, step.show)
        return judge(plan, run, machine.kernel)


def test_import(machine: Guest, progress: Progress) -> list[Check]:
    """Has drivers of others import the crate, and the guest load them."""
    settings = machine.settings
    plan = Plan(modules=(), boot_tests=(settings.root / downstream.BOOT_TEST,))
    with downstream.prepared(settings, machine.kernel, progress) as (checks, tree):
        if not all(check.passed for check in checks):
            return checks
        job = replace(plan.job("downstream"), tree=tree)
        with progress.step("Drivers of others in the guest") as step:
            step.log = machine.console(job)
            run = machine.run(job, step.say, step.show)
            return checks + judge(plan, run, machine.kernel)


def suite_sources(folder: Path) -> tuple[Path, ...]:
    """The sources of all KUnit suites."""
    return tuple(sorted(folder.rglob("*.rs")))


def boot_tests(machine: Guest) -> tuple[Path, ...]:
    """All that share a guest."""
    return tuple(path for path, lack in _boot_tests(machine) if not lack and not is_alone(path))


def boot_tests_alone(machine: Guest) -> tuple[Path, ...]:
    """Those that want a guest of their own: lockdep is off after its first report."""
    return tuple(path for path, lack in _boot_tests(machine) if not lack and is_alone(path))


def left_out(machine: Guest) -> Iterator[Check]:
    """Those that this kernel, or its guest, is not for."""
    for path, lack in _boot_tests(machine):
        if lack:
            yield Check("boot tests", f"boot {path.stem}", True, lack, applies=False)


def _boot_tests(machine: Guest) -> Iterator[tuple[Path, str]]:
    """All of them, and what there is too little of, if so."""
    there = {
        "since": _numbers(machine.kernel.release),
        "cpus": [machine.cpus],
        "nodes": [machine.nodes],
    }
    for folder in ("boot", "samples", "twins"):
        for script in sorted((machine.settings.root / "tests" / folder).glob("*.sh")):
            needs = NEEDS.findall(script.read_text(encoding="utf-8"))
            lacks = [NEEDED[what].format(n) for what, n in needs if _numbers(n) > there[what]]
            yield script, f"needs {' and '.join(lacks)}" if lacks else ""


def _numbers(release: str) -> list[int]:
    """7.3.4-name is of 7.3."""
    return [int(number) for number in re.findall(r"\d+", release)[:2]]


def is_alone(script: Path) -> bool:
    """Whether a boot test asks for that, or ends its guest by a reset."""
    text = script.read_text(encoding="utf-8")
    return "kthread-alone:" in text or "kthread-resets:" in text


def test_scripts(folder: Path) -> list[Check]:
    """Runs the unit tests of the scripts; one that is skipped did not pass."""
    suite = unittest.TestLoader().discover(str(folder))
    recorder = Recorder()
    recorder.buffer = True  # what a test prints is shown only if it fails
    suite.run(recorder)
    return recorder.checks or [Check("scripts", str(folder), False, "there are no tests")]


class Recorder(unittest.TestResult):
    """Turns the results of unit tests into checks."""

    def __init__(self) -> None:
        super().__init__()
        self.checks: list[Check] = []

    def stopTest(self, test: unittest.TestCase) -> None:
        """Notes what became of the test."""
        super().stopTest(test)
        reasons = [text for _, text in (*self.failures, *self.errors, *self.skipped)]
        if self.unexpectedSuccesses:
            reasons.append("succeeded, but is marked as failing")
        for results in (self.failures, self.errors, self.skipped, self.unexpectedSuccesses):
            results.clear()
        self.checks.append(Check("scripts", test.id(), not reasons, "\n".join(reasons)))


def report(checks: list[Check]) -> int:
    """Prints what was left out, what failed and why, a table, and the sum last."""
    absent = [check for check in checks if not check.applies]
    failed = [check for check in checks if check.applies and not check.passed]
    passed = [check for check in checks if check.applies and check.passed]
    for check in absent:
        print(f"LEFT OUT {check.group}: {check.name} {check.reason}")
    for check in failed:
        print(f"\nFAILED {check.group}: {check.name}")
        for line in check.reason.splitlines():
            print(f"       {line}")
    print(f"\n{'':16} passed  failed  left out")
    for group in dict.fromkeys(check.group for check in checks):
        counts = (sum(check.group == group for check in kind) for kind in (passed, failed, absent))
        print("{:16} {:6}  {:6}  {:8}".format(group, *counts))
    print(f"\n{len(passed)} passed, {len(failed)} failed", flush=True)
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    run_main(main)
