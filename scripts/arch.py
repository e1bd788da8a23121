# SPDX-License-Identifier: GPL-2.0
"""What differs between architectures, in one table; nothing else may assume one of them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Arch:
    """One architecture, as kbuild and as QEMU name its parts."""

    name: str  # as ARCH= says it; also names tests/guest/config/<name>.config
    kbuild: str  # the kernel's own name for it
    image: str  # what QEMU boots, below the kernel build folder; also the make target
    qemu: str  # the emulator's command
    machine: tuple[str, ...]  # its board and CPU
    consoles: tuple[str, str]  # first and second serial port, below /dev
    parameters: tuple[str, ...] = ()  # for the kernel
    clock_rate: str = ""  # the parameter that tells it how fast the host's counter is


ARCHES = {
    arch.name: arch
    for arch in (
        Arch(
            name="x86_64",
            kbuild="x86_64",
            # Uncompressed, entered through PVH: boots in half of bzImage's time.
            image="vmlinux",
            qemu="qemu-system-x86_64",
            # Without PCI hotplug, ACPI has less to interpret: a debug kernel boots twice as fast.
            machine=("-global", "PIIX4_PM.acpi-root-pci-hotplug=off", "-cpu", "max"),
            consoles=("ttyS0", "ttyS1"),
            # When a booting kernel changes its clock, the watchdog of the old one may wait forever
            # for a stopped CPU, with interrupts off: on a loaded machine one boot in 100 hangs.
            # There a timer may also take too long for the kernel to believe that it works.
            parameters=("tsc=nowatchdog", "no_timer_check"),
            clock_rate="tsc_early_khz",
        ),
    )
}
