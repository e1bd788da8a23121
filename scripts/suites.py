# SPDX-License-Identifier: GPL-2.0
"""Reads from the Rust sources which KUnit cases have to run."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from settings import Failure

COMMENT_OR_LITERAL = re.compile(
    r"""//[^\n]* | /\*.*?\*/ | b?r(\#*)".*?"\1 | "(\\.|[^"\\])*" | '(\\.|[^'\\])'""",
    re.DOTALL | re.VERBOSE,
)
ATTRIBUTES = r"((?:#\[[^\]]*\]\s*)+)"
SUITE = re.compile(ATTRIBUTES + r"mod\s+\w+\s*\{")
SUITE_NAME = re.compile(r"\bkunit_tests\s*\(\s*(\w+)")
FUNCTION = re.compile(ATTRIBUTES + r"(?:unsafe\s+)?fn\s+(\w+)")
TEST = re.compile(r"#\[\s*test\s*\]")
CFG = re.compile(r"#\[\s*cfg\b")
FENCE = re.compile(r"\s*//[/!]\s*```(.*)")
PAGE_FENCE = re.compile(r"\s*```(.*)")
EXAMPLES = "kthread_doc."  # the suite of the examples
NO_EXAMPLE = "text"  # what is not Rust says so; `ignore` and its like are no way out


def expected_cases(sources: Iterable[Path]) -> dict[str, bool]:
    """The name of each case, suite.case, and whether it is under a #[cfg]."""
    cases: dict[str, bool] = {}
    for source in sources:
        text = COMMENT_OR_LITERAL.sub(" ", source.read_text(encoding="utf-8"))
        found = 0
        for suite in SUITE.finditer(text):
            name = SUITE_NAME.search(suite[1])
            if name is None:
                continue
            if CFG.search(suite[1]):
                raise Failure(
                    f"{source}: the suite {name[1]} is under a #[cfg], so it could vanish unseen: "
                    "put the #[cfg] on its cases, which then report that they were skipped"
                )
            for function in FUNCTION.finditer(_top_level(text[suite.end() :])):
                if TEST.search(function[1]):
                    found += 1
                    case = f"{name[1]}.{function[2]}"
                    if case in cases:
                        raise Failure(f"{source}: there is another {case}: rename one of them")
                    cases[case] = CFG.search(function[1]) is not None
        marked = len(TEST.findall(text))
        if found != marked:
            raise Failure(
                f"{source}: only {found} of {marked} #[test] functions are directly in a "
                "#[kunit_tests(..)] module: move the others there, or they never run"
            )
    return cases


def expected_examples(root: Path) -> dict[str, bool]:
    """The case that each example in the documentation becomes, see doc_cases.py."""
    crate = root / "src"
    cases: dict[str, bool] = {}
    for source in sorted(crate.rglob("*.rs")):
        file = "_".join(source.relative_to(crate).with_suffix("").parts)
        for line, language in _fences(source, FENCE):
            if language != NO_EXAMPLE:
                cases[f"{EXAMPLES}{file}_{line}"] = False
    for page in (*root.glob("README.md"), *sorted(root.glob("docs/*.md"))):
        for line, language in _fences(page, PAGE_FENCE):
            if not language or language.startswith("rust"):
                cases[f"{EXAMPLES}{page.stem.lower()}_{line}"] = False
    return cases


def _fences(source: Path, fence: re.Pattern[str]) -> Iterator[tuple[int, str]]:
    """The line in which each block of code begins, and what it says of its language."""
    inside = False
    for number, line in enumerate(source.read_text(encoding="utf-8").splitlines(), start=1):
        if found := fence.fullmatch(line):
            inside = not inside
            if inside:
                yield number, found[1].strip()


def _top_level(text: str) -> str:
    """The text up to the brace that closes the block it starts in, without inner blocks."""
    depth, kept = 1, []
    for piece in re.split(r"([{}])", text):
        depth += {"{": 1, "}": -1}.get(piece, 0)
        if depth == 0:
            break
        if depth == 1:
            kept.append(piece)
    return "".join(kept)
