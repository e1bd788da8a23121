# SPDX-License-Identifier: GPL-2.0
"""The source of the newest point release of a Linux series, unpacked in the cache."""

import re
from dataclasses import dataclass
from pathlib import Path

import command
import debian
from cache import Cache, Entry, no_space, require_space
from command import CommandError
from debian import Apt
from progress import Step
from settings import Failure

SPACE = 2400  # MiB: package, archive and unpacked source


@dataclass(frozen=True)
class Source:
    """An unpacked kernel source."""

    dir: Path
    version: str  # Debian's, which names the patches on top as well

    @property
    def number(self) -> str:
        """The release as the kernel's makers number it."""
        return self.version.partition("-")[0]


def prepare(series: str, cache: Cache, apt: Apt, step: Step) -> Source:
    """Returns the source, from the cache if this series has been looked up before."""
    note = f"linux-{series}"
    if version := cache.recall(note):
        entry = _entry(cache, version)
        if entry.complete:
            source = Source(entry.dir, version)
            step.title = f"Linux {source.number} source"
            step.cached()
            return source

    package = f"linux-source-{series}"
    versions = apt.versions(package, step)
    if not versions:
        raise Failure(
            f"no Debian suite ({', '.join(debian.SUITES)}) has {package} any more: choose another "
            "LINUX_SERIES, or give your own kernel build with KDIR="
        )
    source = Source(_entry(cache, versions[0]).dir, versions[0])
    step.title = f"Linux {source.number} source"
    _unpack(package, source.version, cache, apt, step)
    # Only now: should the release vanish from the mirror before, the next run takes another.
    cache.remember(note, source.version)
    return source


def _entry(cache: Cache, version: str) -> Entry:
    return cache.entry("source", "linux-" + re.sub(r"[^\w.]", "-", version))


def _unpack(package: str, version: str, cache: Cache, apt: Apt, step: Step) -> None:
    entry = _entry(cache, version)
    with entry.locked(step):
        if entry.complete:
            return
        entry.reset()
        require_space("the kernel source", entry.dir, SPACE)
        deb = apt.fetch(package, version, step, SPACE)
        archive = entry.dir / f"{package}.tar.xz"
        try:
            debian.unpack(deb, f"usr/src/{archive.name}", entry.dir, step, entry.lock_fd)
            command.run(
                ["tar", "-x", "--strip-components=1", "-C", entry.dir, "-f", archive],
                entry.dir / "unpack.log",
                step,
                env={"XZ_OPT": "-T0"},
                lock_fd=entry.lock_fd,
            )
        except CommandError as error:
            if error.disk_full:
                raise no_space("the kernel source", entry.dir, SPACE) from error
            raise
        for leftover in (archive, deb, entry.dir / "unpack.log"):
            leftover.unlink()
        entry.finish(f"{package} {version}\n")
