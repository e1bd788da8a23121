# SPDX-License-Identifier: GPL-2.0
"""Where the instructions of an operation go, in Rust and in C: counted for each function.

A plugin of QEMU, tests/bench/where.c, counts how often each instruction is executed in a round.
"""

import bisect
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import command
from bench_figures import C, MEASURED, RUST, middle
from progress import Step
from settings import Settings

SOURCE = "tests/bench/where.c"
# In System.map, and in what counted.sh logs of the modules.
SYMBOL = re.compile(r"(?:symbol )?([0-9a-f]{16}) [tTwW] (\S+)")
# Where it runs, what would be idle time is counted as well.
SOAKER = "soak"
LEAST = 0.5  # instructions, of which a difference has a line


@dataclass(frozen=True)
class Where:
    """How many instructions of each function one operation takes."""

    name: str
    rust: dict[str, float]
    c: dict[str, float]

    def lines(self) -> Iterator[tuple[str, float, float]]:
        """Functions with what they take in both, the largest differences first, and sums."""
        names = self.rust.keys() | self.c.keys()
        both = [(name, self.rust.get(name, 0.0), self.c.get(name, 0.0)) for name in sorted(names)]
        different = [each for each in both if abs(each[1] - each[2]) >= LEAST]
        yield from sorted(different, key=lambda each: -abs(each[1] - each[2]))
        rust, c = sum(self.rust.values()), sum(self.c.values())
        named = [sum(each[language] for each in different) for language in (1, 2)]
        yield "(all others)", rust - named[0], c - named[1]
        yield "(sum)", rust, c


def build(settings: Settings, step: Step) -> Path:
    """Compiles the plugin for the QEMU that is installed."""
    found = re.search(r"version (\d+)", command.ask(settings.machine.qemu, "--version"))
    # The oldest interface that such a QEMU takes.
    version = 1 if found and int(found[1]) < 9 else 2
    plugin = settings.build / "where.so"
    argv = ["cc", "-shared", "-fPIC", "-O2", f"-DVERSION={version}", "-o", plugin]
    command.run([*argv, settings.root / SOURCE], settings.build / "where.log", step)
    return plugin


def read(counts: str, log: Iterable[str], symbols: Iterable[str]) -> list[Where]:
    """What the plugin has counted; the log says of what, and where the modules' functions are."""
    log = list(log)
    name = _names(chain(symbols, log))
    rounds = iter(counts.split("\n\n"))
    operations: dict[str, dict[str, dict[str, float]]] = {}
    for module, operation, times, taken in (
        found.groups() for found in filter(None, map(MEASURED.fullmatch, log))
    ):
        measured = [_read_round(next(rounds, "")) for _ in taken.split()]
        usual = middle(measured, Counter.total)
        functions: Counter[str] = Counter()
        for address, count in chain.from_iterable(each.items() for each in usual):
            functions[name(address)] += count
        if SOAKER not in functions:
            number = len(usual) * int(times)
            each = {name: count / number for name, count in functions.items()}
            operations.setdefault(operation, {})[module] = each
    return [
        Where(operation, _demangled(both[RUST]), both[C])
        for operation, both in operations.items()
        if both.keys() == {RUST, C}
    ]


def _names(lines: Iterable[str]) -> Callable[[int], str]:
    """What tells which function an address is in."""
    symbols = sorted((int(found[1], 16), found[2]) for found in map(SYMBOL.match, lines) if found)
    addresses = [address for address, _ in symbols]
    return lambda address: symbols[bisect.bisect(addresses, address) - 1][1]


def _read_round(lines: str) -> Counter[int]:
    """How often each address was executed."""
    counts: Counter[int] = Counter()
    for address, count in (line.split() for line in lines.split("\n") if line):
        counts[int(address, 16)] = int(count)
    return counts


def _demangled(counts: dict[str, float]) -> dict[str, float]:
    names = command.ask("c++filt", "--no-verbose", *counts).split("\n")
    return dict(zip(names, counts.values(), strict=True)) if len(names) == len(counts) else counts


def table(operation: Where) -> str:
    """One line for each function that takes more in one language, and the sums."""
    lines = [f"{'Rust':>8} {'C':>8} {'more':>8}  {operation.name}"]
    for name, rust, c in operation.lines():
        lines.append(f"{rust:8.1f} {c:8.1f} {rust - c:+8.1f}  {name}")
    return "\n".join(lines)
