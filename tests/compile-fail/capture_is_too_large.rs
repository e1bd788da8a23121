// SPDX-License-Identifier: GPL-2.0

//! H22: a closure is moved over the thread's stack, which it must not fill.
// error[E0080]: captures, or returns, more than 1024 bytes

include!("common/module.rs");

const SIZE: usize = if cfg!(misuse) { 1025 } else { 1024 };

fn case() -> Result {
    let data = [0u8; SIZE];
    let task = kthread::run!("thread", move |_cx| pr_info!("{}\n", data[0]))?;
    drop(task);
    Ok(())
}
