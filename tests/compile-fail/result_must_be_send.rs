// SPDX-License-Identifier: GPL-2.0

//! A handle hands out what the thread made, so that must be fit for other tasks.
// error[E0277]: cannot be sent between threads safely

include!("common/module.rs");

fn case() -> Result {
    let task = kthread::run!("thread", |_cx| {
        let data = core::ptr::null_mut::<u8>();
        #[cfg(not(misuse))]
        let data = data.addr();
        data
    })?;
    drop(task);
    Ok(())
}
