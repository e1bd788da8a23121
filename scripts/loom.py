# SPDX-License-Identifier: GPL-2.0
"""Explores what threads that use a mailbox can do to each other: the tests in tests/loom.

They run here and not in the guest: loom takes the place of the kernel's atomics, and tries the
orders in which the steps of the threads can come, and the values that a load can return.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import command
from cache import Cache, no_space, require_space
from command import CommandError
from progress import Step
from settings import Failure, Settings
from toolchain import NO_NETWORK, Rust, cargo_config, cargo_env
from verdict import Check

GROUP = "loom"
SPACE = 300  # MiB
TEST = re.compile(r"#\[test\]\s+fn (\w+)")
RESULT = re.compile(r"^test (?:\w+::)*(\w+) \.\.\. (\w+)", re.MULTILINE)
STARTED = re.compile(r"^running \d+ tests?$", re.MULTILINE)
FIRST_ERROR = re.compile(r"^(?:error|.* panicked at).*(?:\n.+)?", re.MULTILINE)


def run(settings: Settings, step: Step) -> list[Check]:
    """Runs every test; what cargo downloads and builds for them is kept."""
    folder = settings.root / "tests/loom"
    rust = Rust.find(settings.root)
    entry = Cache(settings.cache).entry("loom", f"rustc-{rust.version}")
    step.log = settings.build / "log/loom.log"
    step.log.parent.mkdir(parents=True, exist_ok=True)
    with entry.locked(step):
        entry.dir.mkdir(parents=True, exist_ok=True)
        require_space("building loom", entry.dir, SPACE)
        options = ["--locked", "--manifest-path", folder / "Cargo.toml"]
        argv = ["cargo", "test", *options, "--target-dir", entry.dir / "target", *cargo_config()]
        try:
            output = command.run(
                argv, step.log, step, env=cargo_env(rust, entry.dir), lock_fd=entry.lock_fd
            )
        except CommandError as error:
            output = error.output
            if error.disk_full:
                raise no_space("building loom", entry.dir, SPACE) from error
            if not STARTED.search(output):
                _explain(error)
        entry.finish()
    return list(_checks(folder, output, step.log))


def _explain(error: CommandError) -> None:
    """Raises what the user can cure; what does not compile is a test that failed."""
    if re.search(NO_NETWORK, error.output):
        raise Failure(
            "cargo could not download loom, on which tests/loom are built: check the network and "
            "the proxy, then run again"
        ) from error
    if not error.output:
        raise error


def _checks(folder: Path, output: str, log: Path) -> Iterator[Check]:
    """One for each test in the sources, whether it ran or not."""
    sources = sorted(folder.glob("*.rs"))
    names = [name for path in sources for name in TEST.findall(path.read_text(encoding="utf-8"))]
    if not names:
        yield Check(GROUP, str(folder), False, "there are no tests")
    results = dict(RESULT.findall(output))
    first = FIRST_ERROR.search(output)
    for name in names:
        passed = results.get(name) == "ok"
        reason = "failed" if name in results else "did not come to its end"
        said = f": {first[0]}" if first else ""
        yield Check(GROUP, name, passed, "" if passed else f"{reason}{said}\nsee {log}")
