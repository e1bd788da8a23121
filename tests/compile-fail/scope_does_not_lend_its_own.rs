// SPDX-License-Identifier: GPL-2.0

//! A thread of a scope must not borrow what is gone before it is joined.
// error[E0597]: `local` does not live long enough

include!("common/module.rs");

fn case() -> Result {
    #[cfg(not(misuse))]
    let local = 1;
    kthread::scope(|s| -> Result {
        #[cfg(misuse)]
        let local = 1;
        let lent = &local;
        let task = kthread::builder!("thread")?.run_scoped(s, move |_cx| pr_info!("{}\n", lent))?;
        drop(task);
        Ok(())
    })
}
