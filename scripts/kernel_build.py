# SPDX-License-Identifier: GPL-2.0
"""A kernel to build modules against: the cached one, built when needed, or the user's own."""

import hashlib
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import command
import kernel_source
import preflight
import toolchain
from cache import Cache, Entry, no_space, require_space
from command import CommandError
from debian import Apt
from kernel_source import Source
from preflight import Compiler, Tools
from progress import Progress, Step
from settings import Failure, Settings, run_main
from toolchain import LLVM, Rust

CONFIG = "tests/guest/config"
RUST_WEIGHT = 10  # times that a Rust command of the build takes longer than any other


@dataclass
class Kernel:
    """A kernel build and how to run make against it."""

    dir: Path  # usable as KDIR
    source: Path | None
    image: Path  # what QEMU boots
    release: str
    key: str  # its identity, for caching
    env: dict[str, str] = field(default_factory=dict)
    make: list[str] = field(default_factory=list)


def prepare(settings: Settings, progress: Progress) -> Kernel:
    """Returns the kernel that the settings ask for."""
    if settings.kdir is not None:
        return _users_kernel(settings, settings.kdir, progress)
    cache = Cache(settings.cache)
    rust = Rust.find(settings.root)
    apt = Apt(cache)

    def get_source() -> Source:
        with progress.step(f"Linux {settings.series} source") as step:
            return kernel_source.prepare(settings.series, cache, apt, step)

    source = None
    with progress.step("Rust toolchain") as step, toolchain.bindgen(rust, cache, step) as bindgen:
        core = toolchain.core_source(rust, cache, apt, step)
        if bindgen.running:
            source = get_source()  # downloads while cargo compiles
        env = _environment(rust, bindgen.finish(step), core, toolchain.libclang())
    source = source or get_source()
    with progress.step(f"Linux {source.version.split('-')[0]} kernel, {settings.kernel}") as step:
        return _built_kernel(settings, cache, source, rust, env, step)


def _users_kernel(settings: Settings, kdir: Path, progress: Progress) -> Kernel:
    """Checks the kernel that KDIR names; nothing is built before it has been found fit."""
    progress.total -= 1  # there is no source to get
    with progress.step(f"Kernel build {kdir}"):
        preflight.require(kdir, Tools.find(settings))
    compiler = Compiler.of(preflight.read_config(kdir))
    cache = Cache(settings.cache)
    rust = Rust.find(settings.root)
    with progress.step("Rust toolchain") as step, toolchain.bindgen(rust, cache, step) as bindgen:
        path = bindgen.finish(step)
    source = (kdir / "source").resolve()
    return Kernel(
        dir=kdir,
        source=source if source.is_dir() else None,
        image=kdir / settings.machine.image,
        release=preflight.read_release(kdir),
        key=_digest(str(kdir), (kdir / "include/config/auto.conf").read_text(), rust.identity),
        env=_environment(rust, path, None, toolchain.libclang(compiler.llvm or LLVM)),
        make=[f"ARCH={settings.machine.kbuild}", *compiler.make],
    )


def _environment(
    rust: Rust, bindgen: Path, core: Path | None, libclang: Path | None
) -> dict[str, str]:
    """What kbuild has to find."""
    path = [str(bindgen.parent), *rust.path, os.environ["PATH"]]
    env = {"PATH": os.pathsep.join(path), **toolchain.libclang_env(libclang)}
    if core is not None:
        env["RUST_LIB_SRC"] = str(core)
    return env


def _built_kernel(
    settings: Settings, cache: Cache, source: Source, rust: Rust, env: dict[str, str], step: Step
) -> Kernel:
    make = [f"ARCH={settings.machine.kbuild}"]
    if settings.flavour.llvm:
        make.append(f"LLVM=-{LLVM}")
    requested = _requested_config(settings)
    identity = "\n".join(
        [
            f"source: {source.version} in {source.dir}",
            f"make: {' '.join(make)}",
            *_tool_identities(settings, rust, env),
            *(f"{name}={value}" for name, value in sorted(_options(requested).items())),
        ]
    )
    key = _digest(identity)
    number = source.version.split("-")[0]
    entry = cache.entry("kernel", f"{number}-{settings.arch}-{settings.kernel}-{key[:12]}")
    if entry.complete:
        step.cached()
    else:
        with entry.locked(step):
            if not entry.complete:
                _build(settings, source, requested, entry, env, make, step)
                preflight.require(entry.dir, Tools(rust.line, bindgen=True, libclang=True))
                entry.finish(identity)
    return Kernel(
        dir=entry.dir,
        source=source.dir,
        image=entry.dir / settings.machine.image,
        release=preflight.read_release(entry.dir),
        key=key,
        env=env,
        make=make,
    )


def _tool_identities(settings: Settings, rust: Rust, env: dict[str, str]) -> list[str]:
    """Another version of any of these makes another kernel."""
    compilers = (f"clang-{LLVM}", f"ld.lld-{LLVM}") if settings.flavour.llvm else ("gcc", "ld")
    identities = [rust.identity, f"libclang: {env.get('LIBCLANG_PATH')}"]
    for tool in (*compilers, "bindgen"):
        identity = command.ask(tool, "--version", env=env).partition("\n")[0]
        if not identity:
            raise Failure(f"{tool} is missing or does not run: install it, then run again")
        identities.append(f"{tool}: {identity}")
    return identities


def _requested_config(settings: Settings) -> str:
    """The fragments of tests/guest/config that make up this kernel."""
    folder = settings.root / CONFIG
    names = ("common", settings.arch, *settings.flavour.fragments)
    return "".join((folder / f"{name}.config").read_text(encoding="utf-8") for name in names)


def _build(
    settings: Settings,
    source: Source,
    requested: str,
    entry: Entry,
    env: dict[str, str],
    make: list[str],
    step: Step,
) -> None:
    """Configures and builds; kbuild itself resumes what an interrupted run has left."""
    entry.dir.mkdir(parents=True, exist_ok=True)
    space = settings.flavour.space
    require_space("the kernel build", entry.dir, space)
    fragment = entry.dir / "requested.config"
    fragment.write_text(requested)
    argv = ["make", "-C", source.dir, f"O={entry.dir}", f"-j{settings.jobs}", *make]
    done = 0

    def watch(text: str) -> None:
        nonlocal done
        done += len(re.findall(r"^  [A-Z]", text, re.MULTILINE))
        done += RUST_WEIGHT * len(re.findall(r"^  (?:RUSTC|BINDGEN)", text, re.MULTILINE))
        step.percent(100 * done / settings.flavour.commands)

    step.log = entry.dir / "build.log"
    try:
        configure = [*argv, f"KCONFIG_ALLCONFIG={fragment}", "allnoconfig"]
        command.run(configure, step.log, step, env=env, lock_fd=entry.lock_fd)
        require_config(requested, (entry.dir / ".config").read_text())
        build = [*argv, settings.machine.image, "modules"]
        command.run(build, step.log, step, watch, env=env, lock_fd=entry.lock_fd)
    except CommandError as error:
        if error.disk_full:
            raise no_space("the kernel build", entry.dir, space) from error
        raise


def require_config(requested: str, actual: str) -> None:
    """Fails if an option was dropped on the way, as kconfig does without a word."""
    got = _options(actual)
    dropped = [
        f"\n  - {name}: asked for {value}, got {got.get(name, 'n')}"
        for name, value in _options(requested).items()
        if got.get(name, "n") != value
    ]
    if dropped:
        raise Failure(
            f"these options of {CONFIG} did not make it into the kernel's configuration; set what "
            f"they depend on as well, or remove them:{''.join(dropped)}"
        )


def _options(text: str) -> dict[str, str]:
    """Options and values; the last setting counts, as for kconfig."""
    options = {}
    for line in text.splitlines():
        if setting := re.fullmatch(r"(CONFIG_\w+)=(.*)", line):
            options[setting[1]] = setting[2]
        elif unset := re.fullmatch(r"# (CONFIG_\w+) is not set", line):
            options[unset[1]] = "n"
    return options


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def main(settings: Settings) -> None:
    """Prepares the kernel and says where it is."""
    print(prepare(settings, Progress(total=4)).dir)


if __name__ == "__main__":
    run_main(main)
