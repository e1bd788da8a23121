// SPDX-License-Identifier: GPL-2.0

//! What is sent is received by another thread.
// error[E0277]: cannot be sent between threads safely

include!("common/module.rs");

use kthread::{
    new_mailbox,
    Mailbox, //
};

#[cfg(misuse)]
type Value = *mut u8;
#[cfg(not(misuse))]
type Value = u8;

fn case() -> Result {
    let mailbox: Pin<KBox<Mailbox<Value, 4>>> = KBox::pin_init(new_mailbox!(), GFP_KERNEL)?;
    let mailbox = &*mailbox;
    kthread::scope(|s| -> Result {
        let _ = kthread::builder!("sender")?.run_scoped(s, |_cx| drop(mailbox.receiver()))?;
        Ok(())
    })
}
