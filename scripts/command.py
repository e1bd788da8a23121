# SPDX-License-Identifier: GPL-2.0
"""Runs one program: output into a log, progress from the log, never left behind, never stuck."""

import contextlib
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from progress import Step
from settings import Failure

PATIENCE = 600  # seconds that a program may be silent
TICK = 0.1  # seconds between two looks at the log
GRACE = 5  # seconds between asking a program to end and ending it
FULL_DISK = "No space left on device"
MARGIN = 16 << 20  # bytes: a disk with less than that left counts as full
# How `make` talks to its children. A make that we start is not part of the one that started us.
MAKE_VARIABLES = ("MAKEFLAGS", "MFLAGS", "MAKEOVERRIDES", "MAKELEVEL", "MAKEFILES")


class CommandError(Failure):
    """The program failed; `output` is what it printed."""

    def __init__(self, message: str, output: str = "", free: int = MARGIN) -> None:
        super().__init__(message)
        self.output = output
        # A full disk may have swallowed the complaint as well.
        self.disk_full = FULL_DISK in output or free < MARGIN


class Command:
    """A running program; use as a context manager, which ends it if it still runs on exit."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        log: Path,
        *,
        cwd: Path | None = None,
        env: Mapping[str, str] | None = None,
        lock_fd: int = -1,
    ) -> None:
        self.argv = [str(arg) for arg in argv]
        self.log = log
        with open(log, "wb") as output, contextlib.ExitStack() as on_failure:
            try:
                with _signals_held_back():
                    self._process = subprocess.Popen(
                        self.argv,
                        stdin=subprocess.DEVNULL,
                        stdout=output,
                        stderr=subprocess.STDOUT,
                        cwd=cwd,
                        env=_environment(env),
                        pass_fds=(lock_fd,) if lock_fd >= 0 else (),
                        process_group=0,
                    )
                    on_failure.callback(self._end)
            except FileNotFoundError as error:
                raise CommandError(
                    f"{self.argv[0]} is not installed: install it, then run again"
                ) from error
            on_failure.pop_all()

    def __enter__(self) -> "Command":
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def wait(self, step: Step, watch: Callable[[str], None] | None = None) -> str:
        """Waits for the program and returns its output; watch is given each new piece of it."""
        heard = time.monotonic()
        with open(self.log, encoding="utf-8", errors="replace") as output:
            while True:
                status = self._process.poll()
                text = output.read()
                if text:
                    heard = time.monotonic()
                    if watch:
                        watch(text)
                if status is not None:
                    break
                if time.monotonic() - heard > PATIENCE:
                    self._end()
                    raise CommandError(
                        f"{self.argv[0]} was silent for {PATIENCE // 60} minutes and has been "
                        f"ended: its output is in {self.log}; run again",
                        self.output(),
                    )
                step.show()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(TICK)
        if status != 0:
            raise CommandError(
                f"{self.argv[0]} failed with status {status}: its output is in {self.log}",
                self.output(),
                shutil.disk_usage(self.log.parent).free,
            )
        return self.output()

    def output(self) -> str:
        """Everything that the program has printed."""
        return self.log.read_text(errors="replace")

    def _end(self) -> None:
        """Ends the program and its children, gently first."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process.poll() is not None:
                return
            try:
                os.killpg(self._process.pid, number)
                self._process.wait(GRACE)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass


def run(
    argv: Sequence[str | Path],
    log: Path,
    step: Step,
    watch: Callable[[str], None] | None = None,
    *,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    lock_fd: int = -1,
) -> str:
    """Runs a program to its end and returns its output."""
    with Command(argv, log, cwd=cwd, env=env, lock_fd=lock_fd) as command:
        return command.wait(step, watch)


def ask(*argv: str | Path, env: Mapping[str, str] | None = None, cwd: Path | None = None) -> str:
    """Returns what a short program prints, "" if it is missing, fails or takes too long."""
    try:
        result = subprocess.run(
            [str(arg) for arg in argv],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=60,
            check=False,
            cwd=cwd,
            env=_environment(env),
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return result.stdout.strip() if result.returncode == 0 else ""


@contextlib.contextmanager
def _signals_held_back() -> Iterator[None]:
    """Delays signals to end while a program is started: nobody could end it before it is known."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    handlers = [signal.signal(number, lambda number, _: came.append(number)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, handlers, strict=True):
            signal.signal(number, handler)
    for number in came:
        signal.raise_signal(number)


def _environment(env: Mapping[str, str] | None) -> dict[str, str]:
    """The environment of a child: ours, changed as asked, with messages that we can read."""
    kept = {name: value for name, value in os.environ.items() if name not in MAKE_VARIABLES}
    return {**kept, **(env or {}), "LC_ALL": "C"}
