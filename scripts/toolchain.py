# SPDX-License-Identifier: GPL-2.0
"""The tools that kbuild needs for Rust: rustc's identity, core's source, bindgen, libclang."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import command
import debian
from cache import Cache, Entry, no_space, require_space
from command import Command, CommandError
from debian import Apt
from progress import Step
from settings import Failure

# The LLVM that packages.sh installs.
LLVM = 19
# What Linux 7.3 asks for in scripts/min-tool-version.sh.
OLDEST_RUST = (1, 85)
OLDEST_LLVM = 17
OLDEST_BINDGEN = (0, 71, 1)
BINDGEN = "0.72.1"
BINDGEN_CRATES = 46  # that are compiled for it: turns a count into percent
BINDGEN_SPACE = 300  # MiB
CORE_SPACE = 200  # MiB
NO_LIBCLANG = (
    f"libclang, which bindgen needs, is missing or older than {OLDEST_LLVM}. "
    f"Install libclang1-{LLVM}, or set LIBCLANG_PATH to its folder"
)
# What cargo says when it cannot download.
NO_NETWORK = "[Cc]ould( not|n't) resolve|[Ff]ailed to (connect|download)|network (error|failure)"


@dataclass(frozen=True)
class Rust:
    """The Rust compiler in force for the checkout."""

    version: str  # "1.95.0"
    line: str  # "rustc 1.95.0 (59807616e 2026-04-14)", as the kernel records it
    identity: str  # all that `rustc -vV` says
    sysroot: Path

    @classmethod
    def find(cls, root: Path) -> "Rust":
        """Asks the rustc on PATH, in the checkout, where a rustup override may apply."""
        identity = command.ask("rustc", "-vV", cwd=root)
        release = re.search(r"^release: (\d+\.\d+\.\d+)", identity, re.MULTILINE)
        if not release:
            raise Failure(
                "rustc is missing or does not run: install Rust with rustup, "
                "and see that `rustc -vV` works in this folder"
            )
        if tuple(map(int, release[1].split(".")[:2])) < OLDEST_RUST:
            raise Failure(
                f"rustc {release[1]} is too old for Linux: get "
                f"{'.'.join(map(str, OLDEST_RUST))} or newer with `rustup update`"
            )
        sysroot = command.ask("rustc", "--print", "sysroot", cwd=root)
        return cls(release[1], identity.splitlines()[0], identity, Path(sysroot))

    @property
    def path(self) -> list[str]:
        """What to put on PATH, so that kbuild in another folder gets this very rustc."""
        own = self.sysroot / "bin"
        return [str(own)] if (own / "rustc").exists() and own != Path("/usr/bin") else []


def core_source(rust: Rust, cache: Cache, apt: Apt, step: Step) -> Path:
    """Returns the source of `core` of exactly that rustc: rustup's, else Debian's."""
    rustup = rust.sysroot / "lib/rustlib/src/rust/library"
    if (rustup / "core/src/lib.rs").exists():
        return rustup
    entry = cache.entry("core", rust.version)
    library = entry.dir / "library"
    if entry.complete:
        return library
    with entry.locked(step):
        if entry.complete:
            return library
        entry.reset()
        require_space("the source of core", entry.dir, CORE_SPACE)
        version = _debian_version(rust, apt.versions("rust-src", step))
        step.note("source of core")
        deb = apt.fetch("rust-src", version, step, CORE_SPACE)
        try:
            member = f"usr/src/rustc-{rust.version}/library"
            debian.unpack(deb, member, entry.dir, step, entry.lock_fd)
        except CommandError as error:
            if error.disk_full:
                raise no_space("the source of core", entry.dir, CORE_SPACE) from error
            raise
        deb.unlink()
        entry.finish(f"rust-src {version}\n")
    return library


def _debian_version(rust: Rust, versions: list[str]) -> str:
    for version in versions:
        if re.match(re.escape(rust.version) + r"\b", version):
            return version
    known = ", ".join(version.split("+")[0] for version in versions) or "none"
    raise Failure(
        f"the source of core for {rust.line} is neither in rustup nor in Debian (which has: "
        f"{known}): run `rustup component add rust-src`, or use a rustc that Debian has"
    )


def libclang(preferred: int = LLVM) -> Path | None:
    """Returns the folder of libclang, which bindgen loads: the preferred major, else the newest."""
    if given := os.environ.get("LIBCLANG_PATH"):
        return Path(given)
    found: dict[int, Path] = {}
    for pattern in ("llvm-*/lib", "llvm*/lib64", "*-linux-gnu", "."):
        for base in (Path("/usr/lib"), Path("/usr/lib64")):
            for library in base.glob(f"{pattern}/libclang[-.]*so*"):
                # libclang-19.so.1 or libclang.so.19.1
                major = re.fullmatch(r"libclang(?:-(\d+)\.so.*|\.so\.(\d+).*)", library.name)
                if major:
                    found.setdefault(int(major[1] or major[2]), library.parent)
    usable = [major for major in found if major >= OLDEST_LLVM]
    if not usable:
        return None
    return found[preferred if preferred in usable else max(usable)]


def bindgen_on_path() -> Path | None:
    """Returns the user's own bindgen if the kernel would take it and it finds libclang."""
    found = shutil.which("bindgen")
    if not found:
        return None
    version = re.search(r"bindgen (\d+)\.(\d+)\.(\d+)", command.ask(found, "--version"))
    if not version or tuple(map(int, version.groups())) < OLDEST_BINDGEN:
        return None
    with tempfile.NamedTemporaryFile("w", suffix=".h") as header:
        header.write("extern int probe;\n")
        header.flush()
        runs = "probe" in command.ask(found, header.name, env=libclang_env(libclang()))
    return Path(found) if runs else None


def require_libclang() -> Path:
    """Returns the folder of libclang, which has to be there."""
    found = libclang()
    if found is None:
        raise Failure(NO_LIBCLANG)
    return found


def libclang_env(folder: Path | None) -> dict[str, str]:
    """How bindgen is told where libclang is."""
    return {"LIBCLANG_PATH": str(folder)} if folder else {}


def bindgen_entry(rust: Rust, cache: Cache) -> Entry:
    """Where our own bindgen is or will be."""
    return cache.entry("bindgen", f"{BINDGEN}-rustc-{rust.version}")


def find_bindgen(rust: Rust, cache: Cache) -> Path | None:
    """Returns a bindgen that needs no building."""
    if own := bindgen_on_path():
        return own
    entry = bindgen_entry(rust, cache)
    return entry.dir / "bin/bindgen" if entry.complete else None


@contextmanager
def bindgen(rust: Rust, cache: Cache, step: Step) -> Iterator["BindgenBuild"]:
    """Builds bindgen, where needed, while the caller does something else."""
    if own := find_bindgen(rust, cache):
        yield BindgenBuild(own)
        return
    entry = bindgen_entry(rust, cache)
    with entry.locked(step):
        if entry.complete:
            yield BindgenBuild(entry.dir / "bin/bindgen")
            return
        entry.dir.mkdir(parents=True, exist_ok=True)
        require_space("building bindgen", entry.dir, BINDGEN_SPACE)
        with Command(
            _cargo_install(entry.dir),
            entry.dir / "log",
            cwd=entry.dir,
            env=cargo_env(rust, entry.dir),
            lock_fd=entry.lock_fd,
        ) as cargo:
            yield BindgenBuild(entry.dir / "bin/bindgen", cargo, entry)


@dataclass
class BindgenBuild:
    """A bindgen that is there, or is being built."""

    path: Path
    cargo: Command | None = None
    entry: Entry | None = None

    @property
    def running(self) -> bool:
        """Whether it is being built."""
        return self.cargo is not None

    def finish(self, step: Step) -> Path:
        """Waits until bindgen is there."""
        if self.cargo is None or self.entry is None:
            return self.path
        done = 0

        def watch(text: str) -> None:
            nonlocal done
            done += text.count(" Compiling ")
            step.percent(100 * done / BINDGEN_CRATES, "building bindgen")

        step.log = self.cargo.log
        try:
            self.cargo.wait(step, watch)
        except CommandError as error:
            raise _explain(error, self.entry.dir) from error
        for leftover in ("target", "cargo"):
            shutil.rmtree(self.entry.dir / leftover, ignore_errors=True)
        self.entry.finish(command.ask(self.path, "--version") + "\n")
        return self.path


def _cargo_install(folder: Path) -> list[str | Path]:
    options = ["--locked", "--root", folder, "--target-dir", folder / "target", *cargo_config()]
    return ["cargo", "install", "bindgen-cli", "--version", BINDGEN, *options]


def cargo_config() -> list[str | Path]:
    """The user's mirror or proxy has to work with our CARGO_HOME, too."""
    home = Path(os.environ.get("CARGO_HOME", Path.home() / ".cargo"))
    return ["--config", home / "config.toml"] if (home / "config.toml").exists() else []


def cargo_env(rust: Rust, folder: Path) -> dict[str, str]:
    """The environment in which cargo keeps what it downloads in that folder of the cache."""
    return {
        "PATH": os.pathsep.join([*rust.path, os.environ["PATH"]]),
        "CARGO_HOME": str(folder / "cargo"),  # nothing is written outside the cache
        # Built faster, and fast enough for the few headers it reads.
        "CARGO_PROFILE_RELEASE_OPT_LEVEL": "1",
    }


def _explain(error: CommandError, folder: Path) -> Failure:
    if error.disk_full:
        return no_space("building bindgen", folder, BINDGEN_SPACE)
    if re.search(NO_NETWORK, error.output):
        return Failure(
            "cargo could not download bindgen: check the network and the proxy, then run again; "
            f"or install bindgen {BINDGEN} yourself"
        )
    return Failure(
        f"bindgen {BINDGEN} could not be built; cargo's output is in {folder / 'log'}. "
        "Run again, or install bindgen yourself"
    )
