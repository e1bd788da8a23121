// SPDX-License-Identifier: GPL-2.0

//! The kernel as far as `src/mailbox/ring.rs` knows it, made of loom, which then explores what
//! threads that use the ring can do to each other.

#![cfg(test)]

// So that the ring finds `kernel::sync::atomic` and `kernel::types` here.
extern crate self as kernel;

pub mod atomic;
pub mod types;
pub mod sync {
    pub use crate::atomic;
}

#[path = "../../src/mailbox/ring.rs"]
mod ring;

mod mailbox;
