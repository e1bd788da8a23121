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
from suites import expected_cases
from verdict import Check, Plan, judge

# What a boot test says that needs a newer kernel than the oldest one.
SINCE = re.compile(r"kthread-since: (\d+\.\d+)")


def main(settings: Settings) -> int:
    """Returns 0 only if something was tested and nothing failed."""
    everything = not sys.argv[1:]
    if not everything and sys.argv[1:] != ["harness"]:
        raise Failure(f"{' '.join(sys.argv[1:])}: say 'harness', or nothing for all tests")
    machine, progress = guest.prepare(settings, more_steps=13 if everything else 1)
    checks = []
    if everything:
        with progress.step("Misuse that must not compile") as step:
            checks += compile_fail.run(settings, machine.kernel, step)
        with progress.step("Documentation") as step:
            checks += doc_coverage.run(settings, machine.kernel, step)
        with progress.step("All that threads can do to a mailbox") as step:
            checks += loom.run(settings, step)
        checks += test_crate(machine, progress)
        checks += test_alone(machine, progress)
        checks += test_counted(machine, progress)
        checks += test_import(machine, progress)
    with progress.step("Proofs that the harness can fail") as step:
        checks += harness.prove(machine, step)
    if everything:
        with progress.step("Tests of the scripts"):
            checks += test_scripts(settings.root / "tests/scripts")
        cases = expected_cases(suite_sources(settings.root / "tests/kunit"))
        checks += hazards.check(settings.root, checks, cases)
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
        boot_tests=boot_tests(tests, machine.kernel.release),
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
        scripts = boot_tests_alone(machine.settings.root / "tests", machine.kernel.release)
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


def boot_tests(tests: Path, release: str) -> tuple[Path, ...]:
    """All that share a guest."""
    return tuple(path for path in _boot_tests(tests, release) if not is_alone(path))


def boot_tests_alone(tests: Path, release: str) -> tuple[Path, ...]:
    """Those that want a guest of their own: lockdep is off after its first report."""
    return tuple(filter(is_alone, _boot_tests(tests, release)))


def _boot_tests(tests: Path, release: str) -> Iterator[Path]:
    """Those that this kernel is new enough for."""
    for folder in ("boot", "samples", "twins"):
        for script in sorted((tests / folder).glob("*.sh")):
            since = SINCE.search(script.read_text(encoding="utf-8"))
            if since is None or _series(since[1]) <= _series(release):
                yield script


def _series(release: str) -> list[int]:
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
    """Prints what failed and why, a table, and the sum last."""
    failed = [check for check in checks if not check.passed]
    for check in failed:
        print(f"\nFAILED {check.group}: {check.name}")
        for line in check.reason.splitlines():
            print(f"       {line}")
    print(f"\n{'':16} passed  failed")
    for group in dict.fromkeys(check.group for check in checks):
        passed = [check.passed for check in checks if check.group == group]
        print(f"{group:16} {sum(passed):6}  {len(passed) - sum(passed):6}")
    print(f"\n{len(checks) - len(failed)} passed, {len(failed)} failed", flush=True)
    return 1 if failed or not checks else 0


if __name__ == "__main__":
    run_main(main)
