# SPDX-License-Identifier: GPL-2.0
"""Can modules be built against this kernel build? Every reason why not, each with its cure."""

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import command
import toolchain
from cache import Cache
from settings import Failure, Settings, run_main
from toolchain import Rust

OLDEST_RELEASE = (7, 2)
METADATA = ("libcore.rmeta", "libkernel.rmeta", "libbindings.rmeta", "libmacros.so")


@dataclass(frozen=True)
class Tools:
    """What this machine has to build modules with."""

    rustc: str  # first line of `rustc -vV`, "" if there is none
    bindgen: bool  # there, or can be built
    libclang: bool

    @classmethod
    def find(cls, settings: Settings) -> "Tools":
        """Looks for each tool."""
        libclang = toolchain.libclang() is not None
        try:
            rust = Rust.find(settings.root)
        except Failure:
            return cls("", toolchain.bindgen_on_path() is not None, libclang)
        bindgen = toolchain.find_bindgen(rust, Cache(settings.cache)) or shutil.which("cargo")
        return cls(rust.line, bool(bindgen), libclang)


def require(kdir: Path, tools: Tools) -> None:
    """Fails with all reasons at once."""
    reasons = [*kernel_reasons(kdir, tools), *tool_reasons(tools)]
    if reasons:
        listed = "".join(f"\n  - {reason}" for reason in reasons)
        raise Failure(f"modules cannot be built against KDIR={kdir}:{listed}")


def tool_reasons(tools: Tools) -> Iterator[str]:
    """What is missing on this machine."""
    if not tools.rustc:
        yield "rustc is missing or does not run. Install Rust with rustup"
    if not tools.bindgen:
        yield (
            "bindgen is missing. Install it: "
            f"`cargo install bindgen-cli --version {toolchain.BINDGEN} --locked`"
        )
    if not tools.libclang:
        yield toolchain.NO_LIBCLANG


def kernel_reasons(kdir: Path, tools: Tools) -> Iterator[str]:
    """What is wrong with the kernel build."""
    if not kdir.is_dir():
        yield (
            "there is no such folder. Give the build folder of a kernel, the one that holds "
            ".config and Module.symvers"
        )
        return
    missing = [
        name
        for name in ("Makefile", ".config", "include/config/auto.conf")
        if not (kdir / name).exists()
    ]
    if missing:
        yield (
            f"it is not a built kernel: {', '.join(missing)} missing. Build the kernel there, or "
            "give the folder that its O= named"
        )
        return
    config = read_config(kdir)
    yield from release_reasons(kdir)
    if "CONFIG_MODULES" not in config:
        yield "the kernel cannot load modules. Set CONFIG_MODULES=y and build it again"
    if "CONFIG_RUST" not in config:
        yield (
            "the kernel has no Rust support. Set CONFIG_RUST=y (`make rustavailable` there tells "
            "what is missing for it) and build it again"
        )
    else:
        yield from rust_reasons(kdir, config, tools)
    if not (kdir / "Module.symvers").exists():
        yield "Module.symvers, its exported symbols, is missing. Run `make` there to the end"
    compiler = Compiler.of(config)
    if compiler.missing:
        yield compiler.missing


def release_reasons(kdir: Path) -> Iterator[str]:
    """Is the kernel new enough?"""
    release = read_release(kdir)
    number = re.match(r"(\d+)\.(\d+)", release)
    if not number:
        yield "include/config/kernel.release is missing. Run `make` there to the end"
    elif (int(number[1]), int(number[2])) < OLDEST_RELEASE:
        oldest = ".".join(map(str, OLDEST_RELEASE))
        yield f"its release is {release}, and {oldest} is the oldest supported. Take a newer one"


def rust_reasons(kdir: Path, config: dict[str, str], tools: Tools) -> Iterator[str]:
    """Are the Rust parts of the kernel there, and do they fit this rustc?"""
    built_with = config.get("CONFIG_RUSTC_VERSION_TEXT", "")
    if tools.rustc and built_with != tools.rustc:
        version = re.search(r"\d+\.\d+\.\d+", built_with)
        yield (
            f"the kernel was built by '{built_with}', and this is '{tools.rustc}': Rust metadata "
            "fits one compiler only. Use the kernel's "
            f"(`rustup override set {version[0] if version else 'VERSION'}` here, or put it first "
            "on PATH), or build the kernel again with this one"
        )
    missing = [name for name in METADATA if not (kdir / "rust" / name).exists()]
    if missing:
        yield (
            f"its Rust metadata is missing ({', '.join(missing)} in {kdir}/rust). Packages of "
            "kernel headers leave it out: give the build folder of a kernel built from source, "
            "and run `make` there to the end"
        )


@dataclass(frozen=True)
class Compiler:
    """The C compiler that the kernel was built with, as arguments for its make."""

    make: tuple[str, ...]
    llvm: int | None  # its major version if it is clang
    missing: str = ""  # the reason why it cannot be used

    @classmethod
    def of(cls, config: dict[str, str]) -> "Compiler":
        """Finds the kernel's own compiler on this machine."""
        text = config.get("CONFIG_CC_VERSION_TEXT", "")
        number = re.search(r"(\d+)\.\d+\.\d+", re.sub(r"\(.*?\)", "", text))
        major = int(number[1]) if number else 0
        if "CONFIG_CC_IS_CLANG" in config:
            return cls._clang(text, major)
        return cls._gcc(text, major)

    @classmethod
    def _clang(cls, text: str, major: int) -> "Compiler":
        if shutil.which(f"clang-{major}") and shutil.which(f"ld.lld-{major}"):
            return cls((f"LLVM=-{major}",), major)
        if shutil.which("ld.lld") and f"version {major}." in command.ask("clang", "--version"):
            return cls(("LLVM=1",), major)
        return cls(
            (),
            major,
            f"the kernel was built by '{text}', which is not here. Install clang-{major}, "
            f"lld-{major} and llvm-{major}",
        )

    @classmethod
    def _gcc(cls, text: str, major: int) -> "Compiler":
        own = text.partition(" ")[0]
        for name in (own, f"gcc-{major}", "gcc"):
            if shutil.which(name):
                return cls(() if name == "gcc" else (f"CC={name}",), None)
        return cls((), None, f"the kernel was built by '{text}', which is not here. Install gcc")


def read_config(kdir: Path) -> dict[str, str]:
    """The options that the kernel was built with; those that are off are not in it."""
    text = (kdir / "include/config/auto.conf").read_text(encoding="utf-8", errors="replace")
    lines = (line.partition("=") for line in text.splitlines() if line.startswith("CONFIG_"))
    return {name: value.strip('"') for name, _, value in lines}


def read_release(kdir: Path) -> str:
    """The kernel's release, "" if it has none."""
    path = kdir / "include/config/kernel.release"
    return path.read_text(encoding="utf-8").strip() if path.exists() else ""


def main(settings: Settings) -> None:
    """Checks KDIR."""
    if settings.kdir is None:
        raise Failure("KDIR is not set: give the build folder of your kernel, KDIR=/path/to/it")
    require(settings.kdir, Tools.find(settings))
    print(f"modules can be built against {settings.kdir} ({read_release(settings.kdir)})")


if __name__ == "__main__":
    run_main(main)
