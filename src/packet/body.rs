// SPDX-License-Identifier: GPL-2.0

//! What a thread runs.

use super::{
    flags::{
        ENDED,
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
        self.hold_body(|| {
            // SAFETY: The packet held the closure, and only its own thread gets here, once.
            unsafe { (self.vtable.run)(self.block, Current::new(self)) };
        });
        self.ignore_signals();
        self.phase.store(Phase::Returned, Release);
    }

    /// Calls what belongs to the thread's body, as a lock to lockdep.
    ///
    /// One that can be frozen does without, as a task that is frozen with a lock is reported:
    /// rightly for other locks, in whatever sleep that is.
    fn hold_body(&self, body: impl FnOnce()) {
        if self.is_freezable() {
            body();
        } else {
            self.body.hold(body);
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
