// SPDX-License-Identifier: GPL-2.0

//! Cleanup: a thread with resources of its own, which are given back whichever way it ends.
//!
//! It ends by itself, by an error, because an allocation fails, because it is stopped, or before
//! it ran at all. None of these ways has a line of cleaning up: what a thread owns is dropped.
//!
//! ```text
//! insmod kthread_cleanup.ko transfers=3 && rmmod kthread_cleanup
//! insmod kthread_cleanup.ko fails_in=2 && rmmod kthread_cleanup
//! insmod kthread_cleanup.ko bytes=1000000000 && rmmod kthread_cleanup
//! insmod kthread_cleanup.ko stopped=1 && rmmod kthread_cleanup
//! dmesg | grep kthread_cleanup
//! ```

use kernel::{
    alloc::flags::__GFP_NOWARN,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
    time::Delta, //
};
use kthread::{
    Current,
    Exit,
    Task, //
};

module! {
    type: Cleanup,
    name: "kthread_cleanup",
    authors: ["The kthread authors"],
    description: "A kernel thread that cleans up whichever way it ends",
    license: "GPL",
    params: {
        transfers: u32 {
            default: 0,
            description: "Transfers after which the thread ends by itself (0: never)",
        },
        fails_in: u32 {
            default: 0,
            description: "The transfer that fails (0: none)",
        },
        bytes: usize {
            default: 4096,
            description: "Size of each transfer's buffer",
        },
        stopped: u8 {
            default: 0,
            description: "Whether the thread is stopped before its first turn (0 or 1)",
        },
    },
}

/// What has been taken, and what of it was given back.
struct Ledger {
    taken: Atomic<u32>,
    given_back: Atomic<u32>,
}

/// Something that must be given back, such as a channel of a device.
struct Channel(Arc<Ledger>);

impl Channel {
    fn take(ledger: &Arc<Ledger>) -> Self {
        ledger.taken.fetch_add(1, Relaxed);
        Self(ledger.clone())
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.0.given_back.fetch_add(1, Relaxed);
    }
}

/// A resource that is made of others. They are dropped in this order.
struct Transfer {
    _channel: Channel,
    buffer: KVec<u8>,
}

impl Transfer {
    fn begin(ledger: &Arc<Ledger>, bytes: usize) -> Result<Self> {
        Ok(Self {
            _channel: Channel::take(ledger),
            // Without memory this gives back the channel. The size is the user's choice, so that
            // is nothing to warn of.
            buffer: KVec::from_elem(0, bytes, GFP_KERNEL | __GFP_NOWARN)?,
        })
    }

    /// Stands for what a device may refuse.
    fn run(&mut self, fails: bool) -> Result {
        self.buffer.fill(1);
        if fails {
            Err(EIO)
        } else {
            Ok(())
        }
    }
}

/// The sample module.
struct Cleanup {
    task: Option<Task<Result>>,
    ledger: Arc<Ledger>,
}

impl kernel::Module for Cleanup {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let ledger = Arc::new(
            Ledger {
                taken: Atomic::new(0),
                given_back: Atomic::new(0),
            },
            GFP_KERNEL,
        )?;
        // The closure owns it. If there is no thread for the closure, that is dropped as well.
        let control = Channel::take(&ledger);
        let created = kthread::builder!("cleanup")?.create(move |cx| work(cx, control))?;
        // Linux 7.2 gives out references.
        if u8::clone(&module_parameters::stopped.value()) != 0 {
            created.stop_token().request_stop();
        }
        Ok(Self {
            task: Some(created.start()),
            ledger,
        })
    }
}

/// The body of the thread.
fn work(cx: Current<'_>, control: Channel) -> Result {
    let transfers = u32::clone(&module_parameters::transfers.value());
    let fails_in = u32::clone(&module_parameters::fails_in.value());
    let bytes = usize::clone(&module_parameters::bytes.value());
    let mut number = 0;
    loop {
        number += 1;
        let mut transfer = Transfer::begin(&control.0, bytes)?;
        transfer.run(number == fails_in)?;
        // A stop comes here as a rule, amid a transfer.
        cx.sleep(Delta::from_millis(10))?;
        if number == transfers {
            return Ok(());
        }
    }
}

impl Drop for Cleanup {
    fn drop(&mut self) {
        let Some(Ok(exit)) = self.task.take().map(Task::stop) else {
            return;
        };
        let how = match exit {
            Exit::Returned(Ok(())) => "ended by itself",
            // What `Stopped` becomes.
            Exit::Returned(Err(EINTR)) => "stopped",
            Exit::Returned(Err(ENOMEM)) => "out of memory",
            Exit::Returned(Err(_)) => "failed",
            Exit::NeverRan => "never ran",
            Exit::Crashed => "crashed",
        };
        pr_info!(
            "{how}: {} taken, {} given back\n",
            self.ledger.taken.load(Relaxed),
            self.ledger.given_back.load(Relaxed)
        );
    }
}
