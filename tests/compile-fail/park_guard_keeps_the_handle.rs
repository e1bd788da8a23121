// SPDX-License-Identifier: GPL-2.0

//! H28: a thread must not be stopped by its owner while it is parked in somebody's name.
// error[E0505]: cannot move out of `task` because it is borrowed

include!("common/module.rs");

fn case() -> Result {
    let task = kthread::run!("thread", |_cx| ())?;
    let parked = task.park()?;
    #[cfg(misuse)]
    drop(task);
    drop(parked);
    Ok(())
}
