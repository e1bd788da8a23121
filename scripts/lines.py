# SPDX-License-Identifier: GPL-2.0
"""Counts lines of code: all but comments, empty lines, imports, and what a module says of itself.

`python3 scripts/lines.py` compares the samples with their twins in C; `python3 scripts/lines.py
FILE...` counts these files, together; `-` is what it is given on standard input.
"""

import re
import sys
from pathlib import Path

from settings import ROOT, Settings, run_main

# Both languages; the last two lines are what a module says of itself.
NOT_CODE = re.compile(
    r"""/\*.*?\*/ | ^\s*//.*?$ | ^(?:mod|use)\b[^;]*; | ^\s*\#include.*?$ |
    ^(?:kernel::)?module\w*!\ \{.*?^\} |
    ^(?:MODULE_|module_|EXPORT_SYMBOL)\w*\(.*?\);?$""",
    re.DOTALL | re.MULTILINE | re.VERBOSE,
)

# What several samples have in common.
SHARED = {"compat", "edu", "node"}


def lines(text: str) -> int:
    """How many lines of code there are."""
    return sum(bool(line.strip()) for line in NOT_CODE.sub("", text).splitlines())


def total(files: list[Path]) -> int:
    """How many there are in all of these."""
    return sum(lines(file.read_text(encoding="utf-8")) for file in files)


def table(root: Path) -> str:
    """The samples, each with its twin."""
    rows = ["| sample | lines | in C | |", "|---|---|---|---|"]
    for sample in sorted((root / "samples").glob("*.rs")):
        if sample.stem in SHARED:
            continue
        twin = root / "tests/twins" / f"{sample.stem}.c"
        in_rust, in_c = total([sample]), total([twin])
        rows.append(f"| {sample.stem} | {in_rust} | {in_c} | {in_rust / in_c - 1:+.0%} |")
    return "\n".join(rows)


def main(_settings: Settings) -> None:
    """Prints the table, or the sum of the files that are named."""
    names = sys.argv[1:]
    if not names:
        print(table(ROOT))
    elif names == ["-"]:
        print(lines(sys.stdin.read()))
    else:
        print(total([Path(name) for name in names]))


if __name__ == "__main__":
    run_main(main)
