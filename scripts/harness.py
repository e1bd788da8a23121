# SPDX-License-Identifier: GPL-2.0
"""Proves that `make test` can fail: each case boots a guest that must be red for its own reason.

What goes wrong in the guest is in tests/harness.
"""

from collections.abc import Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field

from guest import Guest
from progress import Step
from verdict import Check, Plan, judge

PARALLEL = 2  # guests at a time


@dataclass(frozen=True)
class Case:
    """One guest, and every check that has to fail there, with a part of its reason."""

    title: str
    red: Mapping[str, str] = field(default_factory=dict)
    modules: tuple[str, ...] = ()
    suites: tuple[str, ...] = ()  # tests/harness/<name>.rs
    boot_tests: tuple[str, ...] = ()  # tests/harness/boot/<name>.sh
    limit: float = 30
    leaks: bool = False
    parameters: tuple[str, ...] = ()
    needs: str = ""  # the kernel option without which there is nothing to see


# The numbers are those of tests/harness/mischief.rs. Those that take longest come first.
CASES = (
    Case(
        "a leak",
        {"leaks": "unreferenced object", "no alarm": "new suspected memory leaks"},
        modules=("kthread_mischief:mischief=5",),
        leaks=True,
        needs="CONFIG_DEBUG_KMEMLEAK",
    ),
    Case(
        "a hang",
        {
            "powers off by itself": "the guest did not power off within",
            "load kthread_mischief": "did not report",
            "unload": "did not report",
            "complete KTAP": "missing expected subtest",
        },
        modules=("kthread_mischief:mischief=4",),
        limit=15,
    ),
    Case(
        "nothing wrong, and a WARN that was announced",
        modules=("kthread_mischief",),
        boot_tests=("announced",),
    ),
    Case(
        "a failing assertion",
        {"kthread_failing.fails": "1 + 1 == 3"},
        modules=("kthread_failing",),
        suites=("failing",),
    ),
    Case(
        "a suite that never ran",
        {
            "kthread_failing.passes": "the suite kthread_failing never ran",
            "kthread_failing.fails": "the suite kthread_failing never ran",
        },
        modules=("kthread_mischief",),
        suites=("failing",),
    ),
    Case(
        "a module that does not load",
        {"load kthread_mischief": "No such device"},
        modules=("kthread_mischief:mischief=1",),
    ),
    Case(
        "a WARN",
        {"no alarm": "WARNING: "},
        modules=("kthread_mischief:mischief=2",),
    ),
    Case(
        "an oops",
        {
            "no alarm": "Oops: ",
            "load kthread_mischief": "exit status",
            "unload": "kthread_mischief",
        },
        modules=("kthread_mischief:mischief=3",),
    ),
    Case(
        "a panic, as a task oopsed in a scope with threads",
        {
            "powers off by itself": "",
            "no alarm": "Kernel panic - not syncing: a task oopsed in a scope",
            "load kthread_crash": "did not report",
            "unload": "did not report",
            "complete KTAP": "",
        },
        modules=("rust_kthread", "kthread_crash:place=3"),
    ),
    Case(
        "a panic, as a task oopsed in a stop hook",
        {
            "powers off by itself": "",
            "no alarm": "Kernel panic - not syncing: a task oopsed in a stop hook",
            "load kthread_crash": "did not report",
            "unload": "did not report",
            "complete KTAP": "",
        },
        modules=("rust_kthread", "kthread_crash:place=7"),
    ),
    Case(
        "a guest that ends too early",
        {
            "powers off by itself": "the guest powered off before its job was done",
            "boot leaves": "did not report",
            "complete KTAP": "missing expected subtest",
        },
        boot_tests=("leaves",),
    ),
    Case(
        "a reset that does not come",
        {"powers off by itself": "the machine was to be reset, but the guest powered off"},
        boot_tests=("unreset",),
    ),
    Case(
        "boot tests that go wrong",
        {
            "boot fails": "the reason why",
            "boot endless": "not done within",
            "boot litters": "left modules loaded: kthread_mischief",
            "announced alarms": "WARNING: never",
        },
        boot_tests=("fails", "endless", "litters", "silent"),
    ),
    Case(
        "a sleep in atomic context",
        {"no alarm": "sleeping function called from invalid context"},
        modules=("kthread_mischief:mischief=6",),
        needs="CONFIG_DEBUG_ATOMIC_SLEEP",
    ),
    Case(
        "a lock that may sleep in a hard interrupt",
        {"no alarm": "BUG: Invalid wait context"},
        modules=("kthread_mischief:mischief=7",),
        needs="CONFIG_PROVE_RAW_LOCK_NESTING",
    ),
    Case(
        "a CPU that is locked up",
        {"no alarm": "BUG: soft lockup"},
        modules=("kthread_mischief:mischief=8:seconds=6",),
        parameters=("watchdog_thresh=1",),
        needs="CONFIG_SOFTLOCKUP_DETECTOR",
    ),
    Case(
        "a hung task",
        {"no alarm": "blocked for more than 2 seconds"},
        modules=("kthread_mischief:mischief=4:seconds=6",),
        parameters=("sysctl.kernel.hung_task_timeout_secs=2",),
        needs="CONFIG_DETECT_HUNG_TASK",
    ),
)


def prove(guest: Guest, step: Step) -> list[Check]:
    """Runs each case that this kernel can show."""
    cases = [case for case in CASES if not case.needs or case.needs in guest.config]
    absent = [case for case in CASES if case not in cases]
    step.note(f"on {guest.accel}")  # decided once, before guests run side by side
    with ThreadPoolExecutor(PARALLEL) as pool:
        proofs = [pool.submit(_prove_one, guest, case) for case in cases]
        try:
            pending = set(proofs)
            while pending:
                _, pending = wait(pending, timeout=1, return_when=FIRST_COMPLETED)
                step.percent(100 * (len(proofs) - len(pending)) / len(proofs))
        finally:
            pool.shutdown(cancel_futures=True)  # an interrupted run starts no more guests
    return [
        *(proof.result() for proof in proofs),
        *(Check("harness", case.title, True, f"needs {case.needs}", False) for case in absent),
    ]


def _prove_one(guest: Guest, case: Case) -> Check:
    folder = guest.settings.root / "tests/harness"
    plan = Plan(
        modules=case.modules,
        suites=tuple(folder / f"{name}.rs" for name in case.suites),
        boot_tests=tuple(folder / f"boot/{name}.sh" for name in case.boot_tests),
        bound=3,
        leaks=case.leaks,
    )
    title = f"harness-{case.title.replace(' ', '-').replace(',', '')}"
    run = guest.run(plan.job(title, case.limit, case.parameters))
    wrong = list(_surprises(case, judge(plan, run, guest.kernel)))
    reason = "\n".join([*wrong, f"see {run.console}"]) if wrong else ""
    return Check("harness", case.title, not wrong, reason)


def _surprises(case: Case, checks: list[Check]) -> Iterator[str]:
    """In what the verdict differs from the one that the case must get."""
    failed = {check.name: check.reason.partition("\n")[0] for check in checks if not check.passed}
    for name, part in case.red.items():
        if name not in failed:
            yield f"the verdict did not see it: '{name}' should have failed"
        elif part not in failed[name]:
            yield f"'{name}' failed, but not because of '{part}': {failed[name]}"
    for name in failed.keys() - case.red.keys():
        yield f"'{name}' should not have failed: {failed[name]}"
