# SPDX-License-Identifier: GPL-2.0
"""How fast the host's time stamp counter is, which QEMU without KVM shows to the guest.

On a loaded host a booting kernel measures it wrongly, by up to ten times, and so is its clock.
"""

import ctypes
import functools
import mmap
import platform
import time

# rdtsc; shl $32, %rdx; or %rdx, %rax; ret
READ = bytes.fromhex("0f31 48c1e220 4809d0 c3")
MEASURED = 0.1  # seconds
TRIES = 50  # for one that nothing comes between


@functools.cache
def tsc_khz() -> int | None:
    """Measures it; None where there is no such counter, or no way to read it."""
    if platform.machine() != "x86_64":
        return None
    try:
        code = mmap.mmap(-1, len(READ), prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    except OSError:  # forbidden by a security policy
        return None
    code.write(READ)
    address = ctypes.addressof(ctypes.c_char.from_buffer(code))
    read = ctypes.CFUNCTYPE(ctypes.c_uint64)(address)
    begin, end = _moment(read), (time.sleep(MEASURED), _moment(read))[1]
    return round((end[1] - begin[1]) * 1_000_000 / (end[0] - begin[0]))


def _moment(read: "ctypes._FuncPointer") -> tuple[int, int]:
    """The time in nanoseconds, and the counter at that time."""
    best = (1 << 62, 0, 0)
    for _ in range(TRIES):
        before = time.monotonic_ns()
        counter = read()
        after = time.monotonic_ns()
        best = min(best, (after - before, (before + after) // 2, counter))
    return best[1:]
