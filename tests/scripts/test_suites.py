# SPDX-License-Identifier: GPL-2.0
"""Tests of suites.py."""

import unittest

import support
from settings import Failure
from suites import expected_cases, expected_examples

SOURCE = """\
//! #[kunit_tests(in_a_comment)] mod tests { #[test] fn x() {} }
use kernel::prelude::*;

/* #[test] fn y() {} */
#[kunit_tests(kthread_task)]
mod tests {
    use super::*;
    const BRACE: char = '}';
    const TEXT: &CStr = c"} #[test] fn z() {";
    const RAW: &str = r#"a "quoted" }"#;

    fn helper<'a>(x: &'a str) -> &'a str { if x.is_empty() { "{" } else { x } }

    /// Runs.
    #[test]
    fn first() -> Result {
        mod inner { fn nothing() {} }
        Ok(())
    }

    #[cfg(CONFIG_KASAN)]
    #[test]
    fn second() {}

    #[test]
    #[expect(unused)]
    fn third() { assert!(true); }
}

mod other { fn no_test() {} }

#[allow(dead_code)]
#[kunit_tests(kthread_more)]
mod more {
    #[test]
    fn first() {}
}
"""


class ExpectedCases(support.Sandbox):
    def read(self, *texts: str) -> dict[str, bool]:
        return expected_cases([self.write(f"{n}.rs", text) for n, text in enumerate(texts)])

    def failure(self, *texts: str) -> str:
        with self.assertRaises(Failure) as caught:
            self.read(*texts)
        return str(caught.exception)

    def test_names_and_conditions(self) -> None:
        self.assertEqual(
            self.read(SOURCE),
            {
                "kthread_task.first": False,
                "kthread_task.second": True,
                "kthread_task.third": False,
                "kthread_more.first": False,
            },
        )

    def test_several_files(self) -> None:
        other = "#[kunit_tests(other)] mod tests { #[test] fn x() {} }"
        self.assertIn("other.x", self.read(SOURCE, "", other))
        self.assertEqual(len(self.read(SOURCE, "", other)), 5)

    def test_none(self) -> None:
        self.assertEqual(self.read("mod task;\nmod support;\n"), {})

    def test_suite_that_could_vanish(self) -> None:
        text = "#[cfg(CONFIG_X)]\n#[kunit_tests(gone)]\nmod tests { #[test] fn x() {} }"
        self.assertIn("the suite gone is under a #[cfg]", self.failure(text))

    def test_same_name_twice(self) -> None:
        self.assertIn("1.rs: there is another kthread_task.first", self.failure(SOURCE, SOURCE))

    def test_test_outside_a_suite(self) -> None:
        for text in ("#[test] fn x() {}", "mod tests { #[test] fn x() {} }"):
            self.assertIn("only 4 of 5 #[test] functions", self.failure(SOURCE + text))

    def test_test_too_deep_in_a_suite(self) -> None:
        text = "#[kunit_tests(s)] mod tests { mod inner { #[test] fn x() {} } }"
        self.assertIn("only 0 of 1 #[test] functions", self.failure(text))


EXAMPLES = """\
//! A crate.
//!
//! ```text
//! a -> b
//! ```
//!
//! ```
//! let task = 1;
//! ```

impl Task {
    /// Stops, in two ways.
    ///
    /// ```
    /// // Here.
    /// ```
    ///
    /// ```ignore
    /// # Ok::<(), Error>(())
    /// ```
    fn stop() {}
}

// ```
// no documentation
// ```
"""
PAGE = """\
# A page

```sh
make
```

```rust
let task = 1;
```

  ```rust,ignore
  let task = 2;
  ```
"""


class ExpectedExamples(support.Sandbox):
    def test_names(self) -> None:
        """What is not Rust is no example; what is to be ignored is one that never runs."""
        self.write("src/kthread.rs", EXAMPLES)
        self.write("src/worker/live_view.rs", EXAMPLES)
        files = ("kthread", "worker_live_view")
        names = [f"{file}_{line}" for file in files for line in (7, 14, 18)]
        self.write("README.md", PAGE)
        self.write("docs/guide.md", PAGE)
        names += [f"{page}_{line}" for page in ("readme", "guide") for line in (7, 11)]
        self.assertEqual(
            expected_examples(self.dir), {f"kthread_doc.{name}": False for name in names}
        )

    def test_none(self) -> None:
        self.write("src/kthread.rs", "//! A crate.\n")
        self.write("README.md", "# A crate\n")
        self.assertEqual(expected_examples(self.dir), {})


if __name__ == "__main__":
    unittest.main()
