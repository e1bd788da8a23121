// SPDX-License-Identifier: GPL-2.0

//! What may only be used by the task that made it must not get into a thread.
// error[E0277]: cannot be sent between threads safely

include!("common/module.rs");

fn case() -> Result {
    let data = core::ptr::null_mut::<u8>();
    #[cfg(not(misuse))]
    let data = data.addr();
    let task = kthread::run!("thread", move |_cx| pr_info!("{:?}\n", data))?;
    drop(task);
    Ok(())
}
