// SPDX-License-Identifier: GPL-2.0

//! H84: within one address space a thread must not enter another one.
// error[E0596]: cannot borrow `*cx` as mutable

use kernel::mm::Mm;

include!("common/module.rs");

fn case() -> Result {
    let _visit = |mut cx: kthread::Current<'_>, mm: &Mm| {
        cx.with_mm(mm, |cx| {
            #[cfg(misuse)]
            let _ = cx.with_mm(mm, |_cx| ());
            cx.should_stop()
        })
    };
    Ok(())
}
