// SPDX-License-Identifier: GPL-2.0

//! H19: the proof of running in one thread must not get into another one.
// error[E0277]: cannot be sent between threads safely

include!("common/module.rs");

fn case() -> Result {
    let outer = kthread::run!("outer", |cx| {
        kthread::run!("inner", move |_cx| {
            #[cfg(misuse)]
            let _cx = &cx;
        })
        .is_ok_and(|_inner| cx.should_stop())
    })?;
    drop(outer);
    Ok(())
}
