# SPDX-License-Identifier: GPL-2.0
"""Turns the examples of the documentation into a KUnit suite, as part of the build.

    doc_cases.py OUTPUT RUSTDOC ARGUMENT... -- SOURCE...

The arguments are those with which kbuild compiles the crate, so that rustdoc sees the same items.
rustdoc finds the examples; each becomes a case that is named after its place: `task_58` begins in
line 58 of src/task.rs, `guide_25` in line 25 of docs/guide.md.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

KEEP = Path(__file__).with_name("keep_example.sh")
# What rustdoc puts around an example, on lines of its own.
BEGIN = re.compile(
    r"^fn main\(\) \{.* fn _doctest_main_(?:\w*_)?(?:src_(\w+)_rs|([A-Za-z]+)_md)"
    r"_(\d+)_0\(\)(.*)\{$",
    re.MULTILINE,
)
END = "\n} _doctest_main_"


class NoExample(Exception):
    """What rustdoc made of an example is not what this script understands."""


def extract(rustdoc: Sequence[str], sources: Iterable[str]) -> list[str]:
    """The programs that rustdoc makes of the examples."""
    with tempfile.TemporaryDirectory(prefix="kthread-examples-") as folder:
        options = ["--test", "--no-run", "-Zunstable-options", f"--test-builder={KEEP}"]
        for source in sources:
            subprocess.run(
                [*rustdoc, *options, source],
                check=True,
                stdout=subprocess.DEVNULL,  # one line for each example
                env={**os.environ, "KTHREAD_EXAMPLES": folder},
                close_fds=False,  # make's jobserver
            )
        return [path.read_text(encoding="utf-8") for path in Path(folder).iterdir()]


def suite(programs: Iterable[str]) -> Iterator[str]:
    """The text of the suite."""
    yield "// The examples of the documentation, written by scripts/doc_cases.py.\n\n"
    yield "#[allow(unused)]\n#[kunit_tests(kthread_doc)]\nmod examples {\n"
    yield "    use kernel::prelude::*;\n"
    for _, _, case in sorted(map(_case, programs)):
        yield case
    yield "}\n"


def _case(program: str) -> tuple[str, int, str]:
    """File, line and text of a case."""
    begin = BEGIN.search(program)
    end = program.rfind(END)
    if begin is None or end < 0:
        raise NoExample(f"rustdoc has written an example in an unknown way:\n{program}")
    file, page, line, returns = begin.groups()
    body = program[begin.end() : end]
    if page:
        # Nothing can be hidden in there.
        file, returns, body = page.lower(), "Result", f"{body}\nOk(())"
    result = " -> Result" if "Result" in returns else ""
    return file, int(line), f"\n    #[test]\n    fn {file}_{line}(){result} {{{body}\n    }}\n"


def main(output: str, *arguments: str) -> int:
    """Writes the suite; returns the exit status."""
    border = arguments.index("--")
    rustdoc, sources = arguments[:border], arguments[border + 1 :]
    try:
        text = "".join(suite(extract(rustdoc, sources)))
    except FileNotFoundError:
        print(f"error: {rustdoc[0]} is missing: it is part of what rustc comes in", file=sys.stderr)
        return 1
    except subprocess.CalledProcessError as error:
        return error.returncode  # rustdoc has said why
    except NoExample as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    Path(output).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
