// SPDX-License-Identifier: GPL-2.0

//! The name of a thread that is to be made.

use kernel::{
    fmt,
    prelude::*,
    str::CString, //
};

/// A name without a NUL.
pub(crate) enum Name {
    /// As most are, which takes no memory. There is no `%` in it, so that to C it is a format that
    /// stands for itself.
    Literal(&'static str),
    Formatted(CString),
}

impl Name {
    /// # Errors
    ///
    /// - [`ENOMEM`] if memory is short.
    /// - [`EINVAL`] if the name contains a NUL.
    pub(crate) fn new(name: fmt::Arguments<'_>) -> Result<Self> {
        match name.as_str() {
            Some(name) if !name.bytes().any(|byte| matches!(byte, 0 | b'%')) => {
                Ok(Self::Literal(name))
            }
            _ => Ok(Self::Formatted(CString::try_from_fmt(name)?)),
        }
    }

    /// For C to keep.
    ///
    /// # Errors
    ///
    /// [`ENOMEM`] if memory is short.
    pub(crate) fn into_string(self) -> Result<CString> {
        match self {
            Self::Literal(name) => CString::try_from_fmt(fmt!("{name}")),
            Self::Formatted(name) => Ok(name),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Self::Literal(name) => name.as_bytes(),
            Self::Formatted(name) => name.to_bytes(),
        }
    }
}
