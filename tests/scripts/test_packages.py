# SPDX-License-Identifier: GPL-2.0
"""Tests of packages.sh, with a fake Debian."""

import os
import shutil
import subprocess
import unittest

import support

INSTALLED = "python3 gcc libc6-dev make libclang1-19 flex bison libelf-dev libssl-dev bc xz-utils"


class Packages(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        # Only what is named here exists.
        for name in ("sh", "env", "grep", "date", "mkdir", "sed", "tail", "touch"):
            self.fake(name, f'exec {shutil.which(name)} "$@"')
        os.environ["PATH"] = str(self.bin)
        self.calls = self.write("calls")
        self.debian(INSTALLED)
        self.fake("id", "echo 0")
        self.fake("sleep", "true")
        self.apt("exit 0")

    def debian(self, installed: str) -> None:
        lines = "\\n".join(f"installed {name}" for name in installed.split())
        self.fake("dpkg-query", f"printf '{lines}\\nnot-installed qemu-system-x86\\n'; exit 1")

    def apt(self, script: str) -> None:
        self.fake("apt-get", f'echo "$*" >> {self.calls}\n{script}')

    def run_script(self, *purposes: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [support.ROOT / "scripts/packages.sh", "6", *purposes],
            cwd=self.dir,
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )

    def assert_fails(self, *parts: str, purpose: str = "kernel") -> None:
        result = self.run_script(purpose)
        self.assertEqual(result.returncode, 1, result)
        for part in parts:
            self.assertIn(part, result.stderr)

    def test_silent_when_nothing_is_missing(self) -> None:
        result = self.run_script("kernel")
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))
        self.assertEqual(self.calls.read_text(), "")

    def test_root_installs_what_is_missing(self) -> None:
        self.debian(INSTALLED.replace("flex bison", ""))
        result = self.run_script("kernel")
        self.assertEqual(result.returncode, 0, result)
        self.assertTrue(
            result.stdout.startswith("[1/6] Debian packages ... installing flex bison\n")
        )
        self.assertRegex(self.calls.read_text(), r"^.* install .*--no-remove flex bison\n$")

    def test_the_debug_kernel_wants_clang(self) -> None:
        os.environ["KERNEL"] = "debug"
        self.run_script("kernel")
        self.assertIn("clang-19 lld-19 llvm-19", self.calls.read_text())

    def test_the_guest_wants_qemu(self) -> None:
        self.run_script("guest")
        self.assertIn("qemu-system-x86 busybox-static cpio", self.calls.read_text())

    def test_coverage_wants_the_llvm_of_rustc(self) -> None:
        self.fake("rustc", "echo 'release: 1.95.0'; echo 'LLVM version: 22.1.2'")
        self.run_script("coverage")
        self.assertRegex(self.calls.read_text(), r" llvm-22\n$")
        self.calls.write_text("")
        self.fake("rustc", "exit 1")
        self.assertEqual(self.run_script("coverage").returncode, 0)
        self.assertEqual(self.calls.read_text(), "")

    def test_old_package_lists_are_renewed(self) -> None:
        self.debian("python3")
        self.apt(f'case "$*" in *update*) touch {self.dir}/new;; esac; [ -e {self.dir}/new ]')
        self.assertEqual(self.run_script("kernel").returncode, 0)
        self.assertIn("update", self.calls.read_text())

    def test_unplugged(self) -> None:
        self.debian("python3")
        self.apt("echo 'E: Temporary failure resolving'; exit 100")
        self.assert_fails("E: Temporary failure", "could not install", "Check the network")

    def test_full_disk(self) -> None:
        self.debian("python3")
        self.apt(
            'echo "E: You don\'t have enough free space in /var/cache/apt/archives/."; exit 100'
        )
        self.assert_fails("disk is too small for the packages: gcc", "Free some space")

    def test_sudo(self) -> None:
        self.debian("python3")
        self.fake("id", "echo 1000")
        self.fake("sudo", f'echo "sudo $*" >> {self.calls}')
        self.assertEqual(self.run_script("modules").returncode, 0)
        self.assertIn("sudo -n env DEBIAN_FRONTEND=noninteractive apt-get", self.calls.read_text())

    def test_not_root_and_no_sudo(self) -> None:
        self.debian("python3 gcc")
        self.fake("id", "echo 1000")
        self.assert_fails("as root, run: apt-get install libc6-dev make", purpose="modules")

    def test_not_debian(self) -> None:
        (self.bin / "dpkg-query").unlink()
        self.fake("gcc", "true")
        self.assert_fails("these commands are missing: python3 make. Install", purpose="modules")
        for name in ("python3", "make"):
            self.fake(name, "true")
        self.assertEqual(self.run_script("modules").returncode, 0)


if __name__ == "__main__":
    unittest.main()
