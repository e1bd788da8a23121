// SPDX-License-Identifier: GPL-2.0

//! Positions are told from each other by the bits above those that say the slot.
// error[E0080]: the capacity of a mailbox must be a power of two

include!("common/module.rs");

use kthread::{
    new_mailbox,
    Mailbox, //
};

#[cfg(misuse)]
const N: usize = 0;
#[cfg(not(misuse))]
const N: usize = 1;

fn case() -> Result {
    let mailbox: Pin<KBox<Mailbox<u8, N>>> = KBox::pin_init(new_mailbox!(), GFP_KERNEL)?;
    drop(mailbox);
    Ok(())
}
