# SPDX-License-Identifier: GPL-2.0
"""How large modules are: each sample beside its twin in C, and the crate's own."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import command

CRATE = "rust_kthread"


@dataclass(frozen=True)
class Size:
    """The bytes of one module."""

    name: str
    text: int
    data: int  # with what is zero at first


def read(folder: Path, twins: Iterable[str]) -> list[Size]:
    """The crate's module, and those of each sample and of its twin."""
    names = [CRATE, *(f"{kind}_{twin}" for twin in sorted(twins) for kind in ("kthread", "twin"))]
    files = [folder / f"{name}.ko" for name in names]
    listing = command.ask("size", *(file for file in files if file.exists())).splitlines()[1:]
    sizes = []
    for line in listing:
        text, data, bss, _, _, file = line.split()
        sizes.append(Size(Path(file).stem, int(text), int(data) + int(bss)))
    return sizes


def table(sizes: Iterable[Size]) -> str:
    """One line for each module."""
    head = f"{'bytes':24}{'text':>8}{'data':>8}"
    return "\n".join([head, *(f"{size.name:24}{size.text:8}{size.data:8}" for size in sizes)])
