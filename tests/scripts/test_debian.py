# SPDX-License-Identifier: GPL-2.0
"""Tests of debian.py, with a fake apt."""

import io
import tarfile
import unittest
from pathlib import Path

import support
import debian
from cache import Cache
from debian import Apt
from settings import Failure

TARGETS = """\
http://security.example/debian-security/|bookworm-security|main|Debian
http://other.example/|bookworm|main|Other
http://mirror.example/debian/|bookworm|main|Debian
"""
MADISON = """\
 linux-source-7.3 | 7.3.5-1 | http://mirror.example/debian sid/main amd64 Packages
 linux-source-7.3 | 7.3.4-1~bpo13+1 | http://mirror.example/debian trixie-backports/main
"""


class WithFakeApt(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.calls = self.dir / "calls"
        self.write("targets", TARGETS)
        self.write("madison", MADISON)
        self.fake("dpkg", "echo amd64")
        self.fake("apt-cache", f"cat {self.dir}/madison")
        self.fake_apt_get("true")
        self.apt = Apt(Cache(self.dir / "c"))
        self.state = self.dir / "c/apt/state"

    def fake_apt_get(self, script: str) -> None:
        self.fake(
            "apt-get",
            f'case "$*" in *indextargets*) cat {self.dir}/targets; exit;; esac\n'
            f'echo "$@" >> {self.calls}\n{script}',
        )

    def failure(self) -> str:
        with self.assertRaises(Failure) as caught:
            self.apt.versions("linux-source-7.3", self.step())
        return str(caught.exception)


class Versions(WithFakeApt):
    def test_newest_first(self) -> None:
        versions = self.apt.versions("linux-source-7.3", self.step())
        self.assertEqual(versions, ["7.3.5-1", "7.3.4-1~bpo13+1"])

    def test_lists_are_read_once(self) -> None:
        for _ in range(2):
            self.apt.versions("rust-src", self.step())
        self.assertEqual(self.calls.read_text().count("update"), 1)

    def test_private_configuration(self) -> None:
        self.apt.versions("rust-src", self.step())
        sources = (self.state / "sources.list").read_text().splitlines()
        options = f"[signed-by={debian.KEYRING} arch=amd64 target=Packages]"
        self.assertEqual(
            sources,
            [f"deb {options} http://mirror.example/debian/ {s} main" for s in debian.SUITES],
        )
        configuration = (self.state / "apt.conf").read_text()
        for folder in ("Etc::SourceList", "State::Lists", "Cache"):
            self.assertIn(f'Dir::{folder} "{self.state}', configuration)

    def test_a_suite_out_of_order_does_no_harm_if_another_has_the_package(self) -> None:
        self.fake_apt_get("echo 'E: Release file for sid is expired'; exit 100")
        self.assertEqual(len(self.apt.versions("linux-source-7.3", self.step())), 2)
        self.write("madison", "")
        self.assertIn("sid is expired", self.failure())

    def test_unplugged(self) -> None:
        self.write("madison", "")
        self.fake_apt_get(
            "echo 'Err:1 http://mirror.example sid InRelease'\n"
            "echo 'E: Failed to fetch x  Temporary failure resolving mirror'; exit 100"
        )
        self.assertRegex(self.failure(), "mirror did not deliver .*resolving.* check the network")

    def test_bad_signature(self) -> None:
        self.write("madison", "")
        self.fake_apt_get("echo 'E: The repository is not signed. NO_PUBKEY 6ED0'; exit 100")
        self.assertIn("debian-archive-keyring", self.failure())

    def test_full_disk(self) -> None:
        self.fake_apt_get("echo 'E: Write error - write (28: No space left on device)'; exit 100")
        self.assertIn("not enough disk space for a download: it needs about", self.failure())


class Mirror(WithFakeApt):
    def setUp(self) -> None:
        super().setUp()
        release = Path("/etc/os-release").read_text(encoding="utf-8")
        if "VERSION_CODENAME=bookworm" not in release:
            self.skipTest("needs the code name of Debian 12")

    def test_the_machines_own(self) -> None:
        self.assertEqual(debian.mirror_of_machine(), "http://mirror.example/debian/")

    def test_before_the_first_update_the_suite_decides(self) -> None:
        self.write(
            "targets",
            "http://node.example/|nodistro|main|$(ORIGIN)\n"
            "http://mirror.example/debian/|bookworm|main|$(ORIGIN)\n",
        )
        self.assertEqual(debian.mirror_of_machine(), "http://mirror.example/debian/")

    def test_none(self) -> None:
        self.write("targets", "http://node.example/|nodistro|main|Node\n")
        with self.assertRaisesRegex(Failure, "KDIR="):
            debian.mirror_of_machine()


class Fetch(WithFakeApt):
    def test_returns_the_file(self) -> None:
        self.fake_apt_get("touch rust-src_1.95.0_all.deb other_1.95.0_all.deb")
        deb = self.apt.fetch("rust-src", "1.95.0", self.step(), 1)
        self.assertEqual(deb, self.state / "archives/rust-src_1.95.0_all.deb")
        self.assertIn("download rust-src=1.95.0", self.calls.read_text())

    def test_leftover_of_an_interrupted_run_is_not_trusted(self) -> None:
        self.write("c/apt/state/archives/rust-src_1.95.0_all.deb", "damaged")
        self.fake_apt_get("[ -e rust-src_1.95.0_all.deb ] || echo good > rust-src_1.95.0_all.deb")
        deb = self.apt.fetch("rust-src", "1.95.0", self.step(), 1)
        self.assertEqual(deb.read_text(), "good\n")

    def test_epoch(self) -> None:
        self.fake_apt_get("touch tool_1%3a2.0_all.deb")
        self.assertTrue(self.apt.fetch("tool", "1:2.0", self.step(), 1).exists())

    def test_shows_percent(self) -> None:
        shown = []
        step = self.step()
        step.percent = lambda value, note="": shown.append(value)
        self.fake_apt_get("touch t_1_all.deb; echo 'dlstatus:1:42.5:Retrieving file 1 of 1'")
        self.apt.fetch("t", "1", step, 1)
        self.assertEqual(shown, [42.5])


class Unpack(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        with tarfile.open(self.dir / "data.tar", "w") as data:
            for name in ("usr/src/a/lib/core.rs", "usr/src/a/other", "usr/src/linux.tar.xz"):
                member = tarfile.TarInfo(f"./{name}")
                member.size = 2
                data.addfile(member, io.BytesIO(b"ok"))
        self.into = self.dir / "into"
        self.into.mkdir()
        self.fake("dpkg-deb", f"cat {self.dir}/data.tar")

    def unpack(self, member: str) -> list[str]:
        debian.unpack(self.dir / "x.deb", member, self.into, self.step(), -1)
        found = (path for path in self.into.rglob("*") if path.is_file())
        return sorted(str(p.relative_to(self.into)) for p in found if p.name != "unpack.log")

    def test_file(self) -> None:
        self.assertEqual(self.unpack("usr/src/linux.tar.xz"), ["linux.tar.xz"])

    def test_folder(self) -> None:
        self.assertEqual(self.unpack("usr/src/a/lib"), ["lib/core.rs"])

    def test_a_damaged_package_fails(self) -> None:
        self.fake("dpkg-deb", f"cat {self.dir}/data.tar; exit 2")
        with self.assertRaises(Failure):
            self.unpack("usr/src/a/lib")


if __name__ == "__main__":
    unittest.main()
