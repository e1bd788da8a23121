# SPDX-License-Identifier: GPL-2.0
"""Boots a kernel under QEMU, runs one job of tests/guest in it, and gathers its logs.

The kernel logs to the first serial port, the job talks through the second one. A guest that did
its job says so there (`init` prints the closing marker) and then powers off; nothing else counts,
unless the log says that the machine is to be reset: then it must be.
"""

import fcntl
import os
import platform
import re
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import TextIO

import command
import host_clock
import kernel_build
import modules
import preflight
from cache import Cache
from kernel_build import Kernel
from kernel_log import messages
from progress import Progress
from settings import Failure, Settings

CPUS = 4
NODES = 2
BUSYBOX = Path("/bin/busybox")
KVM = Path("/dev/kvm")
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
PROBE_LIMIT = 5  # seconds in which a guest boots if KVM works
SLOWDOWN = 4  # of a kernel that checks each memory access or each lock
MARKER = re.compile(r"kthread-guest: status (\d+)")
POWER_DOWN = "reboot: Power down"
# What a job writes to the kernel's log before it has the machine reset.
RESETS = "kthread-resets: "
# Without these there is no guest that could say what is missing.
REQUIRED = ("BINFMT_ELF", "BINFMT_SCRIPT", "BLK_DEV_INITRD", "DEVTMPFS", "PROC_FS", "SYSFS", "TTY")
# kmemleak misses what a per-CPU cache of the allocator (a sheaf) once held, as it scans those, with
# stale pointers in them. Caches that are being debugged have none.
KMEMLEAK = "slab_debug=F"
# 2^SHIFT ns for each instruction: with fewer, there would be more of them in each second of the
# clock.
SHIFT = 4
COUNTED_KHZ = 1_000_000  # what it would find out itself is some percent off
# What the samples drive. The one does DMA to any address that a guest of up to 4 GiB has.
DEVICES = ("edu,dma_mask=0xffffffff", "i6300esb")
PARAMETERS = (
    "panic=-1",
    "ignore_loglevel",
    "printk.devkmsg=on",  # do not drop what a job writes to the log
    "kunit.enable=1",
    "kunit.autorun=1",
    # Not the kernel's own suites: one of them expects what PREEMPT_RT does not do, and warns.
    "kunit.filter_glob=kthread_*",
)


@dataclass(frozen=True)
class Job:
    """What one guest is booted for."""

    name: str  # tests/guest/jobs/<name>.sh
    limit: float  # seconds, on a fast kernel, after which the guest counts as hung
    variables: Mapping[str, str] = field(default_factory=dict)  # that the job finds set
    parameters: tuple[str, ...] = ()  # for the kernel
    boot_tests: tuple[Path, ...] = ()
    bound: int = 0  # seconds, on a fast kernel, that each of them may take on top of the limit
    tree: Path | None = None  # that becomes a part of the guest's root
    script: str = ""  # for the job "shell"
    kmemleak: bool = False  # takes time even where nobody asks for a scan
    title: str = ""  # names the logs, if the job's name is not enough
    one_thread: bool = False  # without KVM, all CPUs take turns in one thread of the host
    counted: bool = False  # one CPU, whose clock counts its instructions, and skips what is idle
    shift: int = SHIFT  # of that clock
    plugin: str = ""  # of QEMU, with its arguments


class End(Enum):
    """How a guest ended."""

    POWERED_OFF = "powered off by itself"
    RESET = "was reset, as its log had said"
    TIMED_OUT = "was ended because its time was over"
    DIED = "ended without powering off"


@dataclass(frozen=True)
class Run:
    """What became of one guest."""

    end: End
    detail: str  # why it did not power off by itself, if so
    status: int | None  # the job's exit status, if it came to its end
    console: Path  # the kernel's log
    log: Path  # what the job said
    seconds: float

    @property
    def trouble(self) -> str:
        """Why the run is not a good one, "" if it is."""
        if self.end is not End.POWERED_OFF:
            return self.detail  # "" after a reset, which nothing of the job can follow
        if self.status is None:
            return "the guest powered off before its job was done"
        return f"the job failed with status {self.status}" if self.status else ""


class Guest:
    """A kernel and its modules; each job gets a boot of its own."""

    def __init__(self, settings: Settings, kernel: Kernel, folder: Path) -> None:
        self.settings = settings
        self.kernel = kernel
        self.modules = folder
        self.logs = settings.build / "log"
        self.config = preflight.read_config(kernel.dir)
        qemu = settings.machine.qemu
        if shutil.which(qemu) is None:
            raise Failure(f"{qemu} is not installed: install it, then run again")
        if not kernel.image.exists():
            raise Failure(f"{kernel.image} is missing: build the kernel itself, then run again")
        missing = [name for name in REQUIRED if self.config.get(f"CONFIG_{name}") != "y"]
        if missing:
            raise Failure(
                f"the kernel in {kernel.dir} cannot run a guest: set {', '.join(missing)} "
                "to y in its configuration and build it again"
            )

    @cached_property
    def accel(self) -> str:
        """How QEMU runs the guest's code."""
        return self.settings.accel or self._probe()

    @property
    def has_kmemleak(self) -> bool:
        """Whether the kernel can look for leaks."""
        return "CONFIG_DEBUG_KMEMLEAK" in self.config

    @property
    def cpus(self) -> int:
        """How many there are, but for a guest that is counted."""
        return CPUS if "CONFIG_SMP" in self.config else 1

    @property
    def nodes(self) -> int:
        """How many there are, each with its share of CPUs and memory, and a socket."""
        return NODES if "CONFIG_NUMA" in self.config else 1

    @property
    def slowdown(self) -> int:
        """How much longer than a fast kernel this one takes."""
        slow = "CONFIG_KASAN" in self.config or "CONFIG_PROVE_LOCKING" in self.config
        return SLOWDOWN if slow else 1

    def run(
        self,
        job: Job,
        say: Callable[[str], None] = lambda line: None,
        idle: Callable[[], None] = lambda: None,
    ) -> Run:
        """Boots, runs the job and waits for the end.

        Each line of the job is handed to `say` as it comes; `idle` is called every now and then.
        """
        limit = (job.limit + job.bound * len(job.boot_tests)) * self.slowdown
        return self._run(job, self.accel, limit, say, idle)

    def interact(self, job: Job) -> int:
        """Runs the job with the user's terminal as the second port; returns QEMU's status."""
        console = self.console(job)
        with self._initramfs(job) as initramfs:
            argv = self._qemu(job, self.accel, initramfs, console, terminal="signal=off,mux=on")
            with _ended(subprocess.Popen(argv)) as process:
                return process.wait()

    def _run(
        self,
        job: Job,
        accel: str,
        limit: float,
        say: Callable[[str], None] = lambda line: None,
        idle: Callable[[], None] = lambda: None,
    ) -> Run:
        console, log = self.console(job), self._log_path(job, "log")
        complaints = self._log_path(job, "qemu.log")
        start = time.monotonic()
        status = None
        timed_out = False
        with (
            _emptied(log) as file,
            _emptied(console),
            self._initramfs(job) as initramfs,
            open(complaints, "wb") as stderr,
            _ended(
                subprocess.Popen(
                    self._qemu(job, accel, initramfs, console),
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=stderr,
                )
            ) as process,
        ):
            for line in _lines(process):
                if not timed_out and time.monotonic() - start > limit:
                    timed_out = True
                    process.kill()
                if line is None:
                    idle()
                    continue
                file.write(f"{line}\n")
                if marker := MARKER.fullmatch(line):
                    status = int(marker[1])
                else:
                    say(line)
            code = None if timed_out else process.wait()
        end, detail = _judge_end(code, limit, console, complaints)
        return Run(end, detail, status, console, log, time.monotonic() - start)

    def console(self, job: Job) -> Path:
        """Where the kernel's log of that job goes."""
        return self._log_path(job, "console.log")

    def _log_path(self, job: Job, suffix: str) -> Path:
        self.logs.mkdir(parents=True, exist_ok=True)
        return self.logs / f"{job.title or job.name}.{suffix}"

    @contextmanager
    def _initramfs(self, job: Job) -> Iterator[Path]:
        """An archive with busybox, tests/guest, the modules and what the job needs."""
        if not BUSYBOX.exists():
            raise Failure(f"{BUSYBOX} is missing: install the package busybox-static")
        with tempfile.TemporaryDirectory(prefix="kthread-") as temporary:
            root = Path(temporary, "root")
            shutil.copytree(
                self.settings.root / "tests/guest", root, ignore=shutil.ignore_patterns("config")
            )
            _copy([BUSYBOX], root / "bin")
            _copy(self.modules.glob("*.ko"), root / "modules")
            if "CONFIG_DEBUG_INFO" in self.config:
                # Ten times as much to be unpacked, and read by each insmod.
                command.ask("strip", "--strip-debug", *(root / "modules").glob("*.ko"))
            _copy(job.boot_tests, root / "boot-tests")
            if job.tree:
                shutil.copytree(job.tree, root, dirs_exist_ok=True)
            if job.script:
                (root / "script").write_text(job.script, encoding="utf-8")
            yield _pack(root, Path(temporary, "initramfs"))

    def _qemu(
        self, job: Job, accel: str, initramfs: Path, console: Path, terminal: str = "mux=off"
    ) -> list[str]:
        machine = self.settings.machine
        parameters = [f"console={machine.consoles[0]}", *PARAMETERS, *machine.parameters]
        rate = COUNTED_KHZ if job.counted else host_clock.tsc_khz() if accel == "tcg" else None
        if rate and machine.clock_rate:
            parameters.append(f"{machine.clock_rate}={rate}")
        parameters += job.parameters
        if self.has_kmemleak:
            parameters.append(KMEMLEAK if job.kmemleak else "kmemleak=off")
        variables = {"job": job.name, "port": machine.consoles[1], **job.variables}
        if job.boot_tests:
            variables["bound"] = str(job.bound * self.slowdown)
        parameters += [f"kthread.{name}={value}" for name, value in variables.items()]
        tcg = f"tcg,thread={'single' if job.one_thread or job.counted else 'multi'}"
        return [
            *("setpriv", "--pdeathsig", "KILL"),  # QEMU does not outlive us, whatever happens
            machine.qemu,
            *machine.machine,
            *("-accel", tcg if accel == "tcg" or job.counted else accel),
            *(_counting(job.shift) if job.counted else ()),
            *(("-plugin", job.plugin) if job.plugin else ()),
            *("-smp", "1" if job.counted else f"{self.cpus},sockets={self.nodes}"),
            *("-m", f"{self.settings.flavour.memory}M"),
            *(() if job.counted else self._numa()),
            *("-nodefaults", "-no-user-config", "-no-reboot", "-display", "none"),
            *(word for device in DEVICES for word in ("-device", device)),
            *("-kernel", str(self.kernel.image), "-initrd", str(initramfs)),
            *("-append", " ".join(parameters)),
            *("-serial", f"file:{console}"),
            *("-chardev", f"stdio,id=port,{terminal}", "-serial", "chardev:port"),
        ]

    def _numa(self) -> Iterator[str]:
        """What gives each node its share, where there are several."""
        cpus, memory = self.cpus // self.nodes, self.settings.flavour.memory // self.nodes
        for node in range(self.nodes if self.nodes > 1 else 0):
            first = cpus * node
            yield from ("-object", f"memory-backend-ram,id=node{node},size={memory}M")
            yield from ("-numa", f"node,memdev=node{node},cpus={first}-{first + cpus - 1}")

    def _probe(self) -> str:
        """KVM if it boots this kernel, else TCG: a /dev/kvm that opens may still never boot one."""
        qemu = self.settings.machine.qemu
        if not (os.access(KVM, os.R_OK | os.W_OK) and qemu.endswith(platform.machine())):
            return "tcg"
        version = re.search(r"version (\S+)", command.ask(qemu, "--version"))
        cache = Cache(self.settings.cache)
        name = f"accel-{BOOT_ID.read_text().strip()}-{version[1] if version else 'unknown'}"
        known = cache.recall(name)
        if known is not None:
            return known
        run = self._run(Job("probe", PROBE_LIMIT), "kvm", PROBE_LIMIT)
        accel = "tcg" if run.trouble else "kvm"
        cache.forget("accel-*")
        cache.remember(name, accel)
        return accel


def prepare(settings: Settings, more_steps: int) -> tuple[Guest, Progress]:
    """Builds everything that a guest needs; the caller goes on with the steps of its own."""
    # The Makefile has installed packages: step 1. With KDIR, there is no source to be unpacked.
    progress = Progress(total=(4 if settings.kdir else 5) + more_steps)
    kernel = kernel_build.prepare(settings, progress)
    return Guest(settings, kernel, modules.build(settings, kernel, progress)), progress


@contextmanager
def _emptied(log: Path) -> Iterator[TextIO]:
    """A log that is ours alone: two runs that share one would be judged by each other's lines."""
    with open(log, "a", encoding="utf-8") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Failure(f"another run writes {log}: run again when it has ended") from error
        file.truncate(0)
        yield file


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """Ends the process if it still runs when the block is left."""
    with process:
        try:
            yield process
        finally:
            process.kill()


def _lines(process: subprocess.Popen[bytes]) -> Iterator[str | None]:
    """Each line of the output as it comes, and None now and then, so that the caller can act."""
    assert process.stdout is not None
    pending = b""
    while True:
        readable, _, _ = select.select([process.stdout], [], [], 0.2)
        data = os.read(process.stdout.fileno(), 65536) if readable else b""
        if readable and not data:
            break
        *lines, pending = (pending + data).split(b"\n")
        for line in lines:
            yield line.decode(errors="replace").rstrip("\r")
        yield None
    if pending:
        yield pending.decode(errors="replace")


def _counting(shift: int) -> tuple[str, ...]:
    """Has the clock count instructions."""
    return ("-icount", f"shift={shift},sleep=off", "-rtc", "clock=vm")


def _judge_end(code: int | None, limit: float, console: Path, complaints: Path) -> tuple[End, str]:
    """How the guest ended, and in words why that is not the way it should; code is QEMU's."""
    kernel_log = console.read_text(encoding="utf-8", errors="replace")
    last_words = f'; the last line of its log is "{_last_line(kernel_log)}"'
    if not kernel_log.strip():
        last_words = "; its log is empty: has the kernel a driver for the serial console?"
    if code is None:
        return End.TIMED_OUT, f"the guest did not power off within {limit:g} s{last_words}"
    if code != 0:
        said = _last_line(complaints.read_text(errors="replace"))
        return End.DIED, f"QEMU ended with status {code}: {said}"
    resets = any(line.startswith(RESETS) for line in messages(console))
    if resets and POWER_DOWN in kernel_log:
        return End.DIED, "the machine was to be reset, but the guest powered off"
    if resets:
        return End.RESET, ""
    if POWER_DOWN not in kernel_log:
        return End.DIED, f"the guest ended, but not by powering off{last_words}"
    return End.POWERED_OFF, ""


def _last_line(text: str) -> str:
    return text.rstrip().rpartition("\n")[2].strip()


def _copy(files: Iterator[Path] | tuple[Path, ...] | list[Path], folder: Path) -> None:
    folder.mkdir()
    for file in files:
        shutil.copy(file, folder)


def _pack(root: Path, archive: Path) -> Path:
    """Uncompressed: the guest would take longer to unpack it than to read it."""
    names = "\0".join(str(path.relative_to(root)) for path in sorted(root.rglob("*")))
    with open(archive, "wb") as file:
        argv = ["cpio", "--create", "--format=newc", "--owner=0:0", "--null", "--quiet"]
        try:
            subprocess.run(argv, input=names.encode(), stdout=file, cwd=root, check=True)
        except FileNotFoundError as error:
            raise Failure("cpio is not installed: install it, then run again") from error
    return archive
