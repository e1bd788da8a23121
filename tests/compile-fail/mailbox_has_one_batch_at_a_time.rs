// SPDX-License-Identifier: GPL-2.0

//! Two batches would give out the same value.
// error[E0499]: cannot borrow `receiver` as mutable more than once

include!("common/module.rs");

use kthread::{
    new_mailbox,
    Mailbox, //
};

fn case() -> Result {
    let mailbox: Pin<KBox<Mailbox<u8, 4>>> = KBox::pin_init(new_mailbox!(), GFP_KERNEL)?;
    let mut receiver = mailbox.receiver()?;
    let mut first = receiver.batch();
    #[cfg(misuse)]
    let mut second = receiver.batch();
    #[cfg(misuse)]
    let _ = second.next();
    let _ = first.next();
    Ok(())
}
