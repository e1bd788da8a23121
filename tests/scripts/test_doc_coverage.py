# SPDX-License-Identifier: GPL-2.0
"""Tests of doc_coverage.py, with what rustdoc would say made up."""

import json
import unittest
from pathlib import Path
from typing import Any
from unittest import mock

import support
import doc
import doc_coverage
from settings import Failure, Settings
from verdict import Check

EXAMPLE = "A task.\n\n# Examples\n\n```\nlet task = 1;\n```"
SOURCE = """\
/// A task.
#[pin_data]
pub struct Task;

impl Task {
    /// Stops.
    pub fn stop(&self) {
    }
}
"""


class Coverage(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.settings = Settings.from_environ({"HOME": "/h"}, self.dir)
        self.write("src/task.rs", SOURCE)
        self.index: dict[str, Any] = {}
        self.add("1", "Task", "struct", EXAMPLE, (3, 3))
        self.add("2", "stop", "function", "Stops.\n\n# Examples\n\nSee [`Task`].", (7, 8))
        self.index["2"]["links"] = {"`Task`": 1}
        self.add("3", None, "impl", None, (5, 9), visibility="default")
        implementation = {"for": {"resolved_path": {"path": "Task"}}, "items": [2]}
        self.index["3"]["inner"] = {"impl": implementation}

    def add(
        self,
        key: str,
        name: str | None,
        kind: str,
        docs: str | None,
        lines: tuple[int, int],
        visibility: str = "public",
    ) -> None:
        begin, end = lines
        self.index[key] = {
            "crate_id": 0,
            "name": name,
            "span": {"filename": "src/task.rs", "begin": [begin, 1], "end": [end, 2]},
            "visibility": visibility,
            "docs": docs,
            "links": {},
            "inner": {kind: {}},
        }

    def checks(self) -> dict[str, Check]:
        def describe(*arguments: Any) -> None:
            output: Path = arguments[3]
            output.mkdir(parents=True, exist_ok=True)
            described = json.dumps({"index": self.index})
            (output / "kthread.json").write_text(described, encoding="utf-8")

        with (
            mock.patch.object(doc, "build") as self.build,
            mock.patch.object(doc, "rustdoc", side_effect=describe),
        ):
            checks = doc_coverage.run(self.settings, mock.Mock(), self.step())
        return {check.name: check for check in checks}

    def red(self) -> list[str]:
        return [check.name for check in self.checks().values() if not check.passed]

    def test_green(self) -> None:
        self.assertEqual(list(self.checks()), ["no fault", "Task", "Task::stop"])
        self.assertEqual(self.red(), [])
        self.assertIn(
            "2 public items: 1 have an example, 1 refer to one\n", self.screen.getvalue()
        )

    def test_neither_example_nor_reference(self) -> None:
        for docs in ("Stops.", None, "See `Task`.", "```text\nSee\n```", "Or see [`Task`]."):
            self.index["2"]["docs"] = docs
            self.assertEqual(self.red(), ["Task::stop"], docs)
        self.assertIn("src/task.rs:7: give it an example", self.checks()["Task::stop"].reason)

    def test_reference_to_what_has_no_example(self) -> None:
        self.index["1"]["docs"] = "A task."
        self.assertEqual(self.red(), ["Task", "Task::stop"])

    def test_reference_to_nothing(self) -> None:
        self.index["2"]["links"] = {}
        self.assertEqual(self.red(), ["Task::stop"])

    def test_references(self) -> None:
        for docs, link in (
            ("See [`Task`](crate::Task).", "crate::Task"),
            ("See [`scope()`](crate::scope()).", "crate::scope()"),
            ("See the [crate](crate).", "crate"),
        ):
            self.index["2"] |= {"docs": docs, "links": {link: 1}}
            self.assertEqual(self.red(), [], docs)

    def test_example_after_a_diagram(self) -> None:
        self.index["2"]["docs"] = "```text\na -> b\n```\n\n```\nlet x = 1;\n```"
        self.assertEqual(self.red(), [])

    def test_what_does_not_count(self) -> None:
        """Another crate's, what a trait asks for, a variant, and what a macro has written."""
        self.add("4", "clone", "function", None, (7, 8), visibility="default")
        self.add("5", "Ended", "variant", "It has.", (7, 8), visibility="default")
        self.add("6", "KILL", "assoc_const", "Kills.", (7, 8))
        self.add("7", "project", "function", "Projects.", (2, 2))
        self.add("8", "Error", "struct", None, (7, 8))
        self.index["8"]["crate_id"] = 2
        self.assertEqual(list(self.checks()), ["no fault", "Task", "Task::stop"])

    def test_faults(self) -> None:
        with mock.patch.object(doc, "build", side_effect=Failure("missing documentation")):
            (check,) = doc_coverage.run(self.settings, mock.Mock(), self.step())
        self.assertEqual((check.passed, check.reason), (False, "missing documentation"))

    def test_no_items(self) -> None:
        self.index.clear()
        self.assertEqual(self.red(), ["no fault"])


if __name__ == "__main__":
    unittest.main()
