# SPDX-License-Identifier: GPL-2.0
"""Judges one guest run by its logs: all that should be there is, and nothing bad is.

What should be there follows from the sources, never from a list that somebody has to keep.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ktap
from guest import End, Job, Run
from kernel_build import Kernel
from kernel_log import KernelLog, messages
from suites import EXAMPLES, expected_cases, expected_examples

TEST_LIMIT = 120  # seconds for a guest with all its KUnit suites
MOST_REASONS = 5  # that one check shows


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    group: str
    name: str
    passed: bool
    reason: str = ""
    applies: bool = True  # to this kernel; if not, the reason says why


@dataclass(frozen=True)
class Plan:
    """What a guest is to test, and so what its logs have to show."""

    modules: tuple[str, ...] = ("rust_kthread", "kthread_kunit")  # MODULE[:PARAMETER=VALUE]
    suites: tuple[Path, ...] = ()  # sources of the KUnit suites in these modules
    documented: Path | None = None  # the folder of what has examples, which are cases, too
    boot_tests: tuple[Path, ...] = ()
    bound: int = 240  # seconds that one boot test may take
    leaks: bool = False  # scan for leaks at the end

    def job(
        self, title: str = "", limit: float = TEST_LIMIT, parameters: tuple[str, ...] = ()
    ) -> Job:
        """The job that does it."""
        variables = {"modules": ",".join(self.modules)}
        if self.leaks:
            variables["leaks"] = "yes"
        return Job(
            name="test",
            limit=limit,
            variables=variables,
            parameters=parameters,
            boot_tests=self.boot_tests,
            bound=self.bound,
            kmemleak=self.leaks,
            title=title,
        )

    def steps(self) -> Iterator[tuple[str, str]]:
        """Group and name of what the job reports on the second port."""
        for module in self.modules:
            yield "modules", f"load {module.partition(':')[0]}"
        yield "modules", "unload"
        for path in self.boot_tests:
            yield "boot tests", f"boot {path.stem}"
        if self.leaks:
            yield "modules", "leaks"


def judge(plan: Plan, run: Run, kernel: Kernel) -> list[Check]:
    """Every check of one run, which is good if all of them passed."""
    kernel_log = KernelLog(run.console)
    steps = ktap.parse(messages(run.log), kernel)
    if run.end is End.RESET:
        steps = _before_reset(plan, steps)
    cases = ktap.parse(kernel_log.messages, kernel)
    expected = expected_cases(plan.suites)
    if plan.documented:
        expected |= expected_examples(plan.documented)
    return [
        Check("guest", "powers off by itself", not run.trouble, run.trouble),
        *_log_checks(kernel_log),
        *_step_checks(plan, steps, run.log),
        *_case_checks(expected, cases, run.console),
    ]


def _before_reset(plan: Plan, steps: list[ktap.Result]) -> list[ktap.Result]:
    """The last boot test is the one that has the machine reset, so it cannot report."""
    reported = [step for step in steps if step.name != ktap.COMPLETE]
    return reported + [ktap.Result(f"boot {path.stem}", "PASS") for path in plan.boot_tests[-1:]]


def _log_checks(log: KernelLog) -> Iterator[Check]:
    """No alarm but the announced ones, and all of those."""
    yield _check("kernel log", "no alarm", [str(report) for report in log.alarms], log.path)
    if log.missing or len(log.alarms) < len(log.reports):
        missing = [f"announced, but it did not come: {pattern}" for pattern in log.missing]
        yield _check("kernel log", "announced alarms", missing, log.path)


def _step_checks(plan: Plan, results: list[ktap.Result], log: Path) -> Iterator[Check]:
    by_name = {result.name: result for result in results}
    for group, name in plan.steps():
        if name in by_name:
            yield _result_check(group, by_name.pop(name), log)
        else:
            yield _check(group, name, ["did not report"], log)
    for result in by_name.values():
        yield _result_check("guest", result, log)


def _case_checks(
    expected: dict[str, bool], results: list[ktap.Result], log: Path
) -> Iterator[Check]:
    """Each expected case must have run. Others, such as the kernel's own, may, and must pass."""
    for result in results:
        group = _case_group(result.name)
        if result.status == "SKIP" and expected.get(result.name, True):
            yield Check(group, result.name, True, result.diagnosis or "was skipped", applies=False)
        else:
            yield _result_check(group, result, log)
    suites = {result.name.partition(".")[0] for result in results}
    for name in sorted(expected.keys() - {result.name for result in results}):
        suite = name.partition(".")[0]
        what = "this case" if suite in suites else f"the suite {suite}"
        yield _check(_case_group(name), name, [f"{what} never ran"], log)


def _case_group(name: str) -> str:
    return "examples" if name.startswith(EXAMPLES) else "KUnit"


def _result_check(group: str, result: ktap.Result, log: Path) -> Check:
    """A case that was skipped did not pass."""
    word = {"FAIL": "failed", "SKIP": "was skipped", "ERROR": "crashed"}.get(result.status)
    diagnosis = f"{word}: {result.diagnosis}" if result.diagnosis else str(word)
    return _check(group, result.name, [] if result.status == "PASS" else [diagnosis], log)


def _check(group: str, name: str, reasons: list[str], log: Path) -> Check:
    """A check that failed if there are reasons; they say where to read on."""
    shown = [*reasons[:MOST_REASONS], f"see {log}"] if reasons else []
    return Check(group, name, not reasons, "\n".join(shown))
