// SPDX-License-Identifier: GPL-2.0

//! What it costs to send values to a thread.

use crate::measure::measure;
use kernel::{
    prelude::*,
    sync::Arc, //
};
use kthread::{
    new_event,
    new_mailbox,
    Current,
    Event,
    Mailbox, //
};

const VALUES: usize = 1000;
const ONE_BY_ONE: usize = 50;

/// The last value of a round.
const LAST: u64 = 0;

#[pin_data]
struct Shared {
    #[pin]
    mailbox: Mailbox<u64, 1024>,
    #[pin]
    all_received: Event,
}

fn receive(cx: &Current<'_>, shared: &Shared) -> Result<u64> {
    let mut receiver = shared.mailbox.receiver()?;
    let mut sum = 0;
    while let Ok(batch) = receiver.receive(cx) {
        for value in batch {
            sum += value;
            if value == LAST {
                shared.all_received.raise();
            }
        }
    }
    Ok(sum)
}

pub(crate) fn measure_all() -> Result {
    let shared = Arc::pin_init(
        pin_init!(Shared {
            mailbox <- new_mailbox!("values"),
            all_received <- new_event!("all received"),
        }),
        GFP_KERNEL,
    )?;
    let task = kthread::run!("receiver", {
        let shared = shared.clone();
        move |cx| receive(&cx, &shared)
    })?;
    measure("mailbox_many", VALUES, || {
        for value in (0..VALUES as u64).rev() {
            shared.mailbox.send(value)?;
        }
        shared.all_received.wait();
        Ok(())
    })?;
    measure("mailbox_one", ONE_BY_ONE, || {
        for _ in 0..ONE_BY_ONE {
            shared.mailbox.send(LAST)?;
            shared.all_received.wait();
        }
        Ok(())
    })?;
    drop(task);
    Ok(())
}
