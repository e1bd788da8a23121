// SPDX-License-Identifier: GPL-2.0

//! What a thread runs.

use super::{
    flags::{
        ENDED,
        SERVES,
        UNOWNED, //
    },
    Header,
    Phase, //
};
use crate::{
    current::Current,
    reaper, //
};
use kernel::{
    prelude::*,
    sync::atomic::ordering::Release, //
};

/// Where each thread of the crate begins.
///
/// # Safety
///
/// `data` must be the packet of the calling thread.
pub(super) unsafe extern "C" fn thread_main(data: *mut c_void) -> c_int {
    // SAFETY: By the safety requirements `data` is a packet, which begins with its header. The
    // registry keeps it until the thread is gone.
    let header = unsafe { &*data.cast::<Header>() };

    header.set_freezable();
    header.park_point();
    if !header.should_stop() {
        header.run_closure();
    }
    header.end();
    0
}

impl Header {
    /// Runs the closure. Called by the thread itself, once.
    fn run_closure(&self) {
        self.phase.store(Phase::Running, Release);
        self.changes.wake_all();
        let run = || {
            // SAFETY: The packet held the closure, and only its own thread gets here, once.
            unsafe { (self.vtable.run)(self.block, Current::new(self)) };
        };
        if self.flags.has(SERVES) {
            // Each item is a part of the body.
            run();
        } else {
            self.hold_body(run);
        }
        self.ignore_signals();
        self.phase.store(Phase::Returned, Release);
    }

    /// Calls what belongs to the thread's body, as a lock to lockdep.
    fn hold_body(&self, body: impl FnOnce()) {
        self.enter_body();
        body();
        self.leave_body();
    }

    /// Tells lockdep that the thread begins with a part of its body.
    ///
    /// Not if it can be frozen, as a task that is frozen with a lock is reported: rightly for other
    /// locks, in whatever sleep that is.
    #[inline(never)]
    pub(crate) fn enter_body(&self) {
        if cfg!(CONFIG_LOCKDEP) && !self.is_freezable() {
            self.body.acquire();
        }
    }

    /// Tells lockdep that the thread is done with that.
    #[inline(never)]
    pub(crate) fn leave_body(&self) {
        if cfg!(CONFIG_LOCKDEP) && !self.is_freezable() {
            self.body.release();
        }
    }

    /// Says that the thread is past its closure.
    fn end(&self) {
        let owned = self
            .flags
            .change(|now| (now & UNOWNED == 0).then_some(now | ENDED))
            .is_ok();
        if !owned {
            // Nobody will fetch the result. It is dropped here, and not by the reaper, which would
            // have to wait for it, and might crash over it.
            self.hold_body(|| {
                self.discard_closure();
                self.discard_result();
            });
            self.flags.set(ENDED);
        }
        self.changes.wake_all();
        if !owned {
            reaper::wake();
        }
    }
}
