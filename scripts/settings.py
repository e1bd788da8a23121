# SPDX-License-Identifier: GPL-2.0
"""What the user asked for, read from the environment, and how a script reports failure."""

import errno
import hashlib
import os
import re
import signal
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from arch import ARCHES, Arch

ROOT = Path(__file__).resolve().parent.parent
# The supported releases of Linux, the default first, and what their configuration needs on top.
SERIES: dict[str, tuple[str, ...]] = {"7.3": (), "7.2": ("linux-7.2",)}
ACCELERATORS = ("", "kvm", "tcg")


class Failure(Exception):
    """Something that the user can cure: the message names the cause and the cure."""


@dataclass(frozen=True)
class Flavour:
    """One kernel that the tests run on; its options are in tests/guest/config."""

    fragments: tuple[str, ...]  # on top of common.config and <arch>.config
    llvm: bool  # built with clang instead of gcc
    memory: int  # MiB that the guest gets
    commands: int  # that the build runs, weighted: turns a count into percent
    space: int  # MiB that the build folder takes, generously


FLAVOURS = {
    "plain": Flavour(fragments=(), llvm=False, memory=1024, commands=1740, space=600),
    "debug": Flavour(fragments=("debug",), llvm=True, memory=2048, commands=1830, space=1400),
    "rt": Flavour(fragments=("rt",), llvm=False, memory=1024, commands=1740, space=600),
    "up": Flavour(fragments=("up",), llvm=False, memory=1024, commands=1740, space=600),
}


@dataclass(frozen=True)
class Settings:
    """One field per variable of the Makefile."""

    series: str
    kernel: str
    arch: str
    kdir: Path | None
    cache: Path
    sample: str
    accel: str
    jobs: int
    duration: int
    churns: int
    seed: int | None
    root: Path

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] = os.environ, root: Path = ROOT) -> "Settings":
        """Reads each variable; an empty one counts as not given."""

        def given(name: str, default: str = "") -> str:
            return environ.get(name, "").strip() or default

        home = given("XDG_CACHE_HOME") or str(Path.home() / ".cache")
        kdir = given("KDIR")
        kernel = one_of("KERNEL", given("KERNEL", "plain"), FLAVOURS)
        return cls(
            series=one_of("LINUX_SERIES", given("LINUX_SERIES", next(iter(SERIES))), SERIES),
            kernel=kernel,
            arch=one_of("ARCH", given("ARCH", "x86_64"), ARCHES),
            kdir=usable_path("KDIR", kdir) if kdir else None,
            cache=usable_path("CACHE", given("CACHE", f"{home}/kthread")),
            sample=given("SAMPLE"),
            accel=one_of("ACCEL", given("ACCEL"), ACCELERATORS),
            jobs=positive("JOBS", given("JOBS", str(len(os.sched_getaffinity(0))))),
            duration=duration(given("DURATION", "2m")),
            churns=positive("CHURNS", given("CHURNS", "150")),
            seed=positive("SEED", given("SEED")) if given("SEED") else None,
            root=usable_path("the checkout", str(root)),
        )

    @property
    def flavour(self) -> Flavour:
        """The facts of KERNEL."""
        return FLAVOURS[self.kernel]

    @property
    def fragments(self) -> tuple[str, ...]:
        """The parts of the kernel's configuration, in tests/guest/config; a later one wins."""
        return ("common", self.arch, *SERIES[self.series], *self.flavour.fragments)

    @property
    def machine(self) -> Arch:
        """The facts of ARCH."""
        return ARCHES[self.arch]

    @property
    def build(self) -> Path:
        """Where everything built from this checkout for one kernel goes."""
        if self.kdir is None:
            return self.root / "build" / f"{self.series}-{self.arch}-{self.kernel}"
        # Two kernels in folders of the same name must not share objects.
        tag = hashlib.sha256(str(self.kdir).encode()).hexdigest()[:8]
        return self.root / "build" / f"{self.kdir.name}-{tag}"


def one_of(name: str, value: str, known: Iterable[str]) -> str:
    """Returns value if it is a known one."""
    if value not in known:
        raise Failure(f"{name}={value} is unknown: choose one of {', '.join(filter(None, known))}")
    return value


def usable_path(name: str, value: str) -> Path:
    """Returns the absolute path, refusing what kbuild cannot handle."""
    path = Path(value).expanduser().absolute()
    if re.search(r"[\s:]", str(path)):
        raise Failure(
            f"{name} is '{path}', and the kernel's makefiles cannot handle a space or a colon "
            "in a path: choose another folder"
        )
    return path


def positive(name: str, value: str) -> int:
    """Returns the number that was given."""
    if not value.isdecimal() or int(value) == 0:
        raise Failure(f"{name}={value} is not a number of 1 or more: give one")
    return int(value)


def duration(value: str) -> int:
    """Returns how many seconds 90, 90s, 5m or 1h are."""
    found = re.fullmatch(r"(\d+)([smh]?)", value)
    if found is None or int(found[1]) == 0:
        raise Failure(f"DURATION={value} is no time: give one such as 90, 90s, 5m or 1h")
    return int(found[1]) * {"": 1, "s": 1, "m": 60, "h": 3600}[found[2]]


def run_main(main: Callable[[Settings], int | None]) -> None:
    """Runs a script's main function and turns whatever ends it into a message and exit status."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _terminate)
    try:
        sys.exit(main(Settings.from_environ()) or 0)
    except Failure as failure:
        _give_up(str(failure))
    except KeyboardInterrupt:
        print("\ninterrupted", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # nobody reads any more
        sys.exit(128 + signal.SIGPIPE)
    except OSError as error:
        cause = _disk_trouble(error)
        if cause is None:
            raise
        _give_up(cause)


def _terminate(number: int, _frame: Any) -> None:
    """Unwinds the stack, so that the children are ended as well."""
    sys.exit(128 + number)


def _disk_trouble(error: OSError) -> str | None:
    """Explains the errors that any write to a disk can meet."""
    where = error.filename or "the disk"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return (
            f"no space left for {where}: free some, or set CACHE to a folder on a larger disk "
            "(for the checkout: move it), then run again"
        )
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return (
            f"{where}: {error.strerror}: make it yours, or set CACHE to a folder that you may "
            "write to"
        )
    return None


def _give_up(message: str) -> None:
    print(f"error: {message}", file=sys.stderr)
    sys.exit(1)
