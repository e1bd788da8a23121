// SPDX-License-Identifier: GPL-2.0

//! A scope must not be used when it is over.
// error[E0521]: borrowed data escapes outside of closure

include!("common/module.rs");

fn case() -> Result {
    let mut kept = None;
    kthread::scope(|s| {
        #[cfg(misuse)]
        {
            kept = Some(s);
        }
        #[cfg(not(misuse))]
        {
            kept = Some(core::ptr::from_ref(s).addr());
        }
    });
    kept.is_some().then_some(()).ok_or(EINVAL)
}
