# SPDX-License-Identifier: GPL-2.0
"""Tests of cache.py."""

import os
import subprocess
import threading
import time
import unittest
from unittest import mock

import support
import cache
from cache import Cache
from settings import Failure, Settings


class TheFolder(support.Sandbox):
    def test_is_marked(self) -> None:
        root = self.dir / "a/b"
        Cache(root)
        self.assertIn("8a477f597d28d172789f06886806bc55", (root / "CACHEDIR.TAG").read_text())
        Cache(root)

    def test_may_not_hold_something_else(self) -> None:
        self.write("home/letter")
        with self.assertRaisesRegex(Failure, "holds files of something else"):
            Cache(self.dir / "home")

    def test_may_hold_what_a_full_disk_left_of_the_mark(self) -> None:
        self.write("c/CACHEDIR.TAG.123")
        Cache(self.dir / "c")

    def test_cannot_be_made(self) -> None:
        self.write("file")
        with self.assertRaisesRegex(Failure, "file/c cannot be used .* choose a folder"):
            Cache(self.dir / "file/c")

    def test_notes(self) -> None:
        folder = Cache(self.dir / "c")
        self.assertIsNone(folder.recall("linux-7.3"))
        folder.remember("linux-7.3", "7.3.4")
        folder.remember("accel", "tcg")
        self.assertEqual(folder.recall("linux-7.3"), "7.3.4")
        folder.forget("linux-*")
        self.assertIsNone(folder.recall("linux-7.3"))
        self.assertEqual(folder.recall("accel"), "tcg")

    def test_remove(self) -> None:
        Cache(self.dir / "c").remove()
        self.assertFalse((self.dir / "c").exists())


class AnEntry(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.cache = Cache(self.dir / "c")
        self.entry = self.cache.entry("kernel", "k")

    def test_is_complete_only_when_finished(self) -> None:
        self.assertFalse(self.entry.complete)
        self.entry.reset()
        self.assertFalse(self.entry.complete)
        self.entry.finish("made of this")
        self.assertTrue(self.cache.entry("kernel", "k").complete)
        self.assertEqual((self.entry.dir / ".complete").read_text(), "made of this")

    def test_reset_removes_what_was_left(self) -> None:
        self.write("c/kernel/k/half")
        self.entry.reset()
        self.assertEqual(list(self.entry.dir.iterdir()), [])

    def test_unused_ones_make_room(self) -> None:
        old, fresh = self.cache.entry("kernel", "old"), self.cache.entry("kernel", "fresh")
        other = self.cache.entry("source", "old")
        for entry in (old, fresh, other):
            entry.reset()
            entry.finish()
        long_ago = time.time() - (cache.UNUSED_DAYS + 1) * 86400
        for entry in (old, other):
            os.utime(entry.dir / ".complete", (long_ago, long_ago))
        self.entry.reset()
        self.entry.finish()
        self.assertFalse(old.dir.exists())
        self.assertTrue(fresh.complete)
        self.assertTrue(other.dir.exists())

    def test_use_keeps_it(self) -> None:
        self.entry.reset()
        self.entry.finish()
        os.utime(self.entry.dir / ".complete", (0, 0))
        self.assertTrue(self.entry.complete)
        self.assertGreater((self.entry.dir / ".complete").stat().st_mtime, time.time() - 60)


class TheLock(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.entry = Cache(self.dir / "c").entry("kernel", "k")
        self.same = Cache(self.dir / "c").entry("kernel", "k")

    def test_second_run_waits_and_says_so(self) -> None:
        order = []

        def second() -> None:
            with self.same.locked(self.step()):
                order.append("second")

        with self.entry.locked(self.step()):
            thread = threading.Thread(target=second)
            thread.start()
            time.sleep(0.4)
            order.append("first")
        thread.join()
        self.assertEqual(order, ["first", "second"])
        self.assertEqual(self.screen.getvalue().count("another run is at it"), 1)

    def test_an_orphan_holds_it(self) -> None:
        with self.entry.locked(self.step()):
            orphan = subprocess.Popen(["sleep", "60"], pass_fds=(self.entry.lock_fd,))
        with mock.patch("cache.LONGEST_WAIT", 0.3), self.assertRaisesRegex(Failure, "fuser"):
            with self.same.locked(self.step()):
                pass
        orphan.kill()
        orphan.wait()
        with self.same.locked(self.step()):
            pass

    def test_is_free_after_an_error(self) -> None:
        with self.assertRaises(ValueError), self.entry.locked(self.step()):
            raise ValueError
        with self.same.locked(self.step()):
            pass


class Main(support.Sandbox):
    def run_main(self, action: str) -> None:
        settings = Settings.from_environ({"CACHE": str(self.dir / "c")})
        with mock.patch("sys.argv", ["cache.py", action]), mock.patch("builtins.print"):
            cache.main(settings)

    def test_update_forgets_the_release_only(self) -> None:
        folder = Cache(self.dir / "c")
        folder.remember("linux-7.3", "7.3.4")
        folder.remember("accel", "tcg")
        self.run_main("update")
        self.assertEqual((folder.recall("linux-7.3"), folder.recall("accel")), (None, "tcg"))

    def test_clean(self) -> None:
        Cache(self.dir / "c").entry("kernel", "k").reset()
        self.run_main("clean")
        self.assertFalse((self.dir / "c").exists())
        self.run_main("clean")

    def test_clean_spares_what_is_not_a_cache(self) -> None:
        letter = self.write("c/letter")
        with self.assertRaisesRegex(Failure, "something else"):
            self.run_main("clean")
        self.assertTrue(letter.exists())


class Space(support.Sandbox):
    def test_says_what_is_needed_and_what_is_there(self) -> None:
        cache.require_space("a kernel", self.dir, 1)
        usage = mock.Mock(free=5 << 20)
        with mock.patch("shutil.disk_usage", return_value=usage):
            cache.require_space("a kernel", self.dir, 5)
            with self.assertRaises(Failure) as caught:
                cache.require_space("a kernel", self.dir, 6)
        for part in ("a kernel", "about 6 MiB", f"{self.dir} has 5 MiB", "set CACHE"):
            self.assertIn(part, str(caught.exception))


if __name__ == "__main__":
    unittest.main()
