# SPDX-License-Identifier: GPL-2.0
"""Shows which step is running, how far it is and for how long it has been."""

import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from settings import Failure

INTERVAL = 15  # seconds between two lines where a line cannot be rewritten
LOG_TAIL = 15  # lines of the log shown when a step failed


class Progress:
    """The steps of one command: `with progress.step("Linux source") as step:`."""

    def __init__(self, total: int, first: int = 2, stream: TextIO | None = None) -> None:
        self.total = total
        self.next = first
        self.stream = stream or sys.stdout
        self.tty = self.stream.isatty()
        self._shown = ""

    @contextmanager
    def step(self, title: str) -> Iterator["Step"]:
        """Numbers the step, times it, and tells how it ended. Steps may overlap by nesting."""
        step = Step(self, f"[{self.next}/{self.total}]", title)
        self.next += 1
        try:
            step.show()
            yield step
        except Failure:
            step.close("failed")
            step.print_log_tail()
            raise
        except BaseException:
            step.close("stopped")
            raise
        step.close("cached" if step.is_cached else step.elapsed())

    def rewrite(self, line: str) -> None:
        """Shows a line on the terminal that the next one replaces."""
        line = line[: shutil.get_terminal_size().columns - 1]  # a wrapped line would stay
        if line != self._shown:
            self.stream.write(f"\r\x1b[K{line}")
            self.stream.flush()
            self._shown = line

    def print(self, line: str) -> None:
        """Shows a line that stays."""
        self.stream.write(f"\r\x1b[K{line}\n" if self.tty else f"{line}\n")
        self.stream.flush()
        self._shown = ""


class Step:
    """One running step."""

    def __init__(self, progress: Progress, number: str, title: str) -> None:
        self.title = title  # may be made more precise while the step runs
        self.is_cached = False
        self._progress = progress
        self._number = number
        self._state = ""
        self._start = self._shown = time.monotonic()
        self._log: Path | None = None

    def percent(self, value: float, note: str = "") -> None:
        """Tells how far the step is, and optionally what it is doing."""
        self._state = f" {min(max(value, 0), 99):2.0f}%" + (f" {note}" if note else "")
        self.show()

    def note(self, text: str) -> None:
        """Tells what the step is doing when there is no telling how far it is."""
        self._state = f" {text}" if text else ""
        self.show()

    def cached(self) -> None:
        """Says that there was nothing to do."""
        self.is_cached = True

    @property
    def log(self) -> Path | None:
        """Where the full output goes: announced at once, its end shown on failure."""
        return self._log

    @log.setter
    def log(self, path: Path) -> None:
        if path != self._log:
            self._progress.print(f"      log: {path}")
        self._log = path

    def say(self, text: str) -> None:
        """Prints a line that stays, below the step."""
        self._progress.print(f"      {text}")

    def show(self) -> None:
        """Refreshes the line: in place on a terminal, else as a new line now and then."""
        line = f"{self._number} {self.title} ...{self._state} {self.elapsed()}"
        if self._progress.tty:
            self._progress.rewrite(line)
        elif time.monotonic() - self._shown >= INTERVAL:
            self._shown = time.monotonic()
            self._progress.print(line)

    def close(self, outcome: str) -> None:
        """Prints the step's last line."""
        self._progress.print(f"{self._number} {self.title} ... {outcome}")

    def elapsed(self) -> str:
        """The step's age as minutes and seconds."""
        seconds = int(time.monotonic() - self._start)
        return f"{seconds // 60}:{seconds % 60:02}"

    def print_log_tail(self) -> None:
        """Shows the end of the log, if there is one."""
        if self._log is None or not self._log.exists():
            return
        lines = self._log.read_text(errors="replace").splitlines()
        for line in lines[-LOG_TAIL:]:
            self._progress.print(f"    | {line}")
