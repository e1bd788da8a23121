# SPDX-License-Identifier: GPL-2.0
"""What the tests of the scripts share. Import it first: it puts the scripts on the path."""

import io
import os
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

from progress import Progress, Step  # noqa: E402


class Sandbox(unittest.TestCase):
    """A test with a folder of its own, a clean environment and fake commands."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="kthread-test-")
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)
        self.bin = self.dir / "bin"
        self.bin.mkdir()
        self.screen = io.StringIO()
        self.progress = Progress(total=9, stream=self.screen)
        self.set_environ(PATH=f"{self.bin}:/usr/bin:/bin", HOME=str(self.dir))

    def set_environ(self, **variables: str) -> None:
        """Replaces the whole environment."""
        patch = mock.patch.dict(os.environ, variables, clear=True)
        patch.start()
        self.addCleanup(patch.stop)

    def fake(self, name: str, script: str) -> Path:
        """Puts a shell script on PATH, in place of the command of that name."""
        path = self.bin / name
        path.unlink(missing_ok=True)  # may be a link to the real command: never write through it
        path.write_text(f"#!/bin/sh\n{script}\n")
        path.chmod(0o755)
        return path

    def write(self, name: str, text: str = "") -> Path:
        """Writes a file below the test's folder."""
        path = self.dir / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return path

    def step(self) -> Step:
        """A step to hand to what is tested."""
        return Step(self.progress, "[2/9]", "Test")
