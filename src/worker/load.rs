// SPDX-License-Identifier: GPL-2.0

//! How much a worker has to do.

use super::core::{
    now,
    Core, //
};
use crate::bindings;
use kernel::{
    fmt,
    str::CStr,
    sync::atomic::Relaxed,
    time::Delta, //
};

/// What a worker has to do, and has done.
pub(crate) struct Load {
    pub(crate) queued: Count,
    pub(crate) delayed: Count,
    pub(crate) runs: usize,
}

/// A number of items, of which not too many were counted.
pub(crate) struct Count(usize);

/// How many are counted, as it is done under the worker's lock.
const MANY: usize = 1000;

impl fmt::Display for Count {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 < MANY {
            fmt::Display::fmt(&self.0, f)
        } else {
            f.pad(">999")
        }
    }
}

impl Core {
    /// What there is to do.
    pub(crate) fn load(&self) -> Load {
        self.locked(|worker| Load {
            // SAFETY: By the type invariant; the lock is held.
            queued: unsafe { count(&raw const (*worker).work_list) },
            // SAFETY: As above.
            delayed: unsafe { count(&raw const (*worker).delayed_work_list) },
            runs: self.runs.load(Relaxed),
        })
    }

    /// The name of what the item is that runs, and how long it has, in the kernel's ticks.
    ///
    /// # Safety
    ///
    /// The thread must be in the registry for as long as the name is used.
    pub(crate) unsafe fn running(&self) -> Option<(&CStr, Delta)> {
        // SAFETY: By the type invariant, as the module, and with it what is called below, is there
        // while the thread is registered.
        let item = unsafe { self.item.load(Relaxed).as_ref() }?;
        let jiffies = now().wrapping_sub(self.since.load(Relaxed));
        // CAST: No more bits than that.
        // SAFETY: The function has no requirements.
        let millis = unsafe { bindings::jiffies64_to_msecs(jiffies as u64) };
        Some((
            item.class().name(),
            Delta::from_millis(millis.try_into().unwrap_or(i64::MAX)),
        ))
    }
}

/// # Safety
///
/// It must be one of the lists of a worker, whose lock must be held.
unsafe fn count(list: *const bindings::list_head) -> Count {
    let mut count = 0;
    // SAFETY: By the safety requirements.
    let mut entry = unsafe { (*list).next.cast_const() };
    while entry != list && count < MANY {
        count += 1;
        // SAFETY: The entry is in the list, and the lock is held.
        entry = unsafe { (*entry).next };
    }
    Count(count)
}
