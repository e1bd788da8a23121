# SPDX-License-Identifier: GPL-2.0
"""Tests of hazards.py: what a row may say, and each way in which the table could lie."""

import unittest
from unittest import mock

import support
import hazards
from suites import expected_cases
from verdict import Check

CHECKS = [
    Check("guest", "powers off by itself", True),
    Check("KUnit", "kthread_task.runs", True),
    Check("KUnit", "kthread_task.only_debug", True, "was skipped", applies=False),
    Check("boot tests", "boot churn", True),
    Check("boot tests", "boot crash", True),
    Check("must not compile", "sends_rc", True),
    Check("must not compile", "two-words", True),
    Check("scripts", "test_suites.ExpectedCases.test_none", True),
    Check("scripts", "test_suites.ExpectedCases.test_names", True),
]


class HazardsTest(support.Sandbox):
    def check(self, *rows: str, checks: list[Check] | None = None) -> list[Check]:
        """Every check of a document with these rows, where only H1 and H2 have to be covered."""
        lines = ["# Design", "", hazards.HEADER, "|---|---|", *rows, ""]
        self.write(hazards.DOCUMENT, "\n".join(lines))
        with mock.patch.object(hazards, "COVERED", ((1, 2),)):
            return hazards.check(self.dir, CHECKS if checks is None else checks)

    def row(self, cover: str, checks: list[Check] | None = None) -> Check:
        """The check of one row, which is in line 5."""
        _, row = self.check(f"| some hazard (H1, H2) | {cover} |", checks=checks)
        self.assertEqual((row.group, row.name), ("hazards", "H1, H2"))
        return row

    def assert_good(self, *covers: str) -> None:
        for cover in covers:
            with self.subTest(cover):
                self.assertEqual(self.row(cover).reason, "")

    def assert_bad(self, cover: str, *reasons: str, checks: list[Check] | None = None) -> None:
        row = self.row(cover, checks)
        expected = [f"docs/design.md:5: {reason}" for reason in reasons]
        self.assertEqual((row.passed, row.reason.splitlines()), (False, expected))


class NamedTests(HazardsTest):
    def test_each_kind(self) -> None:
        self.assert_good(
            "`kthread_task.runs`",
            "boot test `churn`",
            "must not compile `sends_rc`",
            "script test `test_suites`",
        )

    def test_list(self) -> None:
        self.assert_good("boot tests `churn`, `crash`", "must not compile `sends_rc`, `two-words`")
        for link in (", ", " and ", ", and "):
            self.assert_bad(
                f"Boot tests `churn`{link}`gone`",
                "boot test `gone` did not run: correct its name here, "
                "or write it in tests/boot/gone.sh",
            )

    def test_list_ends_at_another_kind(self) -> None:
        self.assert_good(
            "boot tests `churn`, `crash`, `kthread_task.runs`, must not compile `sends_rc`"
        )

    def test_code_and_prose_are_no_tests(self) -> None:
        self.assert_good(r"`Created` has no `wake()`, closures are `\|x\| x`; boot test `churn`")

    def test_test_that_does_not_exist(self) -> None:
        for title, file in {
            "`kthread_task.gone`": "tests/kunit",
            "boot test `gone`": "tests/boot/gone.sh",
            "sample test `gone`": "tests/samples/gone.sh",
            "must not compile `gone`": "tests/compile-fail/gone.rs",
            "script test `test_gone`": "tests/scripts/test_gone.py",
        }.items():
            reason = f"{title} did not run: correct its name here, or write it in {file}"
            self.assert_bad(f"`kthread_task.runs`, {title}", reason)

    def test_name_of_another_kind_does_not_count(self) -> None:
        self.assertFalse(self.row("boot test `sends_rc`").passed)
        self.assertFalse(self.row("must not compile `churn`").passed)

    def test_every_wrong_name_is_told(self) -> None:
        self.assertEqual(len(self.row("boot tests `a`, `b`").reason.splitlines()), 2)

    def test_test_that_failed(self) -> None:
        for title, failed in {
            "`kthread_task.runs`": Check("KUnit", "kthread_task.runs", False, "x == 3"),
            "boot test `churn`": Check("boot tests", "boot churn", False),
            "must not compile `sends_rc`": Check("must not compile", "sends_rc", False),
            "script test `test_suites`": Check("scripts", "test_suites.Other.test_more", False),
        }.items():
            # Neither order may hide it: a case can run twice, a file of tests has several checks.
            self.assert_bad(title, f"{title} failed", checks=[*CHECKS, failed])
            self.assert_bad(title, f"{title} failed", checks=[failed, *CHECKS])

    def test_scripts_test_that_cannot_be_imported(self) -> None:
        broken = Check("scripts", "unittest.loader._FailedTest.test_broken", False)
        self.assert_bad(
            "script test `test_broken`", "script test `test_broken` failed", checks=[broken]
        )


class LeftOut(HazardsTest):
    def test_all_tests_of_a_row(self) -> None:
        row = self.row("`kthread_task.only_debug`")
        self.assertEqual((row.passed, row.applies), (True, False))

    def test_not_all_tests_of_a_row(self) -> None:
        row = self.row("`kthread_task.only_debug`, boot test `churn`")
        self.assertEqual((row.passed, row.applies), (True, True))
        self.assertFalse(self.row("`kthread_task.only_debug`, boot test `gone`").passed)

    def test_test_that_failed_elsewhere(self) -> None:
        failed = Check("KUnit", "kthread_task.only_debug", False)
        self.assert_bad(
            "`kthread_task.only_debug`",
            "`kthread_task.only_debug` failed",
            checks=[*CHECKS, failed],
        )


class RowsWithoutTest(HazardsTest):
    def test_reason(self) -> None:
        self.assert_good("cannot occur: `Task` is not `Clone`", "documented: at `Created`")

    def test_no_reason(self) -> None:
        for cover in (
            "`Created` gives no access",
            "cannot occur",
            "cannot occur:",
            "documented: ",
            "it cannot occur: why",
            "documented at `Created`",
        ):
            self.assert_bad(
                cover, "name a test, or begin with 'cannot occur: ' or 'documented: ' and a text"
            )

    def test_tests_of_a_row_with_a_reason_count_too(self) -> None:
        self.assertFalse(self.row("documented: at `Created`; boot test `gone`").passed)


class Table(HazardsTest):
    def test_green(self) -> None:
        checks = self.check("| a (H2) | boot test `churn` |", "| b, H1, H9 | boot test `crash` |")
        names = ["H1 to H2", "H2", "H1, H9"]
        self.assertEqual(checks, [Check("hazards", name, True) for name in names])

    def test_hazard_in_several_rows(self) -> None:
        rows = ("| a (H1, H2) | boot test `churn` |", "| b (H2) | boot test `gone` |")
        self.assertEqual([check.passed for check in self.check(*rows)], [True, True, False])

    def test_hazards_without_row(self) -> None:
        for rows, missing in (
            (["| a (H2) | boot test `churn` |"], "H1"),
            (["| a (H12) | boot test `churn` |"], "H1, H2"),
            ([], "H1, H2"),
        ):
            ranges = self.check(*rows)[0]
            self.assertEqual((ranges.name, ranges.passed), ("H1 to H2", False))
            self.assertTrue(ranges.reason.endswith(f" for {missing}"), ranges.reason)

    def test_line_that_is_no_row(self) -> None:
        for line in (
            "| without a number | boot test `churn` |",
            "| H1 |",
            "| H1 | a | b |",
            "| H1 | `|x| x`, boot test `churn` |",
            "H1 | boot test `churn`",
            "after the table",
        ):
            _, row = self.check(line)
            self.assertEqual((row.name, row.passed), ("line 5", False), line)
            self.assertIn("docs/design.md:5: this is no row", row.reason)

    def test_row_after_an_empty_line_is_not_lost(self) -> None:
        row = "| a (H1) | boot test `gone` |"
        self.assertEqual(len(self.check(row, "", row)), 3)

    def test_next_section_is_not_part_of_the_table(self) -> None:
        self.assertEqual(len(self.check("## Next", "text", "| H1 | H2 |")), 1)

    def test_document_without_table(self) -> None:
        self.write(hazards.DOCUMENT, "# Design\n\nH1 and H33\n")
        (ranges,) = hazards.check(self.dir, CHECKS)
        self.assertIn("no row in the table '| hazard | covered by |' of docs/des", ranges.reason)


class TheProject(unittest.TestCase):
    def test_its_table_names_only_tests_that_have_sources(self) -> None:
        """Told here without a guest; whether they pass is for `make test`."""
        cases = expected_cases((support.ROOT / "tests/kunit").rglob("*.rs"))
        rows = list(hazards.read_table((support.ROOT / hazards.DOCUMENT).read_text()))
        self.assertTrue(rows)
        for row in rows:
            self.assertTrue(row.hazards, f"line {row.number}")
            for test in hazards.named_tests(row.cover):
                self.assertTrue((support.ROOT / test.file).exists(), test.title)
                if test.group == "KUnit":
                    self.assertIn(test.name, cases)


if __name__ == "__main__":
    unittest.main()
