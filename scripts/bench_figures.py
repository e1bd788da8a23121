# SPDX-License-Identifier: GPL-2.0
"""What a benchmark has measured: reads it from the guest's log, and shows it as a table."""

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any, TypeVar

Round = TypeVar("Round")
RUST, C = "kthread_bench", "twin_bench"
# What tests/bench/*/measure.* logs: how often a round does it, and the nanoseconds of each round.
MEASURED = re.compile(rf"({RUST}|{C}): (\w+) x(\d+):((?: \d+)+)")
# What tests/bench/memory.sh logs.
MEMORY = re.compile(rf"({RUST}|{C}): memory (\w+): ([\d.]+) bytes, ([\d.]+) times")


def middle(rounds: Sequence[Round], size: Callable[[Round], float]) -> list[Round]:
    """The middle half, by size."""
    quarter = len(rounds) // 4
    return sorted(rounds, key=size)[quarter : len(rounds) - quarter]


@dataclass(frozen=True)
class Memory:
    """What memory one thing takes, and how many times some is allocated to make it."""

    module: str
    name: str
    bytes: float
    times: float


@dataclass(frozen=True)
class Cost:
    """What one operation costs, in instructions: a figure for each round."""

    rounds: tuple[float, ...]

    @property
    def usual(self) -> float:
        """The mean of the middle half of the rounds: some have a tick in them. The median of those
        that come in two sizes would be chance."""
        return fmean(self._middle)

    @property
    def spread(self) -> float:
        """How far the middle half is apart, as a part of that."""
        return (self._middle[-1] - self._middle[0]) / self.usual

    @property
    def _middle(self) -> list[float]:
        return middle(self.rounds, float)


@dataclass(frozen=True)
class Operation:
    """One operation, in Rust and in C."""

    name: str
    rust: Cost
    c: Cost

    @property
    def ratio(self) -> float:
        """Rust over C."""
        return self.rust.usual / self.c.usual

    @property
    def number(self) -> int | None:
        """How many there are, if that is what its name ends with: costs may grow with it."""
        found = re.search(r"_(\d+)$", self.name)
        return int(found[1]) if found else None

    def figures(self) -> dict[str, Any]:
        """For other programs to read."""
        return {
            "name": self.name,
            "ratio": round(self.ratio, 4),
            "rust": {"usual": self.rust.usual, "rounds": self.rust.rounds},
            "c": {"usual": self.c.usual, "rounds": self.c.rounds},
        }


def read_log(lines: Iterable[str], shift: int) -> list[Operation]:
    """The operations that both have measured, where an instruction takes 2^shift ns."""
    costs: dict[str, dict[str, Cost]] = {}
    for line in lines:
        if found := MEASURED.fullmatch(line):
            module, name, count, taken = found.groups()
            rounds = tuple(int(time) / 2**shift / int(count) for time in taken.split())
            costs.setdefault(name, {})[module] = Cost(rounds)
    return [
        Operation(name, both[RUST], both[C])
        for name, both in costs.items()
        if both.keys() == {RUST, C}
    ]


def read_memory(lines: Iterable[str]) -> list[Memory]:
    """What memory things take."""
    found = filter(None, map(MEMORY.fullmatch, lines))
    return [Memory(each[1], each[2], float(each[3]), float(each[4])) for each in found]


def memory_table(memory: Iterable[Memory]) -> str:
    """One line for each thing and language."""
    lines = [f"{'memory':24}{'bytes':>8}{'times':>8}"]
    for each in sorted(memory, key=lambda each: each.name):
        language = "Rust" if each.module == RUST else "C"
        lines.append(f"{f'{each.name} in {language}':24}{each.bytes:8.0f}{each.times:8.1f}")
    return "\n".join(lines)


def table(operations: Iterable[Operation]) -> str:
    """One line for each operation."""
    lines = [f"{'instructions':20}{'Rust':>10}{'spread':>8}{'C':>10}{'spread':>8}{'Rust/C':>9}"]
    for each in operations:
        rust, c = each.rust, each.c
        lines.append(
            f"{each.name:20}{rust.usual:10.1f}{rust.spread:8.1%}"
            f"{c.usual:10.1f}{c.spread:8.1%}{each.ratio:9.3f}"
        )
    return "\n".join(lines)
