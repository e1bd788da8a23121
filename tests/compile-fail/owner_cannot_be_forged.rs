// SPDX-License-Identifier: GPL-2.0

//! A thread that runs in the name of another module would outlive its code.
// error[E0133]: is unsafe and requires unsafe

include!("common/module.rs");

fn case() -> Result {
    let module = kthread::__this_module!();
    #[cfg(misuse)]
    let owner = kthread::Owner::new(module);
    #[cfg(not(misuse))]
    // SAFETY: This is the calling module.
    let owner = unsafe { kthread::Owner::new(module) };
    drop(owner);
    Ok(())
}
