# SPDX-License-Identifier: GPL-2.0
"""Tests of kernel_log.py."""

import unittest

import support
from kernel_log import KernelLog, messages

WARN = """\
------------[ cut here ]------------
WARNING: at work+0x7a/0x1d0 [kthread_x], CPU#1: insmod/66
Modules linked in: kthread_x(O+)
Call Trace:
 <TASK>
 do_one_initcall+0x1/0x2
 </TASK>
---[ end trace 0000000000000000 ]---"""
OOPS = """\
BUG: kernel NULL pointer dereference, address: 0000000000000010
#PF: supervisor write access in kernel mode
Oops: Oops: 0002 [#1] SMP
Call Trace:
 <TASK>
 </TASK>
---[ end trace 0000000000000000 ]---"""
HARMLESS = """\
Command line: console=ttyS0 WARNING: x
pid_max: default: 32768 minimum: 301
PCI: Using host bridge windows from ACPI; if necessary, use "pci=nocrs" and report a bug
rcu: 	RCU callback double-/use-after-free debug is enabled.
rcu: 	RCU lockdep checking is enabled.
ACPI: Failed to create genetlink family for ACPI event
kmemleak: Kernel memory leak detector initialized (mem pool available: 62705)
Probably due to long platform interrupts. Consider using "lpj=" boot option.
workqueue: work func x enqueued on deprecated workqueue. Use system_{percpu|dfl}_wq instead.
kthread_x: loading out-of-tree module taints kernel.
rust_kthread: module kthread_x leaked thread forgotten/0
clocksource: Watchdog remote CPU 2 read timed out"""


class LogTest(support.Sandbox):
    def log(self, *texts: str) -> KernelLog:
        lines = "\n".join(texts).split("\n")
        stamped = "\r\n".join(f"[{number:5}.123456] {line}" for number, line in enumerate(lines))
        return KernelLog(self.write("console.log", stamped))

    def alarms(self, *texts: str) -> list[str]:
        return [str(report) for report in self.log(*texts).alarms]


class Messages(LogTest):
    def test_stamps(self) -> None:
        for line in (
            "[    1.5] x",
            "[12345.678901] x",
            "[    1.5][   T66] x",
            "[ 1.5][ C1] x",
            "x",
        ):
            self.assertEqual(messages(self.write("log", f"{line}\r\n")), ["x", ""])

    def test_indentation_is_kept(self) -> None:
        self.assertEqual(messages(self.write("log", "[    1.5]     ok 1 x")), ["    ok 1 x"])

    def test_line_that_was_written_again(self) -> None:
        replaying = "** replaying previous printk message **"
        whole = ["[    1.1] before", "[    1.5] BUG: x, y", "[    1.6] after"]
        for cut in range(1, len(whole[1]) + 1):
            log = "\r\n".join([whole[0], whole[1][:cut], replaying, *whole[1:]])
            self.assertEqual(
                messages(self.write("log", log)), ["before", "", replaying, "BUG: x, y", "after"]
            )
        log = "\n".join([whole[0], replaying, *whole[1:]])
        self.assertEqual(
            messages(self.write("log", log)), ["before", replaying, "BUG: x, y", "after"]
        )

    def test_garbage(self) -> None:
        path = self.write("log")
        path.write_bytes(b"\xff\xfe\x00\n[    1.5] x")
        self.assertEqual(messages(path)[-1], "x")


class Alarms(LogTest):
    def test_harmless_lines(self) -> None:
        self.assertEqual(self.alarms(HARMLESS), [])

    def test_every_kind(self) -> None:
        for line in (
            "WARNING: possible circular locking dependency detected",
            "WARNING: suspicious RCU usage",
            "BUG: sleeping function called from invalid context at mm.h:322",
            "BUG: scheduling while atomic: insmod/66/0x00000002",
            "BUG: KASAN: slab-use-after-free in x",
            "BUG: workqueue lockup - pool cpus=0",
            "watchdog: BUG: soft lockup - CPU#0 stuck for 26s!",
            "kernel BUG at rust/helpers/bug.c:7!",
            "Oops: general protection fault, probably for non-canonical address 0xdff: 0000 [#1]",
            "rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:",
            "rcu: INFO: rcu_preempt self-detected stall on CPU",
            "INFO: task insmod:76 blocked for more than 30 seconds.",
            "INFO: trying to register non-static key.",
            "kmemleak: 16 new suspected memory leaks (see /sys/kernel/debug/kmemleak)",
            "refcount_t: underflow; use-after-free.",
            "ODEBUG: free active (active state 0) object: x",
            "UBSAN: shift-out-of-bounds in x",
            "Kernel panic - not syncing: Attempted to kill init!",
            "** 12 printk messages dropped **",
            "Unable to handle kernel NULL pointer dereference at virtual address 10",
            "Call trace:",
            "    Failure not reported to KUnit since this is a non-KUnit task",
        ):
            with self.subTest(line):
                self.assertEqual(len(self.alarms(HARMLESS, line)), 1)

    def test_one_report_for_one_event(self) -> None:
        first, second, third = self.alarms(WARN, OOPS, WARN)
        self.assertTrue(first.startswith("WARNING: at work+0x7a/0x1d0 [kthread_x]"))
        self.assertTrue(second.startswith("BUG: kernel NULL pointer"))
        self.assertIn(" / Oops: Oops: 0002 [#1] SMP ", second)
        self.assertNotIn("Trace", first + second + third)

    def test_trace_that_belongs_to_nothing(self) -> None:
        self.assertEqual(len(self.alarms(WARN, "Call Trace:")), 2)
        self.assertEqual(len(self.alarms("BUG: x", "    ok 1 x", "Call Trace:")), 2)
        self.assertEqual(len(self.alarms("BUG: x", "x\n" * 300, "Call Trace:")), 2)

    def test_place(self) -> None:
        log = "kthread-test: boot a\n\nkthread-test: load b\n    ok 2 case\nBUG: x"
        self.assertEqual(
            self.alarms("BUG: early", log),
            [
                "BUG: early (line 1, during boot)",
                "BUG: x (line 6, during load b, after 'ok 2 case')",
            ],
        )


class Announced(LogTest):
    def check(self, *texts: str, alarms: int = 0, missing: tuple[str, ...] = ()) -> None:
        log = self.log(*texts)
        self.assertEqual((len(log.alarms), tuple(log.missing)), (alarms, missing))

    def test_excuses_the_whole_report(self) -> None:
        self.check("kthread-expect: WARNING: .*kthread_x", WARN)
        self.check("kthread-expect: Oops", OOPS)

    def test_may_come_from_a_module(self) -> None:
        self.check("kthread_kunit: kthread-expect: WARNING: ", WARN)

    def test_excuses_only_one(self) -> None:
        self.check("kthread-expect: WARNING: ", WARN, WARN, alarms=1)
        self.check("kthread-expect: WARNING: ", "kthread-expect: WARNING: ", WARN, WARN)

    def test_excuses_no_other(self) -> None:
        self.check("kthread-expect: Oops", WARN, alarms=1, missing=("Oops",))

    def test_comes_first(self) -> None:
        self.check(WARN, "kthread-expect: WARNING: ", alarms=1, missing=("WARNING:",))

    def test_is_of_no_use_to_the_next_test(self) -> None:
        expect = "kthread-test: a\nkthread-expect: WARNING:\nkthread-test: b"
        self.check(expect, WARN, alarms=1, missing=("WARNING:",))

    def test_bad_pattern_matches_nothing(self) -> None:
        self.check("kthread-expect: WARNING: (", WARN, alarms=1, missing=("WARNING: (",))

    def test_is_no_alarm_itself(self) -> None:
        self.assertEqual(self.log("kthread-expect: BUG: x", "kthread-allow: BUG: x").reports, [])


class Allowed(LogTest):
    TRACE = "vmalloc error: size 16384\nCall Trace:\n <TASK>\n </TASK>"

    def test_excuses_any_number(self) -> None:
        allow = "kthread-test: a\nkthread-allow: ^Call Trace:"
        for traces in ([], [self.TRACE], [self.TRACE, self.TRACE]):
            log = self.log(allow, *traces)
            self.assertEqual((log.alarms, log.missing), ([], []))

    def test_excuses_no_other(self) -> None:
        self.assertEqual(len(self.alarms("kthread-allow: ^Call Trace:", self.TRACE, WARN)), 1)

    def test_is_of_no_use_to_the_next_test(self) -> None:
        allow = "kthread-test: a\nkthread-allow: ^Call Trace:\nkthread-test: b"
        self.assertEqual(len(self.alarms(allow, self.TRACE)), 1)


if __name__ == "__main__":
    unittest.main()
