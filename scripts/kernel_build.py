# SPDX-License-Identifier: GPL-2.0
"""A kernel to build modules against: the cached one, built when needed, or the user's own."""

import hashlib
import os
import re
from collections.abc import Callable
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
    libclang = toolchain.require_libclang()

    def get_source() -> Source:
        with progress.step(f"Linux {settings.series} source") as step:
            return kernel_source.prepare(settings.series, cache, apt, step)

    source = None
    with progress.step("Rust toolchain") as step, toolchain.bindgen(rust, cache, step) as bindgen:
        core = toolchain.core_source(rust, cache, apt, step)
        if bindgen.running:
            source = get_source()  # downloads while cargo compiles
        env = _environment(rust, bindgen.finish(step), core, libclang)
    source = source or get_source()
    recipe = Recipe(settings, source, rust, env)
    with progress.step(f"Linux {source.number} kernel, {settings.kernel}") as step:
        return recipe.kernel(cache, step)


def _users_kernel(settings: Settings, kdir: Path, progress: Progress) -> Kernel:
    """Checks the kernel that KDIR names; nothing is built before it has been found fit."""
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


@dataclass(frozen=True)
class Recipe:
    """All that goes into a kernel of ours."""

    settings: Settings
    source: Source
    rust: Rust
    env: dict[str, str]

    def kernel(self, cache: Cache, step: Step) -> Kernel:
        """Returns the kernel, built only if the cache has none of this recipe."""
        identity = self.identity()
        key = _digest(identity)
        machine, flavour = self.settings.arch, self.settings.kernel
        entry = cache.entry("kernel", f"{self.source.number}-{machine}-{flavour}-{key[:12]}")
        if entry.complete:
            step.cached()
        else:
            with entry.locked(step):
                if not entry.complete:
                    self._build(entry, step)
                    tools = Tools(self.rust.line, bindgen=True, libclang=True)
                    preflight.require(entry.dir, tools)
                    entry.finish(identity)
        return Kernel(
            dir=entry.dir,
            source=self.source.dir,
            image=entry.dir / self.settings.machine.image,
            release=preflight.read_release(entry.dir),
            key=key,
            env=self.env,
            make=self.make,
        )

    @property
    def make(self) -> list[str]:
        """What every make for this kernel has to be told."""
        llvm = [f"LLVM=-{LLVM}"] if self.settings.flavour.llvm else []
        return [f"ARCH={self.settings.machine.kbuild}", *llvm]

    @property
    def config(self) -> str:
        """The options to be set."""
        folder = self.settings.root / CONFIG
        files = (folder / f"{name}.config" for name in self.settings.fragments)
        return "".join(file.read_text(encoding="utf-8") for file in files)

    def identity(self) -> str:
        """Says what the kernel is made from and with: any difference makes another kernel."""
        lines = [
            f"source: {self.source.version} in {self.source.dir}",
            f"make: {' '.join(self.make)}",
            self.rust.identity,
            f"libclang: {self.env.get('LIBCLANG_PATH')}",
        ]
        compiler = (f"clang-{LLVM}", f"ld.lld-{LLVM}")
        for tool in (*(compiler if self.settings.flavour.llvm else ("gcc", "ld")), "bindgen"):
            version = command.ask(tool, "--version", env=self.env).partition("\n")[0]
            if not version:
                raise Failure(f"{tool} is missing or does not run: install it, then run again")
            lines.append(f"{tool}: {version}")
        options = sorted(_options(self.config).items())
        return "\n".join([*lines, *(f"{name}={value}" for name, value in options)])

    def _build(self, entry: Entry, step: Step) -> None:
        """Configures and builds; kbuild itself resumes what an interrupted run has left."""
        entry.dir.mkdir(parents=True, exist_ok=True)
        require_space("the kernel build", entry.dir, self.settings.flavour.space)
        fragment = entry.dir / "requested.config"
        fragment.write_text(self.config)
        log = step.log = entry.dir / "build.log"
        argv: list[str | Path] = ["make", "-C", self.source.dir, f"O={entry.dir}", *self.make]

        def make(*arguments: str, watch: Callable[[str], None] | None = None) -> None:
            command.run(
                [*argv, f"-j{self.settings.jobs}", *arguments],
                *(log, step, watch),
                env=self.env,
                lock_fd=entry.lock_fd,
            )

        try:
            make(f"KCONFIG_ALLCONFIG={fragment}", "allnoconfig")
            require_config(self.config, (entry.dir / ".config").read_text())
            make(self.settings.machine.image, "modules", watch=self._percent(step))
        except CommandError as error:
            if error.disk_full:
                space = self.settings.flavour.space
                raise no_space("the kernel build", entry.dir, space) from error
            raise

    def _percent(self, step: Step) -> Callable[[str], None]:
        """Guesses from the number of commands how far the build is."""
        done = 0

        def watch(text: str) -> None:
            nonlocal done
            done += len(re.findall(r"^  [A-Z]", text, re.MULTILINE))
            done += RUST_WEIGHT * len(re.findall(r"^  (?:RUSTC|BINDGEN)", text, re.MULTILINE))
            step.percent(100 * done / self.settings.flavour.commands)

        return watch


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
