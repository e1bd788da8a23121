// SPDX-License-Identifier: GPL-2.0

//! `threads`: all threads of the crate.
//!
//! Nothing is counted or kept for it: what is shown is read from the threads and their tasks while
//! they are shown.

use crate::{
    bindings,
    packet::Header,
    registry, //
};
use core::panic::Location;
use kernel::{
    fmt,
    prelude::*,
    str::CStr,
    task::Task,
    time::Delta, //
};

pub(super) fn show_all(_: &(), f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_fmt(fmt!(
        "{:>7} {:>3} {:<8} {:>4} {:<8} {:>11} {:>9} {} {:<24} THREAD\n",
        "PID",
        "CPU",
        "POLICY",
        "PRIO",
        "STATE",
        "AGE",
        "WAKEUPS",
        "              AT      ",
        "MODULE"
    ))?;
    let mut result = Ok(());
    registry::find(|thread| {
        if let Some(task) = thread.task() {
            result = show(thread, task, f);
        }
        result.is_err()
    });
    result
}

/// Shows one thread, which must be registered.
fn show(thread: &Header, task: &Task, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    // SAFETY: As the thread is registered, its module is there, or it is null for the kernel.
    let module = unsafe { thread.owner().as_ref() }.map_or(c"-", |module| {
        // SAFETY: The name of a module is a NUL-terminated string that does not change.
        unsafe { CStr::from_char_ptr((&raw const module.name).cast()) }
    });
    let raw = task.as_ptr();
    // SAFETY: The task is valid. These are words that C changes at any time.
    let (started, switches, policy, priority) = unsafe {
        (
            (&raw const (*raw).start_time).read_volatile(),
            (&raw const (*raw).nvcsw).read_volatile(),
            (&raw const (*raw).policy).read_volatile(),
            (&raw const (*raw).rt_priority).read_volatile(),
        )
    };
    let (policy, priority) = match policy {
        bindings::SCHED_NORMAL => ("normal", task_nice(task)),
        // CAST: At most 99.
        bindings::SCHED_FIFO => ("fifo", priority as i32),
        _ => ("other", 0),
    };
    // SAFETY: Reading the clock has no requirements.
    let age = Delta::from_nanos(unsafe { bindings::ktime_get() }.saturating_sub_unsigned(started));
    f.write_fmt(fmt!(
        "{:>7} {:>3} {:<8} {:>4} {:<8} {:>7}.{:03} {:>9} {} {:<24} {}\n",
        task.pid(),
        thread.cpu(),
        policy,
        priority,
        thread.state(),
        age.as_millis() / 1000,
        age.as_millis() % 1000,
        switches,
        // SAFETY: The thread is registered.
        At(unsafe { thread.place() }),
        module.to_str().unwrap_or("?"),
        thread.name()
    ))
}

/// Where a thread sleeps or waits: a file, without its folder, and a line.
struct At<'a>(Option<&'a Location<'a>>);

impl fmt::Display for At<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            None => f.write_fmt(fmt!("{:>16} {:<5}", "-", "")),
            Some(place) => {
                let file = place.file();
                let name = file.rsplit('/').next().unwrap_or(file);
                f.write_fmt(fmt!("{:>16}:{:<5}", name, place.line()))
            }
        }
    }
}

fn task_nice(task: &Task) -> i32 {
    // SAFETY: The task is valid.
    unsafe { bindings::task_nice(task.as_ptr()) }
}
