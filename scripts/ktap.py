# SPDX-License-Identifier: GPL-2.0
"""Judges KTAP with the kernel's own `kunit.py parse`."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from kernel_build import Kernel
from settings import Failure

TOOL = "tools/testing/kunit/kunit.py"
START = "KTAP version 1"
PLAN = re.compile(r"1\.\.\d+")
NO_SUITES = "1..0"
SHOWN = 8  # lines of what a failed case had to say
COMPLETE = "complete KTAP"  # the name under which a broken document is reported
# What ends the output of the case before.
STRUCTURE = re.compile(r"^\s*(KTAP version |\d+\.\.\d+|# Subtest: |(not )?ok \d+ )")


@dataclass(frozen=True)
class Result:
    """What became of one case."""

    name: str  # with the suites around it: suite.case
    status: str  # PASS, FAIL, SKIP or ERROR, as kunit.py says
    diagnosis: str = ""  # what the case had to say, if it did not pass


def documents(messages: list[str]) -> Iterator[list[str]]:
    """Each KTAP document of a log; kunit.py reads only the first of those it is given.

    The kernel prints one for its own suites, even if it has none, and one for each module with
    suites.
    """
    starts = [number for number, message in enumerate(messages) if message == START]
    for start, end in pairwise([*starts, len(messages)]):
        document = messages[start:end]
        if next(filter(PLAN.fullmatch, document), "") != NO_SUITES:
            yield document


def parse(messages: list[str], kernel: Kernel) -> list[Result]:
    """The result of each case in all documents of a log."""
    return [result for document in documents(messages) for result in _parse_one(document, kernel)]


def _parse_one(document: list[str], kernel: Kernel) -> list[Result]:
    report, errors = _kunit_py(document, kernel)
    results = [
        Result(name, status, "" if status == "PASS" else _diagnosis(document, name))
        for name, status in _cases(report)
        if name  # a case that is missing has none
    ]
    # What belongs to no case: a missing result or number, a suite that failed as a whole.
    counts = report["misc"]
    bad = sum(result.status in ("FAIL", "ERROR") for result in results)
    if counts["errors"] or counts["failed"] + counts["crashed"] != bad or not results:
        where = results[-1].name if results else "the beginning"
        results.append(Result(COMPLETE, "FAIL", f"{errors} (after {where})"))
    return results


def _kunit_py(document: list[str], kernel: Kernel) -> tuple[dict[str, Any], str]:
    """The report, and what the tool says is wrong with the document itself."""
    with tempfile.TemporaryDirectory(prefix="kthread-") as folder:
        report = Path(folder, "report.json")
        outcome = subprocess.run(
            [sys.executable, _tool(kernel), "parse", f"--json={report}"],
            input="\n".join(document) + "\n",
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            # The source belongs to the cache, which is only read.
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        )
        if not report.exists():
            raise Failure(f"{TOOL} failed: {outcome.stdout}{outcome.stderr}")
        errors = re.findall(r"\[ERROR\] Test: (.*)", outcome.stdout)
        return json.loads(report.read_text(encoding="utf-8")), "; ".join(errors)


def _tool(kernel: Kernel) -> Path:
    for folder in (kernel.source, kernel.dir / "source", kernel.dir):
        if folder is not None and (folder / TOOL).exists():
            return folder / TOOL
    raise Failure(
        f"there is no {TOOL} in {kernel.dir} or its source: tests are judged by the kernel's own "
        "tool, so KDIR has to be a build in, or of, the full source"
    )


def _cases(group: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    for case in group["test_cases"]:
        yield prefix + case["name"], case["status"]
    for subgroup in group["sub_groups"]:
        yield from _cases(subgroup, f"{prefix}{subgroup['name']}.")


def _diagnosis(document: list[str], name: str) -> str:
    """What was printed between the result before and that of the case."""
    result = re.compile(rf"\s*(not )?ok \d+ (- )?{re.escape(name.rpartition('.')[2])}( #.*)?")
    said: list[str] = []
    for line in document:
        if result.fullmatch(line):
            shown = [*said[:SHOWN], "..."] if len(said) > SHOWN else said
            return " ".join(" ".join(shown).split())
        if STRUCTURE.match(line):
            said = []
        elif not line.endswith(".speed: normal"):
            said.append(line.strip().removeprefix("# "))
    return ""
