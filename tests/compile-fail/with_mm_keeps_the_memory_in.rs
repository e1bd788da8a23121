// SPDX-License-Identifier: GPL-2.0

//! H85: what shows an address space must not get out.
// error[E0277]: cannot be shared between threads safely

use kernel::mm::Mm;

include!("common/module.rs");

fn case() -> Result {
    let _visit = |mut cx: kthread::Current<'_>, mm: &Mm| {
        let _seen = cx.with_mm(mm, |cx| {
            #[cfg(misuse)]
            let seen = cx;
            #[cfg(not(misuse))]
            let seen = cx.should_stop();
            seen
        });
    };
    Ok(())
}
