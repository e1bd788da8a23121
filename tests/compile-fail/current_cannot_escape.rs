// SPDX-License-Identifier: GPL-2.0

//! H19: the proof of running in a thread must not outlive its closure. Whatever could keep it, such
//! as a static or what the closure returns, would need it to be `'static`.
// error: lifetime may not live long enough

include!("common/module.rs");

fn case() -> Result {
    let task = kthread::run!("thread", |cx| {
        #[cfg(misuse)]
        let cx: kthread::Current<'static> = cx;
        cx.should_stop()
    })?;
    drop(task);
    Ok(())
}
