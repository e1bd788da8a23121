// SPDX-License-Identifier: GPL-2.0

//! The strings that a program is given.

use core::ptr;
use kernel::{
    page::PAGE_SIZE,
    prelude::*, //
};

/// How much the strings may be together: as much as C allows for each of them.
const LIMIT: usize = 32 * PAGE_SIZE;

/// A list of strings, as C gives them to a program.
///
/// # Invariants
///
/// Each of them ends with a NUL.
pub(super) struct List(KVec<KVec<u8>>);

impl List {
    /// Adds a string, given in parts.
    fn add(&mut self, parts: &[&[u8]]) -> Result {
        let mut string = KVec::with_capacity(size(parts), GFP_KERNEL)?;
        for part in parts {
            string.extend_from_slice(part, GFP_KERNEL)?;
        }
        // INVARIANT: The NUL that it ends with.
        string.push(0, GFP_KERNEL)?;
        self.0.push(string, GFP_KERNEL)?;
        Ok(())
    }

    fn size(&self) -> usize {
        self.0.iter().map(|string| string.len()).sum()
    }

    /// Pointers to the strings, and null as the last.
    pub(super) fn pointers(&self) -> Result<KVec<*mut c_char>> {
        let mut pointers = KVec::with_capacity(self.0.len() + 1, GFP_KERNEL)?;
        for string in &self.0 {
            pointers.push(string.as_ptr().cast_mut().cast(), GFP_KERNEL)?;
        }
        pointers.push(ptr::null_mut(), GFP_KERNEL)?;
        Ok(pointers)
    }
}

/// What a string of these parts takes, with its NUL.
fn size(parts: &[&[u8]]) -> usize {
    parts.iter().map(|part| part.len()).sum::<usize>() + 1
}

/// Arguments and environment.
pub(super) struct Strings {
    pub(super) args: List,
    pub(super) env: List,
}

impl Strings {
    pub(super) fn new() -> Self {
        Self {
            args: List(KVec::new()),
            env: List(KVec::new()),
        }
    }

    pub(super) fn add_arg(&mut self, arg: &[u8]) -> Result {
        self.has_room(&[arg])?;
        self.args.add(&[arg])
    }

    /// Sets a variable.
    pub(super) fn set_env(&mut self, name: &[u8], value: &[u8]) -> Result {
        if name.is_empty() || name.contains(&b'=') {
            return Err(EINVAL);
        }
        self.env.0.retain(|variable| {
            let rest = variable.strip_prefix(name);
            !rest.is_some_and(|rest| rest.starts_with(b"="))
        });
        let parts = [name, b"=", value];
        self.has_room(&parts)?;
        self.env.add(&parts)
    }

    fn has_room(&self, parts: &[&[u8]]) -> Result {
        if self.args.size() + self.env.size() + size(parts) > LIMIT {
            return Err(E2BIG);
        }
        Ok(())
    }
}
