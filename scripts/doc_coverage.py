# SPDX-License-Identifier: GPL-2.0
"""Holds the crate's documentation to its promise: each public item has a text and an example.

That there is a text, and that links lead somewhere, is rustdoc's to say. An item has an example of
its own, which then is a case of the suite kthread_doc, or a line `See [...]` that links to one that
has. Variants, fields, constants of a type and the items of a trait are shown by what they are part
of. What a macro has written does not count.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import doc
from kernel_build import Kernel
from progress import Step
from settings import Failure, Settings
from suites import NO_EXAMPLE
from verdict import Check

GROUP = "documentation"
# As rustdoc calls them.
KINDS = {"constant", "enum", "function", "macro", "module", "static", "struct", "trait"}
KINDS |= {"type_alias", "union"}
FENCE = re.compile(r"^\s*```(.*)$", re.MULTILINE)
REFERENCE = re.compile(r"^See (?:the )?\[([^]]+)\](?:\((\S+)\))?", re.MULTILINE)


@dataclass(frozen=True)
class Item:
    """One public item."""

    name: str
    place: str
    own: bool  # has an example
    refers: bool  # to an item that has one


def run(settings: Settings, kernel: Kernel, step: Step) -> list[Check]:
    """Writes the pages, and looks at each public item."""
    try:
        doc.build(settings, kernel, step)
    except Failure as failure:
        return [Check(GROUP, "no fault", False, str(failure))]
    output = settings.build / "doc-items"
    doc.rustdoc(settings, kernel, step, output, ["-Zunstable-options", "--output-format=json"])
    described = json.loads((output / "kthread.json").read_text(encoding="utf-8"))
    items = sorted(public_items(described, settings.root), key=lambda item: item.place)
    own, refers = (sum(item.own for item in items), sum(item.refers for item in items))
    step.say(f"{len(items)} public items: {own} have an example, {refers} refer to one")
    checks = [_check(item) for item in items]
    return [Check(GROUP, "no fault", bool(items), "" if items else "there are no items"), *checks]


def public_items(described: Mapping[str, Any], root: Path) -> Iterator[Item]:
    """Those of rustdoc's description that count."""
    index = described["index"]
    owners = dict(_owners(index))
    for key, item in index.items():
        (kind,) = item["inner"]
        ours = item["crate_id"] == 0 and item["visibility"] == "public" and kind in KINDS
        if not ours or not item["span"] or not _is_written(item, root):
            continue
        docs = item["docs"] or ""
        own = has_example(docs)
        path = Path(item["span"]["filename"])
        place = path.relative_to(root) if path.is_absolute() else path
        yield Item(
            "::".join(filter(None, (owners.get(key), item["name"]))),
            f"{place}:{item['span']['begin'][0]}",
            own,
            not own and any(has_example(text) for text in _referred(item, index)),
        )


def has_example(docs: str) -> bool:
    """Whether there is a block of Rust in a text."""
    opening = FENCE.findall(docs)[::2]
    return any(info.strip() != NO_EXAMPLE for info in opening)


def _referred(item: Mapping[str, Any], index: Mapping[str, Any]) -> Iterator[str]:
    """The documentation of each item that a line `See [...]` links to."""
    for text, target in REFERENCE.findall(item["docs"] or ""):
        linked = index.get(str(item["links"].get(target or text)))
        yield (linked["docs"] if linked else "") or ""


def _owners(index: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """The name of the type for each function in an `impl` of it."""
    for item in index.values():
        if implementation := item["inner"].get("impl"):
            name = implementation["for"].get("resolved_path", {}).get("path", "")
            yield from ((str(key), name) for key in implementation["items"])


def _is_written(item: Mapping[str, Any], root: Path) -> bool:
    """Whether the item's name is where the item is: it is not if a macro has made it."""
    span = item["span"]
    lines = (root / span["filename"]).read_text(encoding="utf-8").splitlines()
    text = "\n".join(lines[span["begin"][0] - 1 : span["end"][0]])
    is_root = "module" in item["inner"]
    return is_root or re.search(rf"\b{re.escape(item['name'])}\b", text) is not None


def _check(item: Item) -> Check:
    reason = f"{item.place}: give it an example, or a line 'See [`Item`]' that links to one"
    passed = item.own or item.refers
    return Check(GROUP, item.name, passed, "" if passed else reason)
