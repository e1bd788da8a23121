// SPDX-License-Identifier: GPL-2.0

//! H22: a result is moved over the thread's stack, which it must not fill.
// error[E0080]: captures, or returns, more than 1024 bytes

include!("common/module.rs");

const SIZE: usize = if cfg!(misuse) { 1025 } else { 1024 };

fn case() -> Result {
    let task = kthread::run!("thread", |_cx| [0u8; SIZE])?;
    drop(task);
    Ok(())
}
