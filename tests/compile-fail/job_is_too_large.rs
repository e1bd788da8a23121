// SPDX-License-Identifier: GPL-2.0

//! What a closure that a worker runs captures and returns is moved over the stack of its thread.
// error[E0080]: captures, or returns, more than 1024 bytes

include!("common/module.rs");

fn case() -> Result {
    #[cfg(misuse)]
    let ballast = [0u8; 2000];
    #[cfg(not(misuse))]
    let ballast = [0u8; 1000];
    let worker = kthread::builder!("worker")?.worker()?;
    drop(worker.run(move |_cx| ballast)?);
    Ok(())
}
