# SPDX-License-Identifier: GPL-2.0
"""`make shell`: a shell in the guest, with the modules at hand.

Commands that come through a pipe are run as a script: echo 'ls; poweroff -f' | make shell
"""

import shutil
import sys

import guest
from guest import End, Guest, Job
from settings import Failure, Settings, run_main

SCRIPT_LIMIT = 3600  # seconds
WELCOME = """
A shell in the guest; modules are in /modules, the kernel's log is shown by dmesg.
To leave: exit, poweroff -f, or Ctrl-A X, which ends a guest that hangs.
"""


def main(settings: Settings) -> int:
    """Returns what the script returned, or whether QEMU was content."""
    machine, _ = guest.prepare(settings, more_steps=0)
    if sys.stdin.isatty():
        print(WELCOME, flush=True)
        size = shutil.get_terminal_size()
        variables = {"rows": str(size.lines), "columns": str(size.columns)}
        return machine.interact(Job("shell", limit=0, variables=variables, kmemleak=True))
    return run_script(machine, sys.stdin.read())


def run_script(machine: Guest, script: str) -> int:
    """Runs the commands and shows what they print."""
    job = Job("shell", SCRIPT_LIMIT, script=script, kmemleak=True)
    result = machine.run(job, lambda line: print(line, flush=True))
    if result.end is not End.POWERED_OFF:
        raise Failure(f"{result.detail}; see {result.console}")
    return result.status or 0  # a script that powered off has no status


if __name__ == "__main__":
    run_main(main)
