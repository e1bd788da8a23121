// SPDX-License-Identifier: GPL-2.0

//! `workers`: what each worker has to do.

use crate::{
    packet::Header,
    registry,
    worker::Core, //
};
use kernel::{
    fmt,
    prelude::*, //
};

pub(super) fn show_all(_: &(), f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_fmt(fmt!(
        "{:>7} {:>7} {:>7} {:>10} {:>11} {:<32} THREAD\n",
        "PID",
        "QUEUED",
        "DELAYED",
        "RUN",
        "FOR",
        "ITEM"
    ))?;
    let mut result = Ok(());
    registry::find(|thread| {
        // SAFETY: The thread is registered while this is called.
        if let Some(core) = unsafe { thread.queue() } {
            result = show(thread, core, f);
        }
        result.is_err()
    });
    result
}

fn show(thread: &Header, core: &Core, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let load = core.load();
    f.write_fmt(fmt!(
        "{:>7} {:>7} {:>7} {:>10} ",
        thread.pid(),
        load.queued,
        load.delayed,
        load.runs
    ))?;
    // SAFETY: The thread is registered.
    match unsafe { core.running() } {
        None => f.write_fmt(fmt!("{:>11} {:<32}", "-", "-"))?,
        Some((item, time)) => f.write_fmt(fmt!(
            "{:>7}.{:03} {:<32}",
            time.as_millis() / 1000,
            time.as_millis() % 1000,
            item.to_str().unwrap_or("?")
        ))?,
    }
    f.write_fmt(fmt!(" {}\n", thread.name()))
}
