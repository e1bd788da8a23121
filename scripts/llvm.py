# SPDX-License-Identifier: GPL-2.0
"""LLVM's tools that tell what a profile says of the sources."""

import re
import shutil
import struct
from collections.abc import Sequence
from pathlib import Path

import command
from progress import Step
from settings import Failure
from toolchain import Rust

# What `struct profile` in tests/coverage/coverage.c begins with.
SIZES = struct.Struct("<4Q")
# What LLVM 19 and newer put before its content: INSTR_PROF_RAW_HEADER in InstrProfData.inc.
HEADER = struct.Struct("<16Q")
MAGIC = int.from_bytes(b"\xfflprofr\x81", "big")
VERSION = 10
DATA = 64  # bytes for each function
COUNTER = 8  # bytes
LAST_VALUE_KIND = 2


class Llvm:
    """The tools of the very LLVM that rustc has: no other need understand what it writes."""

    def __init__(self, rust: Rust) -> None:
        self._rust = rust
        self._cov = self._find("llvm-cov")
        self._profdata = self._find("llvm-profdata")

    def merge(self, profiles: Sequence[Path], merged: Path, step: Step) -> None:
        """Adds raw profiles up."""
        argv = [self._profdata, "merge", "-sparse", f"-output={merged}", *map(str, profiles)]
        command.run(argv, merged.with_suffix(".log"), step)

    def export(self, profile: Path, objects: Sequence[Path], sources: Path, step: Step) -> str:
        """What ran of the sources in that folder, in the format of lcov."""
        argv = [self._cov, "export", "-format=lcov", *_inputs(profile, objects, sources)]
        return command.run(argv, profile.with_suffix(".lcov"), step)

    def show(
        self, profile: Path, objects: Sequence[Path], sources: Path, pages: Path, step: Step
    ) -> None:
        """Writes these sources, with what ran of them, as pages for a browser."""
        shutil.rmtree(pages, ignore_errors=True)
        options = ["-format=html", f"-output-dir={pages}"]
        options += ["-show-branches=count", "-show-instantiations=false"]
        argv = [self._cov, "show", *options, *_inputs(profile, objects, sources)]
        command.run(argv, profile.with_suffix(".log"), step)

    def _find(self, name: str) -> str:
        version = re.search(r"^LLVM version: (\d+)", self._rust.identity, re.MULTILINE)
        major = version[1] if version else "?"
        rustup = [str(path) for path in self._rust.sysroot.glob(f"lib/rustlib/*/bin/{name}")]
        for candidate in (f"{name}-{major}", *rustup, name):
            path = shutil.which(candidate)
            if path and f"LLVM version {major}." in command.ask(path, "--version"):
                return path
        raise Failure(
            f"{name} of LLVM {major} is missing, the LLVM of {self._rust.line}: install the "
            f"package llvm-{major}, or run `rustup component add llvm-tools`"
        )


def raw_profile(content: bytes) -> bytes:
    """What LLVM would have written, of what the guest tells of one module."""
    distance, data, counters, names = SIZES.unpack_from(content)
    header = HEADER.pack(
        *(MAGIC, VERSION),
        *(0, data // DATA, 0, counters // COUNTER, 0, 0, 0, names),
        *(distance, 0, 0, 0, 0),
        LAST_VALUE_KIND,
    )
    return header + content[SIZES.size :] + bytes(-names % COUNTER)


def _inputs(profile: Path, objects: Sequence[Path], sources: Path) -> list[str | Path]:
    first, *others = objects
    named = [f"-object={path}" for path in others]
    return [f"-instr-profile={profile}", first, *named, "-sources", sources]
