# SPDX-License-Identifier: GPL-2.0
"""The cache folder: entries that are built once, by one run at a time, and then only read.

    <cache>/<kind>/<name>/           one entry; a .complete stamp is written into it last
    <cache>/locks/<kind>-<name>      held by the run that builds the entry, and by its children
    <cache>/notes/<name>             small facts that a warm run need not find out again
"""

import fcntl
import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from progress import Step
from settings import Failure, Settings, run_main

# Marks the folder as a cache, for backup tools and for `make clean-cache`; see bford.info/cachedir
TAG = "CACHEDIR.TAG"
TAG_TEXT = "Signature: 8a477f597d28d172789f06886806bc55\n# Kernel, tools and sources of kthread.\n"
LONGEST_WAIT = 3600  # seconds that another run may take to build an entry
UNUSED_DAYS = 30  # after which an entry makes room for a new one of its kind


class Cache:
    """The folder that CACHE names."""

    def __init__(self, root: Path) -> None:
        self.root = root
        if (root / TAG).exists():
            return
        try:
            root.mkdir(parents=True, exist_ok=True)
            foreign = [path for path in root.iterdir() if not path.name.startswith(TAG)]
        except OSError as error:
            raise Failure(
                f"CACHE={root} cannot be used ({error.strerror}): choose a folder that you may "
                "write to"
            ) from error
        if foreign:
            raise Failure(
                f"CACHE={root} holds files of something else (there is no {TAG}): choose an "
                "empty or a new folder"
            )
        _write(root / TAG, TAG_TEXT)

    def entry(self, kind: str, name: str) -> "Entry":
        """The entry of that name, built or not."""
        return Entry(self, kind, name)

    def recall(self, name: str) -> str | None:
        """What was remembered under the name."""
        try:
            return (self.root / "notes" / name).read_text()
        except FileNotFoundError:
            return None

    def remember(self, name: str, text: str) -> None:
        """Keeps a small fact for later runs."""
        path = self.root / "notes" / name
        path.parent.mkdir(exist_ok=True)
        _write(path, text)

    def forget(self, pattern: str) -> None:
        """Forgets the facts whose names match the pattern."""
        for path in (self.root / "notes").glob(pattern):
            path.unlink(missing_ok=True)

    def remove(self) -> None:
        """Deletes the folder with everything in it."""
        shutil.rmtree(self.root)


class Entry:
    """One thing that is expensive to make. Complete entries never change."""

    def __init__(self, cache: Cache, kind: str, name: str) -> None:
        self.dir = cache.root / kind / name
        self.lock_fd = -1
        self._stamp = self.dir / ".complete"
        self._lock = cache.root / "locks" / f"{kind}-{name}"

    @property
    def complete(self) -> bool:
        """Whether the entry can be used."""
        try:
            os.utime(self._stamp)  # tells prune() that it is in use
        except FileNotFoundError:
            return False
        except OSError:
            pass  # somebody else's cache, readable only
        return True

    @contextmanager
    def locked(self, step: Step) -> Iterator[None]:
        """Keeps other runs away from the entry; children started with `lock_fd` do as well."""
        with lock(self._lock, step) as self.lock_fd:
            yield
        self.lock_fd = -1

    def reset(self) -> None:
        """Removes what an interrupted run left, and makes the empty folder."""
        if self.dir.exists():
            shutil.rmtree(self.dir)
        self.dir.mkdir(parents=True)

    def finish(self, text: str = "") -> None:
        """Declares the entry complete; the text says what it was made from."""
        _write(self._stamp, text)
        self._prune()

    def _prune(self) -> None:
        """Removes entries of the same kind that no run has used for long."""
        oldest = time.time() - UNUSED_DAYS * 86400
        for stamp in self.dir.parent.glob("*/.complete"):
            if stamp.stat().st_mtime < oldest:
                stamp.unlink()
                shutil.rmtree(stamp.parent)


@contextmanager
def lock(path: Path, step: Step) -> Iterator[int]:
    """Waits until no other run holds the lock, then holds it and yields its descriptor.

    Whoever inherits the descriptor holds the lock as well: a run that is killed keeps the next one
    waiting until its last orphan is gone.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        deadline = time.monotonic() + LONGEST_WAIT
        told = False
        while not _try_lock(file.fileno()):
            if time.monotonic() > deadline:
                raise Failure(
                    f"another run has held {path} for {LONGEST_WAIT // 60} minutes: find it with "
                    f"`fuser {path}`, end it and run again"
                )
            if not told:
                step.say("another run is at it: waiting for that one")
                told = True
            step.show()
            time.sleep(0.2)
        yield file.fileno()


def _try_lock(fd: int) -> bool:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def require_space(what: str, where: Path, mebibytes: int) -> None:
    """Fails now if the disk is too small for what is about to be made."""
    if shutil.disk_usage(where).free < mebibytes << 20:
        raise no_space(what, where, mebibytes)


def no_space(what: str, where: Path, mebibytes: int) -> Failure:
    """The failure to raise when the disk is full."""
    free = shutil.disk_usage(where).free >> 20
    return Failure(
        f"not enough disk space for {what}: it needs about {mebibytes} MiB, and {where} has "
        f"{free} MiB left. Free some, or set CACHE to a folder on a larger disk; then run again"
    )


def _write(path: Path, text: str) -> None:
    """Writes a file so that no reader ever sees half of it."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)


def main(settings: Settings) -> None:
    """Does what the argument says: `update` or `clean`."""
    action = sys.argv[1:]
    if action == ["update"]:
        Cache(settings.cache).forget("linux-*")
        print("the next run takes the newest point release")
    elif action == ["clean"]:
        if settings.cache.exists():
            Cache(settings.cache).remove()
        print(f"{settings.cache} is gone")
    else:
        raise Failure("what to do with the cache? Use `make update` or `make clean-cache`")


if __name__ == "__main__":
    run_main(main)
