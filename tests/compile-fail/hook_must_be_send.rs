// SPDX-License-Identifier: GPL-2.0

//! A hook is called by whoever stops the thread, on any CPU.
// error[E0277]: cannot be shared between threads safely

include!("common/module.rs");

fn case() -> Result {
    let task = kthread::run!("thread", |cx| {
        #[cfg(misuse)]
        let shared = core::cell::Cell::new(0);
        #[cfg(not(misuse))]
        let shared = kernel::sync::atomic::Atomic::new(0);
        cx.on_stop(
            || {
                let _shared = &shared;
            },
            || (),
        );
    })?;
    drop(task);
    Ok(())
}
