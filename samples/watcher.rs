// SPDX-License-Identifier: GPL-2.0

//! Watcher: a thread that tells user space of events, by a program of the administrator's choice.
//!
//! Each event has a number, which the program finds in the variable `EVENT`. Here they come from a
//! file in debugfs, in place of a device.
//!
//! ```text
//! insmod kthread_watcher.ko
//! echo /path/of/program > /proc/sys/kernel/watcher_helper
//! echo 7 > /sys/kernel/debug/watcher/event
//! dmesg | grep kthread_watcher
//! ```

use kernel::{
    debugfs::{
        Dir,
        File, //
    },
    new_spinlock,
    prelude::*,
    str::CString,
    sync::{
        Arc,
        SpinLock, //
    },
    uaccess::UserSliceReader, //
};
use kthread::{
    new_wait_queue,
    Command,
    Current,
    Helper,
    Stopped,
    Task,
    WaitQueue, //
};

module! {
    type: Watcher,
    name: "kthread_watcher",
    authors: ["The kthread authors"],
    description: "A kernel thread that runs a program for each event",
    license: "GPL",
}

/// What has happened, and was not told yet.
#[pin_data]
struct Events {
    #[pin]
    pending: SpinLock<Option<u32>>,
    #[pin]
    arrived: WaitQueue,
}

impl Events {
    fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            pending <- new_spinlock!(None),
            arrived <- new_wait_queue!("watcher"),
        })
    }

    /// Could as well be called by an interrupt that the lock is made for.
    fn raise(&self, event: u32) -> Result {
        let mut pending = self.pending.lock();
        if pending.is_some() {
            // The thread is busy, and no event may be lost unseen.
            return Err(EBUSY);
        }
        *pending = Some(event);
        drop(pending);
        self.arrived.wake_one();
        Ok(())
    }
}

/// The sample module. Unloading drops it: the file, so that nothing happens any more, and then the
/// thread, which takes away the helper's name.
#[pin_data]
struct Watcher {
    #[pin]
    file: File<Arc<Events>>,
    dir: Dir,
    task: Task<Result<(), Stopped>>,
}

impl kernel::InPlaceModule for Watcher {
    fn init(_module: &'static ThisModule) -> impl PinInit<Self, Error> {
        pin_init::pin_init_scope(|| {
            let events = Arc::pin_init(Events::new(), GFP_KERNEL)?;
            let helper = kthread::helper!("watcher_helper")?;
            let task = kthread::run!("watcher", {
                let events = events.clone();
                move |cx| watch(cx, &events, &helper)
            })?;
            let dir = Dir::new(c"watcher");
            Ok(try_pin_init!(Self {
                file <- dir.write_callback_file(c"event", events, &write),
                dir,
                task,
            }? Error))
        })
    }
}

/// Called by whoever writes a number to the file.
fn write(events: &Arc<Events>, reader: &mut UserSliceReader) -> Result {
    let mut text = [0; 16];
    let text = text.get_mut(..reader.len()).ok_or(EINVAL)?;
    reader.read_slice(text)?;
    let text = core::str::from_utf8(text).map_err(|_| EINVAL)?;
    events.raise(text.trim().parse().map_err(|_| EINVAL)?)
}

/// The body of the thread.
fn watch(cx: Current<'_>, events: &Events, helper: &Helper) -> Result<(), Stopped> {
    loop {
        let event = cx.wait(&events.arrived, || events.pending.lock().take())?;
        let command = match command(helper, event) {
            Ok(Some(command)) => command,
            Ok(None) => {
                pr_info!("event {event}: no helper is set\n");
                continue;
            }
            Err(error) => {
                pr_err!("event {event} is lost: {error:?}\n");
                continue;
            }
        };
        // When the module is unloaded the helper is killed, and the thread leaves here.
        match command.status(&cx)? {
            Ok(status) => pr_info!("event {event}: the helper ended with {status}\n"),
            Err(error) => pr_info!("event {event}: the helper does not run: {error:?}\n"),
        }
    }
}

/// What is to be run for an event, if there is a helper.
fn command(helper: &Helper, event: u32) -> Result<Option<Command>> {
    let Some(command) = helper.command()? else {
        return Ok(None);
    };
    let event = CString::try_from_fmt(fmt!("{event}"))?;
    Ok(Some(command.env(c"EVENT", &event)?))
}
