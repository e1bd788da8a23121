// SPDX-License-Identifier: GPL-2.0

//! H85: what shows one address space must not get into where there is another one.
// error[E0277]: cannot be shared between threads safely

use kernel::mm::Mm;

include!("common/module.rs");

fn case() -> Result {
    let _visit = |mut cx: kthread::Current<'_>, mm: &Mm| {
        let task = current!();
        cx.with_mm(mm, |_cx| {
            #[cfg(misuse)]
            let _ = task.mm();
        });
        task.pid()
    };
    Ok(())
}
