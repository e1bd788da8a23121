// SPDX-License-Identifier: GPL-2.0

//! Joins threads: first in a way that is fine, then in one that could deadlock.

use kernel::{
    new_mutex,
    prelude::*,
    sync::Arc,
    time::{
        delay::fsleep,
        Delta, //
    },
};
use kthread::Exit;

module! {
    type: CircularJoin,
    name: "kthread_circular_join",
    authors: ["The kthread authors"],
    description: "Joins a thread under a lock that the thread takes",
    license: "GPL",
}

struct CircularJoin;

impl kernel::Module for CircularJoin {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        tree(3)?;
        pr_info!("the tree is down\n");
        circular()?;
        Ok(Self)
    }
}

/// Threads that wait for threads which were made at the same place.
fn tree(levels: u32) -> Result {
    if levels == 0 {
        return Ok(());
    }
    let mut children = KVec::new();
    for _ in 0..2 {
        let child = kthread::run!("tree/{}", levels, move |_cx| tree(levels - 1))?;
        children.push(child, GFP_KERNEL)?;
    }
    for child in children {
        match child.join()? {
            Exit::Returned(result) => result?,
            Exit::NeverRan | Exit::Crashed => return Err(EIO),
        }
    }
    Ok(())
}

/// Would deadlock if the thread were a little slower.
fn circular() -> Result {
    let lock = Arc::pin_init(new_mutex!(()), GFP_KERNEL)?;
    let task = kthread::run!("locker", {
        let lock = lock.clone();
        move |_cx| drop(lock.lock())
    })?;
    while !task.is_finished() {
        fsleep(Delta::from_millis(1));
    }
    let _guard = lock.lock();
    match task.join()? {
        Exit::Returned(()) => Ok(()),
        Exit::NeverRan | Exit::Crashed => Err(EIO),
    }
}
