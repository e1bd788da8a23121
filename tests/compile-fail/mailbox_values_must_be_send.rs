// SPDX-License-Identifier: GPL-2.0

//! What is sent is received by another thread.
// error[E0277]: cannot be sent between threads safely

include!("common/module.rs");

use kernel::sync::Arc;
use kthread::{
    new_mailbox,
    Mailbox, //
};

#[cfg(misuse)]
type Value = *mut u8;
#[cfg(not(misuse))]
type Value = u8;

fn case() -> Result {
    let mailbox: Arc<Mailbox<Value, 4>> = Arc::pin_init(new_mailbox!(), GFP_KERNEL)?;
    let task = kthread::run!("thread", move |_cx| drop(mailbox))?;
    drop(task);
    Ok(())
}
