# SPDX-License-Identifier: GPL-2.0
"""`make run`: boots the kernel and shows the samples, or the one named by SAMPLE."""

import guest
from guest import Job
from kernel_log import KernelLog
from settings import Failure, Settings, run_main

LIMIT = 60  # seconds


def main(settings: Settings) -> None:
    """Fails if a sample does not do what tests/guest/samples says, or if the kernel complains."""
    variables = {"sample": chosen_sample(settings)} if settings.sample else {}
    job = Job("run", LIMIT, variables=variables)
    machine, progress = guest.prepare(settings, more_steps=1)
    with progress.step("Guest") as step:
        step.log = machine.console(job)
        result = machine.run(job, step.say, step.show)
        if result.trouble:
            raise Failure(f"{result.trouble}; the guest's output is in {result.log}")
        if alarms := KernelLog(result.console).alarms:
            raise Failure(f"the kernel complained: {alarms[0]}; see {result.console}")


def chosen_sample(settings: Settings) -> str:
    """The sample that SAMPLE names."""
    known = sorted(path.stem for path in (settings.root / "tests/guest/samples").glob("*.sh"))
    if settings.sample not in known:
        raise Failure(f"SAMPLE={settings.sample} is unknown: choose one of {', '.join(known)}")
    return settings.sample


if __name__ == "__main__":
    run_main(main)
