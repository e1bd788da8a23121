// SPDX-License-Identifier: GPL-2.0

//! A closure that a worker runs outlives the call that made it.
// error[E0597]: does not live long enough

include!("common/module.rs");

fn case() -> Result {
    let worker = kthread::builder!("worker")?.worker()?;
    let number = 7;
    #[cfg(misuse)]
    let number = &number;
    drop(worker.run(move |_cx| pr_info!("{}\n", number))?);
    Ok(())
}
