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
    reaper,
    stack::KeptStack, //
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

    header.park_point();
    if !header.should_stop() {
        header.run_closure();
    }
    let before = header.flags.set(ENDED);
    header.changes.tell();
    if before & UNOWNED != 0 {
        header.discard_result();
        reaper::wake();
    }
    0
}

impl Header {
    /// Runs the closure. Called by the thread itself, once.
    fn run_closure(&self) {
        let _stack = KeptStack::of_current();
        self.phase.store(Phase::Running, Release);
        self.changes.tell();
        self.body.hold(|| {
            // SAFETY: The packet held the closure, and only its own thread gets here, once.
            unsafe { (self.vtable.run)(self.block, Current::new(self)) };
        });
        self.phase.store(Phase::Returned, Release);
    }
}
