# SPDX-License-Identifier: GPL-2.0
"""How kbuild compiled something, so that other tools can be given the same options."""

import shlex
from itertools import takewhile
from pathlib import Path

from settings import Failure


def compiler(objects: Path, target: str) -> list[str]:
    """Variables and command that compiled a target, without the source and the outputs."""
    path = objects / target
    saved = path.with_name(f".{path.name}.cmd")
    if not saved.exists():
        raise Failure(f"{saved} is missing: run `make clean`, then again; or mend '{target}'")
    words = shlex.split(saved.read_text(encoding="utf-8").partition(":= ")[2].partition("\n")[0])
    # kbuild exports the first one, and gives the outputs and the source last.
    return ["RUSTC_BOOTSTRAP=1", *takewhile(lambda word: word != "--out-dir", words)]
