# SPDX-License-Identifier: GPL-2.0
"""Tests of host_clock.py."""

import platform
import unittest
from unittest import mock

import support  # noqa: F401
import host_clock


class HostClock(unittest.TestCase):
    def setUp(self) -> None:
        host_clock.tsc_khz.cache_clear()
        self.addCleanup(host_clock.tsc_khz.cache_clear)

    def test_two_measurements_agree(self) -> None:
        first = host_clock.tsc_khz()
        host_clock.tsc_khz.cache_clear()
        second = host_clock.tsc_khz()
        if platform.machine() == "x86_64":
            self.assertAlmostEqual(first / second, 1, delta=0.001)
            self.assertGreater(first, 100_000)
        else:
            self.assertIsNone(first)

    def test_another_machine_has_none(self) -> None:
        with mock.patch("platform.machine", return_value="aarch64"):
            self.assertIsNone(host_clock.tsc_khz())

    def test_forbidden(self) -> None:
        with mock.patch("mmap.mmap", side_effect=PermissionError):
            self.assertIsNone(host_clock.tsc_khz())


if __name__ == "__main__":
    unittest.main()
