// SPDX-License-Identifier: GPL-2.0

//! H17: a thread that was not started must not be waited for, or be woken by a request to stop.
// error[E0599]: no method named `request_stop`

include!("common/module.rs");

fn case() -> Result {
    let created = kthread::builder!("thread")?.create(|_cx| ())?;
    #[cfg(misuse)]
    created.request_stop();
    drop(created.start());
    Ok(())
}
