# SPDX-License-Identifier: GPL-2.0
"""Tests of guest.py, with a fake QEMU."""

import os
import subprocess
import time
import unittest
from unittest import mock

import support
import guest
from guest import End, Guest, Job, Run
from kernel_build import Kernel
from settings import Failure, Settings

CONFIG = "".join(f"CONFIG_{name}=y\n" for name in guest.REQUIRED)
# Every fake QEMU notes that it was called, and finds its first serial port and its initramfs.
PROLOGUE = """\
[ "$1" != --version ] || { echo "QEMU emulator version 7.2.1 (Debian)"; exit; }
echo "$@" >> CALLS
while [ $# -gt 0 ]; do
    case $1 in
    -initrd) initramfs=$2 ;;
    -serial) case $2 in file:*) console=${2#file:} ;; esac ;;
    esac
    shift
done
"""
POWERS_OFF = """\
echo "kthread-guest: status 0"
echo "[    1.0] reboot: Power down" >> $console
"""
HANGS = 'echo "[    0.5] Run /init" >> $console; exec sleep 60'


class GuestTest(support.Sandbox):
    """A guest with one module, and everything that it needs from the checkout."""

    def setUp(self) -> None:
        super().setUp()
        self.write("tests/guest/init", "#!/bin/busybox sh\n")
        self.write("tests/guest/jobs/test.sh")
        self.write("tests/guest/config/common.config")
        self.write("modules/rust_kthread.ko")
        self.write("kernel/vmlinux")
        self.config(CONFIG)
        self.calls = self.write("calls")
        self.patch("BUSYBOX", self.write("busybox"))
        self.patch("KVM", self.dir / "kvm")
        self.patch("BOOT_ID", self.write("boot_id", "boot-1\n"))
        machine = mock.patch("platform.machine", return_value="x86_64")
        machine.start()
        self.addCleanup(machine.stop)
        self.qemu(POWERS_OFF)

    def patch(self, name: str, value: object) -> None:
        patch = mock.patch.object(guest, name, value)
        patch.start()
        self.addCleanup(patch.stop)

    def config(self, text: str) -> None:
        self.write("kernel/include/config/auto.conf", text)

    def qemu(self, script: str) -> None:
        self.fake("qemu-system-x86_64", PROLOGUE.replace("CALLS", str(self.calls)) + script)

    def guest(self, **environ: str) -> Guest:
        environ = {"HOME": "/h", "CACHE": str(self.dir / "cache"), **environ}
        kernel = Kernel(self.dir / "kernel", None, self.dir / "kernel/vmlinux", "7.3.4", "key")
        return Guest(Settings.from_environ(environ, self.dir), kernel, self.dir / "modules")

    def run_job(self, qemu: str = POWERS_OFF, limit: float = 20, **job: object) -> Run:
        self.qemu(qemu)
        return self.guest().run(Job("test", limit, **job))  # type: ignore[arg-type]

    def called(self) -> list[str]:
        return self.calls.read_text().splitlines()


class HowItEnds(GuestTest):
    def test_powered_off_by_itself(self) -> None:
        run = self.run_job()
        self.assertEqual((run.end, run.status, run.trouble), (End.POWERED_OFF, 0, ""))
        self.assertLess(run.seconds, 10)

    def test_failed_job(self) -> None:
        run = self.run_job(POWERS_OFF.replace("status 0", "status 3"))
        self.assertEqual((run.end, run.status), (End.POWERED_OFF, 3))
        self.assertEqual(run.trouble, "the job failed with status 3")

    def test_no_marker(self) -> None:
        run = self.run_job('echo "[    1.0] reboot: Power down" >> $console')
        self.assertEqual(run.trouble, "the guest powered off before its job was done")

    def test_marker_alone_is_not_enough(self) -> None:
        run = self.run_job('echo "kthread-guest: status 0"; echo "Kernel panic" >> $console')
        self.assertIs(run.end, End.DIED)
        self.assertIn("not by powering off", run.trouble)
        self.assertIn('the last line of its log is "Kernel panic"', run.trouble)

    def test_reset(self) -> None:
        announced = 'echo "[    1.0] kthread-resets: why" >> $console;'
        run = self.run_job(announced)
        self.assertEqual((run.end, run.status, run.trouble), (End.RESET, None, ""))
        self.assertIn("was to be reset", self.run_job(announced + POWERS_OFF).trouble)
        self.assertIs(self.run_job(announced + "exit 1").end, End.DIED)
        self.assertIs(self.run_job(announced + HANGS, limit=0.4).end, End.TIMED_OUT)

    def test_reset_is_announced_by_a_line_of_its_own(self) -> None:
        run = self.run_job('echo "[    1.0] sh: echo kthread-resets: why" >> $console')
        self.assertIn("not by powering off", run.trouble)

    def test_marker_is_a_line_of_its_own(self) -> None:
        run = self.run_job(POWERS_OFF.replace("kthread", "not kthread"))
        self.assertIsNone(run.status)

    def test_qemu_fails(self) -> None:
        run = self.run_job(POWERS_OFF + 'echo "no such board" >&2; exit 1')
        self.assertIs(run.end, End.DIED)
        self.assertEqual(run.trouble, "QEMU ended with status 1: no such board")

    def test_hang(self) -> None:
        start = time.monotonic()
        run = self.run_job("echo $$ >&2;" + HANGS, limit=0.4)
        self.assertLess(time.monotonic() - start, 5)
        self.assertIs(run.end, End.TIMED_OUT)
        self.assertIn("did not power off within 0.4 s", run.trouble)
        self.assertIn("Run /init", run.trouble)
        pid = int(run.console.with_name("test.qemu.log").read_text())
        with self.assertRaises(ProcessLookupError):
            os.kill(pid, 0)

    def test_hang_that_keeps_talking(self) -> None:
        run = self.run_job("while :; do echo again; done", limit=0.2)
        self.assertIs(run.end, End.TIMED_OUT)

    def test_silent_kernel(self) -> None:
        self.assertIn("its log is empty", self.run_job("exec sleep 60", limit=0.2).trouble)

    def test_slow_kernels_get_more_time(self) -> None:
        self.config(CONFIG + "CONFIG_KASAN=y\n")
        self.assertIn("within 0.4 s", self.run_job(HANGS, limit=0.4 / guest.SLOWDOWN).trouble)

    def test_boot_tests_get_more_time(self) -> None:
        tests = (self.write("tests/boot/a.sh"), self.write("tests/boot/b.sh"))
        self.qemu("exec sleep 60")
        with mock.patch.object(Guest, "_run") as run:
            self.guest().run(Job("test", 20, boot_tests=tests, bound=30))
        self.assertEqual(run.call_args[0][2], 80)

    def test_failure_of_the_caller_ends_qemu(self) -> None:
        self.qemu("echo line; exec sleep 60")
        start = time.monotonic()
        with self.assertRaises(ZeroDivisionError):
            self.guest().run(Job("test", 60), say=lambda line: 1 / 0)  # type: ignore[arg-type]
        self.assertLess(time.monotonic() - start, 5)


class Output(GuestTest):
    def test_lines_are_told_and_kept(self) -> None:
        self.qemu(r"printf 'one\r\n\n  two'; echo; " + POWERS_OFF)
        told: list[str] = []
        run = self.guest().run(Job("test", 20), told.append)
        self.assertEqual(told, ["one", "", "  two"])
        self.assertEqual(run.log.read_text(), "one\n\n  two\nkthread-guest: status 0\n")

    def test_lines_are_told_at_once(self) -> None:
        heard = self.dir / "heard"
        self.qemu(
            f"echo now; for i in $(seq 100); do [ -e {heard} ] && break; sleep 0.05; done\n"
            f"[ -e {heard} ] || exit 9\n" + POWERS_OFF
        )
        run = self.guest().run(Job("test", 20), lambda line: heard.touch())
        self.assertEqual(run.trouble, "")

    def test_caller_can_act_while_nothing_is_told(self) -> None:
        self.qemu("sleep 0.5\n" + POWERS_OFF)
        idle = mock.Mock()
        self.guest().run(Job("test", 20), idle=idle)
        self.assertGreaterEqual(idle.call_count, 2)

    def test_logs_of_an_earlier_run_are_gone(self) -> None:
        self.run_job("echo old;" + POWERS_OFF)
        run = self.run_job('echo "kthread-guest: status 0"')
        self.assertIs(run.end, End.DIED)
        self.assertEqual(run.log.read_text(), "kthread-guest: status 0\n")

    def test_two_runs_do_not_share_logs(self) -> None:
        machine = self.guest()

        def run_again(_line: str) -> None:
            with self.assertRaisesRegex(Failure, "another run writes"):
                machine.run(Job("test", 20))

        self.qemu("echo line;" + POWERS_OFF)
        run = machine.run(Job("test", 20), run_again)
        self.assertEqual(run.trouble, "")


class CommandLine(GuestTest):
    def call(self, **job: object) -> str:
        self.run_job(**job)
        return f"{self.called()[-1]} "

    def test_machine(self) -> None:
        call = self.call()
        for part in (
            "-cpu max -accel tcg,thread=multi -smp 1,sockets=1 -m 1024M -nodefaults ",
            "-no-reboot -display none ",
            f"-kernel {self.dir}/kernel/vmlinux -initrd ",
            " console=ttyS0 panic=-1 ",
            " kunit.filter_glob=kthread_* ",
            " tsc=nowatchdog ",
            " kthread.job=test kthread.port=ttyS1 ",
        ):
            self.assertIn(part, call)

    def test_rate_of_the_clock(self) -> None:
        with mock.patch("host_clock.tsc_khz", return_value=2_400_000):
            self.assertIn(" tsc_early_khz=2400000 ", self.call())
            self.assertIn(" tsc_early_khz=1000000 ", self.call(counted=True))
        with mock.patch("host_clock.tsc_khz", return_value=None):
            self.assertNotIn("tsc_early_khz", self.call())

    def test_several_cpus(self) -> None:
        self.config(CONFIG + "CONFIG_SMP=y\n")
        self.assertIn(" -smp 4,sockets=1 ", self.call())
        self.assertIn(" -smp 1 ", self.call(counted=True))

    def test_several_nodes(self) -> None:
        self.config(CONFIG + "CONFIG_SMP=y\nCONFIG_NUMA=y\n")
        call = self.call()
        self.assertIn(" -smp 4,sockets=2 ", call)
        self.assertIn(" -numa node,memdev=node0,cpus=0-1 ", call)
        self.assertIn(" -object memory-backend-ram,id=node1,size=512M ", call)
        self.assertIn(" -numa node,memdev=node1,cpus=2-3 ", call)
        self.assertNotIn("-numa", self.call(counted=True))

    def test_one_thread(self) -> None:
        self.assertIn(" -accel tcg,thread=single ", self.call(one_thread=True))

    def test_counted(self) -> None:
        call = self.call(counted=True)
        self.assertIn(" -accel tcg,thread=single -icount shift=4,sleep=off ", call)
        self.assertIn(" -rtc clock=vm -smp 1 ", call)
        self.assertIn(" -icount shift=0,sleep=off ", self.call(counted=True, shift=0))

    def test_plugin(self) -> None:
        self.assertIn(" -plugin /p.so,out=/f ", self.call(plugin="/p.so,out=/f"))
        self.assertNotIn("-plugin", self.call())

    def test_job(self) -> None:
        call = self.call(variables={"sample": "poller"}, parameters=("nokaslr",))
        self.assertIn(" nokaslr ", call)
        self.assertIn(" kthread.sample=poller ", call)
        self.assertNotIn("kmemleak", call)

    def test_bound_of_boot_tests(self) -> None:
        tests = (self.write("tests/boot/a.sh"),)
        self.assertIn(" kthread.bound=9 ", self.call(boot_tests=tests, bound=9))
        self.config(CONFIG + "CONFIG_PROVE_LOCKING=y\n")
        self.assertIn(" kthread.bound=36 ", self.call(boot_tests=tests, bound=9))

    def test_kmemleak_only_for_those_who_want_it(self) -> None:
        self.config(CONFIG + "CONFIG_DEBUG_KMEMLEAK=y\n")
        self.assertIn(" kmemleak=off ", self.call())
        self.assertNotIn("slab_debug", self.call())
        self.assertNotIn("kmemleak=off", self.call(kmemleak=True))
        self.assertIn(" slab_debug=F ", self.call(kmemleak=True))

    def test_title_names_the_logs(self) -> None:
        self.assertEqual(self.run_job(title="other").console.name, "other.console.log")


class Initramfs(GuestTest):
    def test_content(self) -> None:
        copy = self.dir / "copy"
        boot_test = self.write("tests/boot/unload.sh", "true\n")
        self.run_job(f"cp $initramfs {copy};" + POWERS_OFF, boot_tests=(boot_test,), script="ls\n")
        listing = subprocess.run(
            ["cpio", "--list", "--quiet"], input=copy.read_bytes(), capture_output=True, check=True
        )
        names = set(listing.stdout.decode().split())
        wanted = {"init", "bin/busybox", "jobs/test.sh", "modules/rust_kthread.ko"}
        self.assertLessEqual(wanted | {"boot-tests/unload.sh", "script"}, names)
        self.assertNotIn("config", names)

    def test_no_busybox(self) -> None:
        self.patch("BUSYBOX", self.dir / "nothing")
        with self.assertRaisesRegex(Failure, "busybox-static"):
            self.run_job()


class Unfit(GuestTest):
    def failure(self) -> str:
        with self.assertRaises(Failure) as caught:
            self.guest()
        return str(caught.exception)

    def test_options(self) -> None:
        self.config(CONFIG.replace("CONFIG_TTY=y\n", "").replace("CONFIG_SYSFS=y\n", ""))
        self.assertIn("set SYSFS, TTY to y", self.failure())

    def test_image(self) -> None:
        (self.dir / "kernel/vmlinux").unlink()
        self.assertIn("vmlinux is missing", self.failure())

    def test_qemu(self) -> None:
        self.set_environ(PATH=str(self.dir))
        self.assertIn("qemu-system-x86_64 is not installed", self.failure())


class Probe(GuestTest):
    """Which accelerator is used, and how often that has to be found out."""

    def setUp(self) -> None:
        super().setUp()
        self.write("kvm")

    def accel(self, **environ: str) -> str:
        return self.guest(**environ).accel

    def test_kvm_works(self) -> None:
        self.assertEqual(self.accel(), "kvm")
        self.assertIn(" -accel kvm ", self.called()[0])
        self.assertIn(" kthread.job=probe ", self.called()[0])

    def test_kvm_hangs(self) -> None:
        self.patch("PROBE_LIMIT", 0.2)
        self.qemu("exec sleep 60")
        self.assertEqual(self.accel(), "tcg")

    def test_kvm_fails(self) -> None:
        self.qemu("exit 1")
        self.assertEqual(self.accel(), "tcg")

    def test_kvm_ends_without_proof(self) -> None:
        self.qemu("exit 0")
        self.assertEqual(self.accel(), "tcg")

    def test_result_is_remembered(self) -> None:
        for script, accel in ((POWERS_OFF, "kvm"), ("exit 1", "tcg")):
            self.write("boot_id", accel)
            self.calls.write_text("")
            self.qemu(script)
            self.assertEqual([self.accel(), self.accel()], [accel, accel])
            self.assertEqual(len(self.called()), 1)

    def test_another_boot_or_qemu_is_probed_again(self) -> None:
        self.accel()
        self.write("boot_id", "boot-2\n")
        self.accel()
        self.assertEqual(len(self.called()), 2)
        self.fake("qemu-system-x86_64", "echo QEMU emulator version 9.0.0")
        self.assertEqual(self.accel(), "tcg")

    def test_no_kvm(self) -> None:
        (self.dir / "kvm").unlink()
        self.assertEqual(self.accel(), "tcg")
        self.assertEqual(self.called(), [])

    def test_another_architecture(self) -> None:
        with mock.patch("platform.machine", return_value="aarch64"):
            self.assertEqual(self.accel(), "tcg")
        self.assertEqual(self.called(), [])

    def test_user_decides(self) -> None:
        self.assertEqual(self.accel(ACCEL="tcg"), "tcg")
        self.assertEqual(self.accel(ACCEL="kvm"), "kvm")
        self.assertEqual(self.called(), [])

    def test_jobs_use_it(self) -> None:
        self.run_job()
        self.assertIn(" -accel kvm ", self.called()[1])


class Interactive(GuestTest):
    def test_status_and_terminal(self) -> None:
        self.qemu("exit 7")
        self.assertEqual(self.guest().interact(Job("shell", 0)), 7)
        self.assertIn("mux=on", self.called()[0])
        self.assertIn("signal=off", self.called()[0])


if __name__ == "__main__":
    unittest.main()
