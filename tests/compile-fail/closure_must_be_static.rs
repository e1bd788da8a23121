// SPDX-License-Identifier: GPL-2.0

//! A thread must not borrow from the stack of the function that started it.
// error[E0597]: does not live long enough

include!("common/module.rs");

fn case() -> Result {
    let data = 7;
    #[cfg(misuse)]
    let data = &data;
    let task = kthread::run!("thread", move |_cx| pr_info!("{data}\n"))?;
    drop(task);
    Ok(())
}
