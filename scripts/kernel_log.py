# SPDX-License-Identifier: GPL-2.0
"""Finds the alarms in a kernel log: each report once, and what was running when it came.

A test that provokes an alarm on purpose announces it, by a line in the kernel log (a script
writes it to /dev/kmsg, a KUnit case with pr_info!):

    kthread-expect: <regular expression that a line of the report matches>

One announcement excuses one report, until the next test begins; and it must come. What may come
any number of times, or not at all, is announced by

    kthread-allow: <regular expression>
"""

import re
from dataclasses import dataclass
from pathlib import Path

# After tools/testing/selftests/rcutorture/bin/console-badness.sh of the kernel.
ALARM = re.compile(
    r"Badness|WARNING:|\bWarn|\bBUG\b|\bOops\b|Call [Tt]race:|!!!|Kernel panic"
    r"|detected stalls? on|self-detected stall|Stall ended before|kthread starved for"
    r"|blocked for more than|blocked in I/O wait for more than|general protection"
    r"|scheduling while atomic|INFO: trying to register non-static key"
    r"|\bK[ACM]SAN:|UBSAN:|KFENCE:|refcount_t:|ODEBUG:"
    r"|unreferenced object|new suspected memory leaks"
    r"|Unable to handle kernel|Internal error:|Failure not reported to KUnit"
    r"|printk messages dropped"
)
HARMLESS = re.compile(
    r"Warning: unable to open an initial console|Warning: Failed to add ttynull console"
    r"|[Cc]ommand line: |Unknown kernel command line parameters"
)
# Alarms that are no report of their own where they follow another one.
CONTINUATION = re.compile(r"Call [Tt]race:|\bOops\b|^KASAN: |Internal error:")
REPORT_ENDS = re.compile(r"---\[ end trace |^\s*(not )?ok \d+ |^kthread-test: ")
LONGEST_REPORT = 200  # lines

# A line that the console gave up in the middle, for something urgent, and wrote again.
CUT_OFF = re.compile(r"^(.+)(?=\n\*\* replaying previous printk message \*\*\n\1)", re.MULTILINE)

STAMP = re.compile(r"^\[ *\d+\.\d+\](\[ *[TC]\d+\])? ?")
TEST_BEGINS = re.compile(r"^kthread-test: (.+)")
KUNIT_RESULT = re.compile(r"^\s*((not )?ok \d+ .*)")
ALLOW = re.compile(r"(?:^|: )kthread-allow: (.+)")
EXPECT = re.compile(r"(?:^|: )kthread-expect: (.+)")


def messages(log: Path) -> list[str]:
    """The lines of a log, without time stamps and what was cut off."""
    text = log.read_text(encoding="utf-8", errors="replace").replace("\r", "")
    return [STAMP.sub("", line) for line in CUT_OFF.sub("", text).split("\n")]


@dataclass
class Report:
    """One alarm with all that belongs to it."""

    line: int
    during: str
    alarms: list[str]  # the lines that gave it away
    announced: bool = False

    def __str__(self) -> str:
        told = [alarm for alarm in self.alarms if "race:" not in alarm] or self.alarms
        return f"{' / '.join(told)} (line {self.line}, during {self.during})"


class KernelLog:
    """The kernel log of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.messages = messages(path)
        self.reports: list[Report] = []
        self.missing: list[str] = []  # alarms that were announced and did not come
        self._search()

    @property
    def alarms(self) -> list[Report]:
        """The reports that nobody announced."""
        return [report for report in self.reports if not report.announced]

    def _search(self) -> None:
        test, last_result = "boot", ""
        announced: list[str] = []
        allowed: list[str] = []
        report: Report | None = None  # the one that may go on
        for number, message in enumerate(self.messages, 1):
            if begins := TEST_BEGINS.match(message):
                self.missing += announced
                announced, allowed, test, last_result = [], [], begins[1], ""
            elif allow := ALLOW.search(message):
                allowed.append(allow[1].strip())
            elif expect := EXPECT.search(message):
                announced.append(expect[1].strip())
            elif result := KUNIT_RESULT.match(message):
                last_result = f", after '{result[1]}'"
            elif ALARM.search(message) and not HARMLESS.search(message):
                if report is None or not CONTINUATION.search(message):
                    report = Report(number, test + last_result, [])
                    self.reports.append(report)
                    report.announced = _matching(allowed, message) is not None
                report.alarms.append(message.strip())
                if not report.announced and (pattern := _matching(announced, message)):
                    announced.remove(pattern)
                    report.announced = True
            if report and (REPORT_ENDS.search(message) or number - report.line > LONGEST_REPORT):
                report = None
        self.missing += announced


def _matching(patterns: list[str], message: str) -> str | None:
    """The first pattern that the message matches; one that is no pattern matches nothing."""
    for pattern in patterns:
        try:
            if re.search(pattern, message):
                return pattern
        except re.error:
            pass
    return None
