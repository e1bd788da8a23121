# SPDX-License-Identifier: GPL-2.0
"""Draws what a benchmark has measured, with gnuplot."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench_figures import Operation
from settings import Failure

TARGET = 1.02

RATIOS = """
set terminal svg size 900,480 font "sans-serif,13" background "white"
set title "Instructions in Rust, where C takes 1"
set boxwidth 0.7
set style fill solid 0.8
set xtics rotate by 50 right noenhanced
set yrange [0:]
set grid ytics
unset key
plot "-" using 0:2:xticlabels(1) with boxes linecolor "#3874ad", \\
    1 with lines linecolor "black", {target} with lines linecolor "#c03030" dashtype 2
{data}
e
"""

GROWTH = """
set terminal svg size 900,480 font "sans-serif,13" background "white"
set title "Instructions of one operation, by how many there are"
set logscale xy
set grid
set key outside right
plot {curves}
"""

HISTOGRAM = """
set terminal svg size 900,480 font "sans-serif,13" background "white"
set title "How long it takes a thread on another CPU to wake up"
set xlabel "less than, in microseconds"
set ylabel "wake-ups"
set style data histogram
set style fill solid 0.8
set grid ytics
plot $data using 2:xticlabels(1) title "Rust", $data using 3 title "C"
"""


def ratios(operations: Sequence[Operation], path: Path) -> Path:
    """Rust over C, a bar for each operation."""
    data = "\n".join(f'"{each.name}" {each.ratio:.4f}' for each in operations)
    return draw(RATIOS.format(target=TARGET, data=data), path)


def growth(operations: Sequence[Operation], path: Path) -> Path:
    """What one operation costs, over how many threads, workers or items there are."""
    data, curves = [], []
    for name in dict.fromkeys(each.name.rpartition("_")[0] for each in operations):
        for language in ("Rust", "C"):
            data.append(f"${name}_{language} << EOD")
            for each in operations:
                if each.name.rpartition("_")[0] == name:
                    cost = each.rust if language == "Rust" else each.c
                    data.append(f"{each.number} {cost.usual:.1f}")
            data.append("EOD")
            curves.append(f'${name}_{language} with linespoints title "{name}, {language}"')
    return draw("\n".join([*data, GROWTH.format(curves=", ".join(curves))]), path)


def histogram(counts: Mapping[int, Mapping[str, int]], path: Path) -> Path:
    """How many wake-ups took less than so many (2^N) nanoseconds, and not less than half of it."""
    rows = [f"{2**n / 1000:.1f} {each['Rust']} {each['C']}" for n, each in counts.items()]
    return draw("\n".join(["$data << EOD", *rows, "EOD", HISTOGRAM]), path)


def draw(script: str, path: Path) -> Path:
    """Runs the script, and writes what it draws."""
    try:
        result = subprocess.run(
            ["gnuplot"], input=script, capture_output=True, text=True, check=False
        )
    except FileNotFoundError as error:
        raise Failure("gnuplot is not installed: install gnuplot-nox, then run again") from error
    if result.returncode:
        raise Failure(f"gnuplot failed: {result.stderr.strip()}")
    path.write_text(result.stdout, encoding="utf-8")
    return path
