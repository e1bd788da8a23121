// SPDX-License-Identifier: GPL-2.0

//! H17: a thread that is woken by other means than `start` would run too early.
// error[E0599]: no method named `wake_up`

include!("common/module.rs");

fn case() -> Result {
    let created = kthread::builder!("thread")?.create(|_cx| ())?;
    #[cfg(misuse)]
    created.wake_up();
    drop(created.start());
    Ok(())
}
