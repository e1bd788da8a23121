// SPDX-License-Identifier: GPL-2.0

//! Sends values to a thread.

use crate::{
    crew,
    producers::{
        self,
        share,
        Producer,
        PRODUCERS,
        ROUND, //
    },
    table::Row, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
};
use kthread::{
    new_mailbox,
    Current,
    Mailbox, //
};

/// How many values a sender sends in a row, unless there is no room.
const BURST: u32 = 24;

/// Little room, so that it is full every now and then.
type Inbox = Mailbox<Value, 32>;

struct Value {
    sender: u32,
    number: u32,
}

/// Who sends the values `0..total`, in this order.
struct Sender {
    inbox: Arc<Inbox>,
    id: u32,
    next: Atomic<u32>,
    total: u32,
}

impl Sender {
    fn new(inbox: &Arc<Inbox>, id: u32, total: u32) -> Self {
        Self {
            inbox: inbox.clone(),
            id,
            next: Atomic::new(0),
            total: share(id, total),
        }
    }
}

impl Producer for Sender {
    /// The value that finds no room comes first the next time.
    fn produce(&self) {
        let first = self.next.load(Relaxed);
        for number in first..self.total.min(first + BURST) {
            let sender = self.id;
            if self.inbox.send(Value { sender, number }).is_err() {
                Row::NoRoom.add(1);
                break;
            }
            self.next.store(number + 1, Relaxed);
        }
    }

    fn has_more(&self) -> bool {
        self.next.load(Relaxed) < self.total
    }
}

pub(crate) fn run(rounds: u32, seed: u64) -> Result {
    let total = rounds * ROUND;
    let inbox = Arc::pin_init(new_mailbox!("inbox"), GFP_KERNEL)?;
    let senders = producers::make(|id| Ok(Sender::new(&inbox, id, total)))?;
    let received = Atomic::new(0);
    let result = kthread::scope(|scope| -> Result {
        let (inbox, received) = (&inbox, &received);
        let receiver = kthread::builder!("torture/receiver")?
            .run_scoped(scope, |cx| receive(&cx, inbox, received, total))?;
        // Joined when all values have come or the receiver gave up.
        let _threads = producers::start(&senders, seed)?;
        crew::finish("send", receiver)
    });
    let left: usize = inbox.receiver()?.close().count();
    let sent = senders.iter().map(|sender| sender.next.load(Relaxed)).sum();
    Row::Sent.add(sent);
    Row::Received.add(received.load(Relaxed));
    // CAST: No more than were sent.
    Row::Left.add(left as u32);
    result?;
    ensure!(left == 0, "send: there are more values than were sent\n");
    Ok(())
}

/// Receives all values, and checks that none is lost, none comes twice, and those of each sender
/// come in order.
fn receive(cx: &Current<'_>, inbox: &Inbox, received: &Atomic<u32>, total: u32) -> Result {
    let mut receiver = inbox.receiver()?;
    let mut next = [0; PRODUCERS as usize];
    while received.load(Relaxed) < total {
        for Value { sender, number } in Row::Receive.attempt(|| receiver.receive(cx))? {
            received.fetch_add(1, Relaxed);
            // CAST: A small number.
            let expected = next.get_mut(sender as usize).ok_or(EINVAL)?;
            ensure!(
                number == *expected,
                "send: {} came from sender {}, instead of {}\n",
                number,
                sender,
                *expected
            );
            *expected += 1;
        }
    }
    Ok(())
}
