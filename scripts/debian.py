# SPDX-License-Identifier: GPL-2.0
"""Packages of newer Debian suites, without touching the machine's own package sources.

A private apt configuration in the cache adds the suites below to the mirror that the machine uses
anyway. apt checks the signatures with the keyring that every Debian ships. No root is needed.
"""

import re
from pathlib import Path

import command
from cache import Cache, no_space
from command import CommandError
from progress import Step
from settings import Failure

SUITES = ("trixie-backports", "trixie", "sid")
KEYRING = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
CONFIGURATION = """\
Dir::Etc::SourceList "{state}/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
Dir::State::Lists "{state}/lists";
Dir::State::status "/dev/null";
Dir::Cache "{state}/cache";
APT::Sandbox::User "";
// What the machine does after its own updates is not for ours.
#clear APT::Update::Post-Invoke;
#clear APT::Update::Post-Invoke-Success;
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Acquire::Retries "3";
Acquire::http::Timeout "20";
Acquire::https::Timeout "20";
"""


class Apt:
    """Finds, downloads and unpacks packages."""

    def __init__(self, cache: Cache) -> None:
        self._lock = cache.entry("apt", "state")
        self._state = self._lock.dir
        self._updated = False
        self._trouble = ""  # why not all suites could be read

    def versions(self, package: str, step: Step) -> list[str]:
        """All versions that the suites have, the newest first."""
        self._update(step)
        table = command.ask("apt-cache", "madison", package, env=self._env)
        versions = [line.split("|")[1].strip() for line in table.splitlines() if "|" in line]
        if self._trouble and not versions:
            raise Failure(self._trouble)
        return versions

    def fetch(self, package: str, version: str, step: Step, mebibytes: int) -> Path:
        """Downloads a package and returns the file, which the caller removes when done."""
        archives = self._state / "archives"
        archives.mkdir(parents=True, exist_ok=True)
        with self._lock.locked(step):
            # apt checks what it downloads, but takes a file of the right size as it is.
            for leftover in archives.glob(f"{package}_*.deb"):
                leftover.unlink()
            self._apt_get(["download", f"{package}={version}"], archives, step, mebibytes)
        # apt escapes the colon of an epoch in the file's name.
        return next(archives.glob(f"{package}_{version.replace(':', '%3a')}_*.deb"))

    @property
    def _env(self) -> dict[str, str]:
        return {"APT_CONFIG": str(self._state / "apt.conf")}

    def _update(self, step: Step) -> None:
        """Reads what the suites have, once per run."""
        if self._updated:
            return
        mirror, architecture = mirror_of_machine(), command.ask("dpkg", "--print-architecture")
        for folder in ("lists/partial", "cache/archives/partial"):
            (self._state / folder).mkdir(parents=True, exist_ok=True)
        with self._lock.locked(step):
            options = f"signed-by={KEYRING} arch={architecture} target=Packages"
            (self._state / "sources.list").write_text(
                "".join(f"deb [{options}] {mirror} {suite} main\n" for suite in SUITES)
            )
            (self._state / "apt.conf").write_text(CONFIGURATION.format(state=self._state))
            try:
                self._apt_get(["update"], self._state, step, mebibytes=100)
            except MirrorFailure as failure:
                # A suite may be out of order while the others have all that is asked for.
                self._trouble = str(failure)
        self._updated = True

    def _apt_get(self, arguments: list[str], cwd: Path, step: Step, mebibytes: int) -> None:
        def watch(text: str) -> None:
            # "dlstatus:1:42.5:Retrieving file 1 of 1 (3s remaining)"
            if found := re.findall(r"^dlstatus:\d+:([\d.]+):", text, re.MULTILINE):
                step.percent(float(found[-1]), "downloading")

        try:
            command.run(
                ["apt-get", "-q", "-o", "APT::Status-Fd=1", *arguments],
                self._state / "log",
                step,
                watch,
                cwd=cwd,
                env=self._env,
                lock_fd=self._lock.lock_fd,
            )
        except CommandError as error:
            if error.disk_full:
                raise no_space("a download", self._state, mebibytes) from error
            raise MirrorFailure(explain(error)) from error


class MirrorFailure(Failure):
    """The mirror did not deliver."""


def explain(error: CommandError) -> str:
    """Says in one sentence why apt failed."""
    lines = re.findall(r"^E: (.*)", error.output, re.MULTILINE)
    said = lines[0] if lines else str(error)
    if "signature" in error.output.lower() or "NO_PUBKEY" in error.output:
        cure = "renew the keys with `apt-get install --only-upgrade debian-archive-keyring`"
    else:
        cure = "check the network and the proxy, then run again"
    return f"the Debian mirror did not deliver ({said}): {cure}"


def mirror_of_machine() -> str:
    """The Debian mirror that the machine itself uses."""
    targets = command.ask(
        "apt-get", "indextargets", "--format", "$(REPO_URI)|$(RELEASE)|$(COMPONENT)|$(ORIGIN)"
    )
    release = Path("/etc/os-release").read_text(encoding="utf-8")
    codename = re.search(r"^VERSION_CODENAME=(\w+)", release, re.MULTILINE)
    for line in targets.splitlines():
        uri, suite, component, origin = line.split("|")
        # Before the machine's first `apt-get update` the origin is unknown.
        known = origin == "Debian" or (origin.startswith("$") and codename and suite == codename[1])
        if known and component == "main" and "security" not in suite:
            return uri
    raise Failure(
        "this machine's apt knows no Debian mirror, so there is no kernel source to be had: "
        "give your own kernel build with KDIR=, or use a Debian machine"
    )


def unpack(deb: Path, member: str, into: Path, step: Step, lock_fd: int) -> None:
    """Unpacks one file or folder of a package, without the folders that lead to it."""
    step.note("unpacking")
    command.run(
        [
            "bash",
            "-o",
            "pipefail",
            "-c",
            'dpkg-deb --fsys-tarfile "$1" | tar -x -C "$2" --strip-components="$3" "./$4"',
            "unpack",
            deb,
            into,
            str(len(Path(member).parts)),
            member,
        ],
        into / "unpack.log",
        step,
        lock_fd=lock_fd,
    )
