// SPDX-License-Identifier: GPL-2.0

//! An owner that gets to another module would let that one start threads in its name.
// error[E0277]: cannot be sent between threads safely

include!("common/module.rs");

fn case() -> Result {
    let owner = kthread::__owner!();
    let task = kthread::run!("thread", move |_cx| {
        #[cfg(misuse)]
        let _owner = &owner;
    })?;
    drop(task);
    drop(owner);
    Ok(())
}
