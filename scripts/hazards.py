# SPDX-License-Identifier: GPL-2.0
"""Holds the table of hazards in docs/design.md to what has just been tested.

The table begins with the line `| hazard | covered by |` and ends with its section. In a row

- the first cell is prose that names hazards: `nice out of range (H57), policy lost (H58)`;
- the second cell is prose that names the tests that cover them, in backticks:
    - a KUnit case as `kthread_suite.case`,
    - a boot test as: boot test `name`,
    - a file in tests/compile-fail as: must not compile `name`,
    - the unit tests of a script as: script test `test_name`.
  After one of these words there may be a list: boot tests `a`, `b` and `c`. All else in backticks
  is code. A row that names no test has to begin its second cell with "cannot occur: " and why,
  or with "documented: " and where the documentation of a limit is.

Each named test must have run and passed, or have been left out as it is not for this kernel; a row
of which all were is left out, too. Each hazard in COVERED needs a row.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from verdict import Check

COVERED = ((1, 81), (83, 96))  # the first and the last of each range
DOCUMENT = "docs/design.md"
HEADER = "| hazard | covered by |"
RULE = re.compile(r"\|[-:| ]+\|")
CELL = r"((?:[^|\\]|\\.)+)"  # Markdown escapes a | in a cell, even in backticks
ROW = re.compile(rf"\|{CELL}\|{CELL}\|")
HAZARD = re.compile(r"\bH([1-9]\d*)\b")
EXCUSE = re.compile(r"(cannot occur|documented): +\S")
CASE = re.compile(r"`(kthread_\w+\.\w+)`")
NAME = re.compile(r"`([\w-]+)`")
LIST = re.compile(
    r"\b(boot test|sample test|must not compile|script test)s? "
    r"(`[\w-]+`(?:(?:,|,? and) `[\w-]+`)*)",
    re.IGNORECASE,
)
# What a test is called in a row: the group of its check, the check's name, and its file.
KINDS = {
    "boot test": ("boot tests", "boot {}", "tests/boot/{}.sh"),
    "sample test": ("boot tests", "boot {}", "tests/samples/{}.sh"),
    "must not compile": ("must not compile", "{}", "tests/compile-fail/{}.rs"),
    "script test": ("scripts", "{}", "tests/scripts/{}.py"),
}


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    number: int  # of the line
    hazards: tuple[int, ...]  # none if the line is not a row as it should be
    cover: str


@dataclass(frozen=True)
class Test:
    """One test that a row names."""

    title: str
    group: str
    name: str
    file: str


def check(root: Path, checks: Iterable[Check]) -> list[Check]:
    """One check for each row, and one for what has none."""
    rows = list(read_table((root / DOCUMENT).read_text(encoding="utf-8")))
    results = results_by_test(checks)
    return [_check_ranges(rows), *(_check_row(row, results) for row in rows)]


def read_table(text: str) -> Iterator[Row]:
    """Every line of the table, also one that is malformed: none may be lost unseen."""
    inside = False
    for number, line in enumerate(text.splitlines(), start=1):
        if line == HEADER or line.startswith("#"):
            inside = line == HEADER
        elif inside and line and not RULE.fullmatch(line):
            row = ROW.fullmatch(line)
            hazards = tuple(map(int, HAZARD.findall(row[1]))) if row else ()
            yield Row(number, hazards, row[2].strip() if row else "")


def named_tests(cover: str) -> Iterator[Test]:
    """The tests that the second cell of a row names."""
    for name in CASE.findall(cover):
        yield Test(f"`{name}`", "KUnit", name, "tests/kunit")
    for word, names in LIST.findall(cover):
        group, check_name, file = KINDS[word.lower()]
        for name in NAME.findall(names):
            title = f"{word.lower()} `{name}`"
            yield Test(title, group, check_name.format(name), file.format(name))


def results_by_test(checks: Iterable[Check]) -> dict[tuple[str, str], Check]:
    """What became of each test, by group and name; of several checks, one that failed."""
    results: dict[tuple[str, str], Check] = {}
    for one in checks:
        # The table names the files of the scripts' tests, not each of the tests in them.
        file = re.search(r"\btest_\w+", one.name) if one.group == "scripts" else None
        key = (one.group, file[0] if file else one.name)
        if key not in results or not one.passed:
            results[key] = one
    return results


def _check_ranges(rows: list[Row]) -> Check:
    present = {hazard for row in rows for hazard in row.hazards}
    promised = {hazard for first, last in COVERED for hazard in range(first, last + 1)}
    missing = ", ".join(f"H{hazard}" for hazard in sorted(promised - present))
    name = ", ".join(f"H{first} to H{last}" for first, last in COVERED)
    reason = f"no row in the table '{HEADER}' of {DOCUMENT} for {missing}" if missing else ""
    return Check("hazards", name, not missing, reason)


def _check_row(row: Row, results: Mapping[tuple[str, str], Check]) -> Check:
    name = ", ".join(f"H{hazard}" for hazard in row.hazards) or f"line {row.number}"
    wrong = [f"{DOCUMENT}:{row.number}: {problem}" for problem in _problems(row, results)]
    tests = [results.get((test.group, test.name)) for test in named_tests(row.cover)]
    if tests and all(test and not test.applies for test in tests):
        return Check("hazards", name, True, "needs one of its tests", applies=False)
    return Check("hazards", name, not wrong, "\n".join(wrong))


def _problems(row: Row, results: Mapping[tuple[str, str], Check]) -> Iterator[str]:
    if not row.hazards:
        yield "this is no row '| what may happen (H12) | what covers it |'"
        return
    tests = list(named_tests(row.cover))
    if not tests and not EXCUSE.match(row.cover):
        yield "name a test, or begin with 'cannot occur: ' or 'documented: ' and a text"
    for test in tests:
        result = results.get((test.group, test.name))
        if result is None:
            yield f"{test.title} did not run: correct its name here, or write it in {test.file}"
        elif not result.passed:
            yield f"{test.title} failed"
