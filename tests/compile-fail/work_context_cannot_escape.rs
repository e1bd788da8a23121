// SPDX-License-Identifier: GPL-2.0

//! What an item may do while it runs, it may not do afterwards, nor elsewhere.
// error[E0277]: cannot be sent between threads safely

include!("common/module.rs");

fn case() -> Result {
    let worker = kthread::builder!("worker")?.worker()?;
    let job = worker.run(|cx| -> Result {
        #[cfg(not(misuse))]
        let cx = cx.stop_token();
        kthread::scope(|s| {
            kthread::builder!("other")?
                .run_scoped(s, |_other| drop(cx))
                .map(drop)
        })
    })?;
    drop(job);
    Ok(())
}
