// SPDX-License-Identifier: GPL-2.0

//! Kernel threads.
//!
//! A kernel thread runs a closure in a `task_struct` of its own. This crate gives out an owned
//! handle, [`Task`], for each thread that it starts:
//!
//! - Dropping the handle asks the thread to stop, wakes it and waits until it is gone.
//! - The closure gets a [`Current`], the proof that it runs in such a thread; all that only the
//!   thread itself may do hangs off it.
//! - A thread never outlives the module whose code it runs, not even when its handle was
//!   forgotten: what a module leaks is stopped while the module is being unloaded.
//!
//! # The life of a thread
//!
//! ```text
//!  run!           first time on a CPU            closure returns
//!   │   created ───────────────────────▶ running ───────────────▶ returned
//!   ▼      │                             │  ▲ │
//! packet   │ stopped before         park │  │ │ oops
//!          ▼                             ▼  │ ▼
//!       never ran                     parked crashed
//! ```
//!
//! [`builder!`] settles name, CPUs and policy before the start, [`Task::detach`] gives a thread up,
//! and in a [`scope()`] threads may borrow from their maker. [`StopToken`] stops a thread from
//! anywhere, and [`ParkGuard`] holds it for a while. A [`Mailbox`] takes values for a thread, also
//! from interrupts.
//!
//! Closure, result and the state above live in one reference-counted block per thread, the packet.
//! Whichever way the thread ends, the closure is dropped exactly once, by the thread, by the owner
//! of the handle or by the registry that watches over unloading modules; and so is the result, if
//! it is not taken.
//!
//! # What a thread waits for
//!
//! | for | by |
//! |---|---|
//! | a while, or a point in time | [`Current::sleep`], [`Current::sleep_until`] |
//! | the next tick of a steady rate | [`Current::every`] |
//! | a condition | [`Current::wait`] and its relatives, in a [`WaitQueue`] |
//! | something that an interrupt tells of | [`Current::wait_event`], for an [`Event`] |
//! | a signal | [`Current::wait_interruptible`], if it is [allowed](Current::allow_signal) |
//!
//! Each of these ends when the thread is asked to stop, and parks it when that is asked for. A
//! [freezable](Builder::freezable) thread is frozen there while the system is suspended.
//!
//! # Workers
//!
//! A [`Worker`] is a thread that runs items, one after the other: [`Work`] that is part of a
//! struct, [`DelayedWork`] that is to run later, and closures, for which a [`Job`] stands. All that
//! give it something to do use its [`Queue`].
//!
//! # Threads of each CPU
//!
//! A [`PerCpu`] is one thread for each CPU, which comes and goes with it: what the threads do is a
//! type that is [`PerCpuThread`].
//!
//! # Programs of user space
//!
//! A [`Command`] is a program of user space that a thread runs, and waits for; a [`Helper`] is one
//! that the administrator chooses.
//!
//! # Examples
//!
//! A thread that polls something until its handle is dropped:
//!
//! ```
//! use kernel::time::Delta;
//! use kthread::Stopped;
//!
//! let poller = kthread::run!("poller", |cx| -> Result<(), Stopped> {
//!     loop {
//!         pr_info!("polled\n");
//!         // Ends early, with `Err(Stopped)`, when the thread is asked to stop.
//!         cx.sleep(Delta::from_millis(100))?;
//!     }
//! })?;
//! drop(poller);
//! # Ok::<(), Error>(())
//! ```
//!
//! C header: [`include/linux/kthread.h`](srctree/include/linux/kthread.h)

use kernel::prelude::*;

mod bindings;
mod builder;
mod command;
mod compat;
mod crash;
mod created;
mod current;
mod delayed_work;
mod event;
mod exit_status;
mod helper;
mod job;
mod live_view;
mod lock_class;
mod lookout;
mod mailbox;
mod module;
mod name;
mod notifier;
mod once;
mod owner;
mod packet;
mod park_guard;
mod per_cpu;
mod placement;
mod policy;
mod raw_list;
mod reaper;
mod registry;
mod scope;
mod signal;
mod sleep;
mod state;
mod stop_token;
mod task;
mod ticks;
mod wait_queue;
mod work;
mod worker;

pub use crate::{
    builder::Builder,
    command::Command,
    created::Created,
    current::{
        Current,
        Interrupted,
        Stopped, //
    },
    delayed_work::{
        DelayedWork,
        DelayedWorkItemPointer,
        HasDelayedWork, //
    },
    event::Event,
    exit_status::ExitStatus,
    helper::Helper,
    job::Job,
    lock_class::LockClass,
    mailbox::{
        Batch,
        Mailbox,
        Receiver,
        Rest,
        SendError, //
    },
    owner::Owner,
    park_guard::ParkGuard,
    per_cpu::{
        Leave,
        PerCpu,
        PerCpuContext,
        PerCpuThread, //
    },
    policy::{
        Nice,
        Policy, //
    },
    scope::{
        scope,
        Scope, //
    },
    signal::Signal,
    state::State,
    stop_token::StopToken,
    task::{
        Exit,
        Task, //
    },
    ticks::Ticks,
    wait_queue::{
        Outcome,
        WaitQueue, //
    },
    work::{
        HasWork,
        Work,
        WorkItem,
        WorkItemPointer, //
    },
    worker::{
        EnqueueError,
        Queue,
        WorkContext,
        Worker, //
    },
};

/// For the macros of this crate.
#[doc(hidden)]
pub mod __private {
    pub use crate::{
        builder::this_module_needs_the_kthread_that_it_was_built_with,
        compat::{
            EDEADLK,
            ESHUTDOWN, //
        }, //
    };

    pub type RawWork = core::ptr::NonNull<crate::bindings::kthread_work>;
}

module! {
    type: module::Kthread,
    name: "rust_kthread",
    authors: ["The kthread authors"],
    description: "Safe kernel threads for Rust drivers",
    license: "GPL",
}
