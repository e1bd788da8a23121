# SPDX-License-Identifier: GPL-2.0
"""Tests of verdict.py; what kunit.py says is made up here."""

import unittest
from dataclasses import replace
from pathlib import Path
from unittest import mock

import support
import ktap
from guest import End, Run
from kernel_build import Kernel
from ktap import Result
from verdict import Check, Plan, judge

SUITE = """\
#[kunit_tests(task)]
mod tests {
    #[test]
    fn runs() {}
    #[cfg(CONFIG_KASAN)]
    #[test]
    fn only_debug() {}
}
"""
STEPS = [Result("load rust_kthread", "PASS"), Result("load kthread_kunit", "PASS")]
STEPS += [Result("unload", "PASS"), Result("boot unload", "PASS")]
CASES = [Result("task.runs", "PASS"), Result("task.only_debug", "SKIP"), Result("own.x", "PASS")]


class JudgeTest(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.plan = Plan(
            suites=(self.write("tests/kunit/task.rs", SUITE),),
            boot_tests=(Path("tests/boot/unload.sh"),),
        )
        self.kernel = Kernel(self.dir, None, self.dir, "7.3.4", "key")

    def judge(
        self,
        steps: list[Result] | None = None,
        cases: list[Result] | None = None,
        console: str = "",
        detail: str = "",
        status: int | None = 0,
        reset: bool = False,
    ) -> list[Check]:
        end = End.DIED if detail else End.RESET if reset else End.POWERED_OFF
        console_path = self.write("console.log", console)
        run = Run(end, detail, status, console_path, self.write("test.log"), 1.0)
        results = [STEPS if steps is None else steps, CASES if cases is None else cases]
        with mock.patch.object(ktap, "parse", side_effect=results):
            return judge(self.plan, run, self.kernel)

    def red(self, **logs: object) -> dict[str, str]:
        checks = self.judge(**logs)  # type: ignore[arg-type]
        return {check.name: check.reason for check in checks if not check.passed}


class Judge(JudgeTest):
    def test_green(self) -> None:
        checks = self.judge()
        self.assertEqual([check for check in checks if not check.passed], [])
        self.assertEqual(
            [(check.group, check.name) for check in checks],
            [
                ("guest", "powers off by itself"),
                ("kernel log", "no alarm"),
                ("modules", "load rust_kthread"),
                ("modules", "load kthread_kunit"),
                ("modules", "unload"),
                ("boot tests", "boot unload"),
                ("KUnit", "task.runs"),
                ("KUnit", "task.only_debug"),
                ("KUnit", "own.x"),
            ],
        )

    def test_guest_that_dies(self) -> None:
        red = self.red(detail="it died", steps=STEPS[:1], cases=[])
        self.assertEqual(red["powers off by itself"], "it died")
        for step in STEPS[1:]:
            self.assertIn("did not report\nsee ", red[step.name])
        self.assertIn("the suite task never ran\nsee ", red["task.runs"])
        self.assertEqual(len(red), 6)

    def test_guest_that_is_reset(self) -> None:
        steps = [*STEPS[:3], Result(ktap.COMPLETE, "FAIL", "missing")]
        checks = self.judge(steps=steps, reset=True)
        self.assertIn(Check("boot tests", "boot unload", True), checks)
        self.assertTrue(all(check.passed for check in checks))

    def test_reset_excuses_the_last_boot_test_only(self) -> None:
        self.plan = replace(self.plan, boot_tests=(Path("a.sh"), Path("b.sh")))
        self.assertEqual(list(self.red(steps=STEPS[:3], reset=True)), ["boot a"])
        panic = self.red(steps=STEPS[:2], reset=True, console="Kernel panic - not syncing\n")
        self.assertEqual(list(panic), ["no alarm", "unload", "boot a"])

    def test_job_that_fails(self) -> None:
        self.assertEqual(
            self.red(status=4), {"powers off by itself": "the job failed with status 4"}
        )

    def test_failed_step(self) -> None:
        steps = [Result("load rust_kthread", "FAIL", "No such device"), *STEPS[1:]]
        self.assertEqual(
            self.red(steps=steps),
            {"load rust_kthread": f"failed: No such device\nsee {self.dir}/test.log"},
        )

    def test_boot_test_that_skips_itself(self) -> None:
        self.assertIn(
            "was skipped",
            self.red(steps=[*STEPS[:3], Result("boot unload", "SKIP")])["boot unload"],
        )

    def test_broken_job_log(self) -> None:
        self.assertIn("complete KTAP", self.red(steps=[*STEPS, Result(ktap.COMPLETE, "FAIL", "x")]))

    def test_failed_case(self) -> None:
        red = self.red(cases=[Result("task.runs", "FAIL", "x == 3"), *CASES[1:]])
        self.assertEqual(red, {"task.runs": f"failed: x == 3\nsee {self.dir}/console.log"})

    def test_crashed_case(self) -> None:
        red = self.red(cases=[Result("task.runs", "ERROR"), *CASES[1:]])
        self.assertIn("crashed\nsee ", red["task.runs"])

    def test_case_that_passes_only_sometimes(self) -> None:
        self.assertIn("task.runs", self.red(cases=[Result("task.runs", "FAIL"), *CASES]))

    def test_missing_case(self) -> None:
        red = self.red(cases=CASES[1:])
        self.assertIn("this case never ran", red["task.runs"])

    def test_case_under_cfg_must_report_as_well(self) -> None:
        self.assertEqual(list(self.red(cases=[CASES[0]])), ["task.only_debug"])

    def test_skipped_case(self) -> None:
        red = self.red(cases=[Result("task.runs", "SKIP"), CASES[1]])
        self.assertIn("was skipped", red["task.runs"])

    def test_case_that_may_be_skipped(self) -> None:
        self.assertIn(
            Check("KUnit", "task.only_debug", True, "was skipped", applies=False), self.judge()
        )

    def test_suite_of_the_kernel_itself(self) -> None:
        self.assertEqual(self.red(cases=[*CASES, Result("own.y", "SKIP")]), {})
        self.assertEqual(list(self.red(cases=[*CASES, Result("own.y", "FAIL")])), ["own.y"])


class Examples(JudgeTest):
    def setUp(self) -> None:
        super().setUp()
        self.write("src/task.rs", "/// ```\n/// let task = 1;\n/// ```\n")
        self.plan = replace(self.plan, documented=self.dir)

    def test_example(self) -> None:
        checks = self.judge(cases=[*CASES, Result("kthread_doc.task_1", "PASS")])
        self.assertIn(Check("examples", "kthread_doc.task_1", True), checks)
        self.assertTrue(all(check.passed for check in checks))

    def test_failed_example(self) -> None:
        for status in ("FAIL", "SKIP"):
            red = self.red(cases=[*CASES, Result("kthread_doc.task_1", status)])
            self.assertEqual(list(red), ["kthread_doc.task_1"])

    def test_lost_example(self) -> None:
        red = self.red(cases=[*CASES, Result("kthread_doc.task_9", "PASS")])
        self.assertIn("this case never ran", red["kthread_doc.task_1"])
        self.assertIn("the suite kthread_doc never ran", self.red()["kthread_doc.task_1"])


class KernelLogOfARun(JudgeTest):
    def test_alarm(self) -> None:
        red = self.red(console="WARNING: one\nBUG: two\n")
        self.assertEqual(
            red["no alarm"].splitlines(),
            [
                "WARNING: one (line 1, during boot)",
                "BUG: two (line 2, during boot)",
                f"see {self.dir}/console.log",
            ],
        )

    def test_flood_of_alarms_is_cut(self) -> None:
        red = self.red(console="WARNING: one\n" * 99)
        self.assertEqual(len(red["no alarm"].splitlines()), 6)

    def test_announced_alarm(self) -> None:
        checks = self.judge(console="kthread-expect: WARNING\nWARNING: one\n")
        self.assertIn(Check("kernel log", "announced alarms", True), checks)
        self.assertTrue(all(check.passed for check in checks))

    def test_announced_alarm_that_does_not_come(self) -> None:
        red = self.red(console="kthread-expect: WARNING\n")
        self.assertIn("announced, but it did not come: WARNING", red["announced alarms"])


class TheJob(JudgeTest):
    def test_variables(self) -> None:
        job = self.plan.job()
        self.assertEqual(job.name, "test")
        self.assertEqual(dict(job.variables), {"modules": "rust_kthread,kthread_kunit"})
        self.assertEqual(job.bound, 240)
        self.assertEqual(job.boot_tests, self.plan.boot_tests)
        self.assertFalse(job.kmemleak)

    def test_leaks(self) -> None:
        plan = Plan(leaks=True)
        self.assertEqual(plan.job().variables["leaks"], "yes")
        self.assertTrue(plan.job().kmemleak)
        self.assertIn(("modules", "leaks"), list(plan.steps()))

    def test_parameters_are_not_part_of_the_name(self) -> None:
        self.assertIn(("modules", "load x"), list(Plan(modules=("x:a=1:b=2",)).steps()))


if __name__ == "__main__":
    unittest.main()
