# SPDX-License-Identifier: GPL-2.0
"""Tests of bench.py and what it is made of, with a guest that only pretends."""

import json
import unittest
from unittest import mock

import support
import bench
import bench_plot
import bench_size
import bench_wall
import bench_where
import guest
from bench_figures import Cost, Operation, memory_table, read_log, read_memory, table
from guest import End, Job, Run
from settings import Failure, Settings
from verdict import Check

LOG = """
[    0.1] twin_bench: sleep x10: 1000 1000 1100 9000
[    0.2] kthread_bench: sleep x10: 1050 1050 1050 9000
[    0.3] twin_bench: only_in_c x10: 1
[    0.3] twin_bench: items_10 x10: 1000
[    0.3] kthread_bench: items_10 x10: 2000
[    0.4] kthread_bench: memory work: 64 bytes, 1.5 times
"""

SIZE = """
echo '   text    data     bss     dec     hex filename'
for file; do echo "   1000      20       3    1023     3ff $file"; done
"""


def operation(name: str, rust: float, c: float = 100) -> Operation:
    return Operation(name, Cost((rust,)), Cost((c,)))


class Main(support.Sandbox):
    def setUp(self) -> None:
        super().setUp()
        self.fake("gnuplot", "echo '<svg/>'")
        self.write("tests/bench/ratios.txt", "# What it is.\n\nsleep 1.000\n")
        self.verdict = [Check("guest", "powers off by itself", True)]
        self.write("tests/twins/poller.c")
        for name in ("rust_kthread", "kthread_poller", "twin_poller"):
            self.write(f"{name}.ko")
        self.fake("size", SIZE)
        self.machine = mock.Mock(kernel=None, modules=self.dir)
        self.machine.console.return_value = self.dir / "console.log"
        self.machine.run.side_effect = self.pretend

    def pretend(self, job: Job, *_: object) -> Run:
        self.job = job
        return Run(End.POWERED_OFF, "", 0, self.write("console.log", LOG), self.dir / "log", 1.0)

    def settings(self, **environ: str) -> Settings:
        settings = Settings.from_environ({"HOME": "/h", **environ}, self.dir)
        settings.build.mkdir(parents=True, exist_ok=True)
        self.machine.settings = settings
        return settings

    def run_main(self, *arguments: str, **environ: str) -> Settings:
        settings = self.settings(**environ)
        with (
            mock.patch.object(guest, "prepare", return_value=(self.machine, self.progress)),
            mock.patch.object(bench, "judge", lambda *_: self.verdict),
            mock.patch("sys.argv", ["bench.py", *arguments]),
            mock.patch("sys.stdout", self.screen),
        ):
            bench.main(settings)
        return settings

    def test_green(self) -> None:
        build = self.run_main().build
        self.assertTrue(self.job.counted)
        self.assertEqual(self.job.shift, 0)
        self.assertEqual(self.job.variables["rounds"], str(bench.ROUNDS))
        everything = json.loads((build / "bench.json").read_text())
        (figures,) = everything["operations"]
        (growth,) = everything["growth"]
        self.assertEqual((growth["name"], growth["ratio"]), ("items_10", 2.0))
        (memory,) = everything["memory"]
        self.assertEqual((memory["name"], memory["bytes"]), ("work", 64))
        self.assertEqual(everything["sizes"][1]["name"], "kthread_poller")
        self.assertEqual((figures["name"], figures["ratio"]), ("sleep", 1.0))
        self.assertEqual((build / "bench.svg").read_text(), "<svg/>\n")
        self.assertIn("sleep", self.screen.getvalue())

    def test_record(self) -> None:
        self.run_main("record")
        path = self.dir / "tests/bench/ratios.txt"
        self.assertEqual(path.read_text(), "# What it is.\n\nsleep 1.000\n")
        self.assertEqual(bench.recorded(path), {"sleep": 1.0})

    def test_bad_verdict(self) -> None:
        self.verdict = [Check("kernel log", "no alarm", False, "Oops")]
        with self.assertRaisesRegex(Failure, "no alarm: Oops"):
            self.run_main()

    def test_not_where_checks_cost_more(self) -> None:
        with self.assertRaisesRegex(Failure, "KERNEL=debug"):
            self.run_main(KERNEL="debug")

    def test_unknown_argument(self) -> None:
        with self.assertRaisesRegex(Failure, "fast"):
            self.run_main("fast")

    def hold(self, **environ: str) -> list[Check]:
        self.settings(**environ)
        with mock.patch.object(bench, "judge", lambda *_: self.verdict):
            return bench.hold(self.machine, self.step())

    def test_short_form(self) -> None:
        self.assertEqual([check.passed for check in self.hold()], [True, True])
        self.assertEqual(self.job.variables["rounds"], str(bench.FEW_ROUNDS))
        self.assertEqual(self.hold(KERNEL="debug"), [])
        self.assertEqual(self.hold(KDIR="/k"), [])

    def test_wall(self) -> None:
        log = LOG
        for module, count in (("twin_bench", 5), ("kthread_bench", 6)):
            log += f"[    0.5] {module}: woken within 2^12 ns: {count}\n"
        self.fake("gnuplot", "cat")
        with (
            mock.patch.object(bench_wall, "judge", lambda *_: self.verdict),
            mock.patch(f"{__name__}.LOG", log),
        ):
            build = self.run_main("wall").build
        self.assertFalse(self.job.counted)
        self.assertIn("$data << EOD\n4.1 6 5\nEOD\n", (build / "latency.svg").read_text())
        self.assertIn("nanoseconds", self.screen.getvalue())

    def test_where(self) -> None:
        self.fake("cc", 'while [ $# -gt 1 ]; do [ "$1" = -o ] && echo >"$2"; shift; done')
        self.write("System.map", "ffffffff81000000 T schedule\n")
        self.machine.kernel = mock.Mock(dir=self.dir)
        build = self.settings().build
        (build / "where.counts").write_text("ffffffff81000004 10\n\n" * 8)
        self.run_main("where")
        self.assertEqual(self.job.plugin, f"{build}/where.so,out={build}/where.counts")
        self.assertEqual(self.job.variables["symbols"], "yes")
        self.assertIn("     1.0      1.0     +0.0  (sum)\n", (build / "where.txt").read_text())


class Where(support.Sandbox):
    LOG = (
        "twin_bench: sleep x10: 1 1",
        "twin_bench: idle x1: 1",
        "kthread_bench: sleep x10: 1",
        "kthread_bench: idle x1: 1",
        "symbol 0000000000000200 t soak\t[twin_bench]",
        "symbol 0000000000000300 t _RNvC5crate3run\t[kthread_bench]",
    )
    COUNTS = "100 7\n104 7\n\n100 9\n104 9\n\n200 1\n\n104 20\n300 20\n\n100 1\n\n"

    def test_read(self) -> None:
        self.fake("c++filt", "echo schedule; echo crate::run")
        # What soaks up idle time is in the figures of `idle`.
        (sleep,) = bench_where.read(self.COUNTS, self.LOG, ["0000000000000100 T schedule"])
        self.assertEqual(sleep.c, {"schedule": 1.6})
        self.assertEqual(sleep.rust, {"schedule": 2.0, "crate::run": 2.0})

    def test_largest_differences_first(self) -> None:
        where = bench_where.Where("sleep", {"a": 5, "b": 9, "c": 1}, {"a": 4, "c": 0.9})
        lines = [line.split() for line in bench_where.table(where).splitlines()]
        self.assertEqual(lines[0], ["Rust", "C", "more", "sleep"])
        self.assertEqual([line[3] for line in lines[1:3]], ["b", "a"])
        self.assertEqual(lines[3], ["1.0", "0.9", "+0.1", "(all", "others)"])
        self.assertEqual(lines[4], ["15.0", "4.9", "+10.1", "(sum)"])

    def build(self, version: str) -> str:
        self.fake("qemu-system-x86_64", f"echo QEMU emulator version {version}")
        settings = Settings.from_environ({"HOME": "/h"}, self.dir)
        settings.build.mkdir(parents=True, exist_ok=True)
        return bench_where.build(settings, self.step()).read_text()

    def test_interface_of_the_plugin(self) -> None:
        self.fake("cc", 'all=$*; while [ $# -gt 2 ]; do shift; done; echo "$all" >"$1"')
        self.assertIn("-DVERSION=1", self.build("7.2.22"))
        self.assertIn("-DVERSION=2", self.build("10.0.2"))

    def test_does_not_compile(self) -> None:
        self.fake("cc", "exit 1")
        with self.assertRaisesRegex(Failure, "cc failed with status 1: .*where.log"):
            self.build("7.2")


class Compare(unittest.TestCase):
    def reasons(self, *operations: Operation, **limits: float) -> dict[str, str]:
        return {check.name: check.reason for check in bench.compare(list(operations), limits)}

    def test_within(self) -> None:
        self.assertEqual(self.reasons(operation("sleep", 104.9), sleep=1.0), {"sleep": ""})

    def test_too_slow(self) -> None:
        reasons = self.reasons(operation("sleep", 105.1), sleep=1.0)
        self.assertEqual(reasons["sleep"], "costs 1.051 of C, and 1.000 when recorded")

    def test_not_recorded_not_measured(self) -> None:
        reasons = self.reasons(operation("new", 1), old=1.0)
        self.assertIn("is not recorded", reasons["new"])
        self.assertEqual(reasons["old"], "was not measured")


class Figures(unittest.TestCase):
    def test_log(self) -> None:
        lines = [line.partition("] ")[2] for line in LOG.splitlines()]
        (sleep, items) = read_log(lines, shift=1)
        self.assertEqual((sleep.number, items.number), (None, 10))
        self.assertEqual(sleep.c.rounds, (50, 50, 55, 450))
        self.assertEqual(sleep.c.usual, 52.5)
        self.assertEqual(sleep.ratio, 1.0)

    def test_one_round(self) -> None:
        self.assertEqual((Cost((7,)).usual, Cost((7,)).spread), (7, 0))

    def test_memory(self) -> None:
        lines = [line.partition("] ")[2] for line in LOG.splitlines()]
        (_, line) = memory_table(read_memory(lines)).splitlines()
        self.assertEqual(line.split(), ["work", "in", "Rust", "64", "1.5"])

    def test_table(self) -> None:
        (line,) = table([operation("sleep", 110)]).splitlines()[1:]
        self.assertEqual(line.split(), ["sleep", "110.0", "0.0%", "100.0", "0.0%", "1.100"])


class Sizes(support.Sandbox):
    def test_what_is_there(self) -> None:
        self.fake("size", SIZE)
        for name in ("rust_kthread", "kthread_poller", "kthread_other"):
            self.write(f"{name}.ko")
        sizes = bench_size.read(self.dir, ["poller", "gone"])
        self.assertEqual([size.name for size in sizes], ["rust_kthread", "kthread_poller"])
        self.assertEqual((sizes[0].text, sizes[0].data), (1000, 23))
        self.assertIn("kthread_poller", bench_size.table(sizes))


class Plot(support.Sandbox):
    def test_data(self) -> None:
        self.fake("gnuplot", "cat")
        path = bench_plot.ratios([operation("sleep", 110)], self.dir / "plot.svg")
        self.assertIn('"sleep" 1.1000\n', path.read_text())

    def test_growth(self) -> None:
        self.fake("gnuplot", "cat")
        operations = [operation("items_1", 7), operation("items_10", 8)]
        drawn = bench_plot.growth(operations, self.dir / "plot.svg").read_text()
        self.assertIn("$items_Rust << EOD\n1 7.0\n10 8.0\nEOD\n$items_C << EOD\n1 100.0\n", drawn)
        self.assertIn('$items_C with linespoints title "items, C"', drawn)

    def test_failure(self) -> None:
        self.fake("gnuplot", "echo 'no terminal' >&2; exit 1")
        with self.assertRaisesRegex(Failure, "no terminal"):
            bench_plot.ratios([], self.dir / "plot.svg")

    def test_missing(self) -> None:
        self.set_environ(PATH=str(self.bin))
        with self.assertRaisesRegex(Failure, "install gnuplot-nox"):
            bench_plot.ratios([], self.dir / "plot.svg")


if __name__ == "__main__":
    unittest.main()
