// SPDX-License-Identifier: GPL-2.0

//! H57: the scheduler uses a nice value as an index, unchecked.
// error[E0423]: private

include!("common/module.rs");

fn case() -> Result {
    #[cfg(misuse)]
    let nice = kthread::Nice(42);
    #[cfg(not(misuse))]
    let nice = kthread::Nice::new(19)?;
    let task = kthread::builder!("thread")?
        .policy(kthread::Policy::Normal(nice))
        .run(|_cx| ())?;
    drop(task);
    Ok(())
}
