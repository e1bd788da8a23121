// SPDX-License-Identifier: GPL-2.0

//! Waiting until a worker has done what it was given.

use super::core::{
    is_queued,
    try_unlink,
    wake,
    Core, //
};
use crate::{
    bindings,
    compat::{
        EDEADLK,
        ESHUTDOWN, //
    },
    lock_class::LockClass, //
};
use core::ptr::NonNull;
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            ordering::{
                Acquire,
                Release, //
            },
            Atomic, //
        },
        ArcBorrow, //
    },
    task::might_sleep,
    types::Opaque, //
};

/// An item of our own, on the stack of who waits until it is its turn.
///
/// # Invariants
///
/// `work` is initialised.
#[repr(C)]
#[pin_data]
struct Marker {
    #[pin]
    work: Opaque<bindings::kthread_work>,
    /// One of the constants below.
    turn: Atomic<u32>,
}

/// It is not the marker's turn yet.
const WAITING: u32 = 0;
/// It was the marker's turn.
const PASSED: u32 = 1;
/// The marker was thrown out, as the worker is over.
const THROWN_OUT: u32 = 2;

impl Marker {
    fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            work <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid for writes.
                unsafe { init_work(slot, pass) }
            }),
            turn: Atomic::new(WAITING),
        })
    }

    fn work(&self) -> NonNull<bindings::kthread_work> {
        // SAFETY: It is in a reference.
        unsafe { NonNull::new_unchecked(self.work.get()) }
    }
}

/// Initialises an item that runs `function`.
///
/// # Safety
///
/// `work` must be valid for writes.
#[inline(never)]
pub(crate) unsafe fn init_work(
    work: *mut bindings::kthread_work,
    function: unsafe extern "C" fn(*mut bindings::kthread_work),
) {
    // SAFETY: By the safety requirement; all zeroes is a valid value.
    unsafe { work.write_bytes(0, 1) };
    // SAFETY: By the safety requirement.
    unsafe {
        bindings::INIT_LIST_HEAD(&raw mut (*work).node);
        (*work).func = Some(function);
    }
}

/// It is the marker's turn.
///
/// # Safety
///
/// `work` must be in a marker whose owner waits.
unsafe extern "C" fn pass(work: *mut bindings::kthread_work) {
    // SAFETY: By the safety requirement; the item is the first field.
    let marker = unsafe { &*work.cast::<Marker>() };
    // SAFETY: The marker is valid, and belongs to the core that calls it.
    let core = unsafe { Core::of(marker.work()) };
    let over = core.is_none_or(|core| core.is_over());
    // The marker is not used any more after this.
    marker
        .turn
        .store(if over { THROWN_OUT } else { PASSED }, Release);
    // Who calls this keeps the core.
    if let Some(thread) = core.as_ref().and_then(|core| core.thread()) {
        thread.changes.wake_all();
    }
}

/// Where in the queue a marker goes.
enum Place {
    /// Behind everything.
    End,
    /// Right behind this item, be it queued or running. If it has a timer its delay is ended.
    Behind {
        work: NonNull<bindings::kthread_work>,
        timed: bool,
    },
}

impl Core {
    /// Waits until all that was queued before has run.
    ///
    /// # Errors
    ///
    /// - [`EDEADLK`] from the worker's own thread.
    /// - [`ESHUTDOWN`] if the thread is gone.
    #[inline(never)]
    pub(crate) fn flush(self: ArcBorrow<'_, Self>) -> Result {
        self.wait_for(Place::End)
    }

    /// Waits until an item of this worker is neither queued nor running.
    ///
    /// # Errors
    ///
    /// Those of [`flush`](Self::flush).
    ///
    /// # Safety
    ///
    /// The item must be valid, of this worker, and `timed` say whether it is one with a timer.
    #[inline(never)]
    pub(crate) unsafe fn flush_item(
        self: ArcBorrow<'_, Self>,
        work: NonNull<bindings::kthread_work>,
        timed: bool,
    ) -> Result {
        self.wait_for(Place::Behind { work, timed })
    }

    /// Sees to it that the calling task may wait for what is queued.
    ///
    /// # Errors
    ///
    /// [`EDEADLK`] from the worker's own thread.
    /// [`ESHUTDOWN`] if the thread is gone.
    pub(super) fn about_to_wait(&self) -> Result {
        might_sleep();
        if self.is_current() {
            return Err(EDEADLK);
        }
        let thread = self.thread().ok_or(ESHUTDOWN)?;
        if thread.has_ended() {
            return Err(ESHUTDOWN);
        }
        thread.tell_lockdep();
        Ok(())
    }

    fn wait_for(&self, place: Place) -> Result {
        self.about_to_wait()?;
        self.wait_in(&place)
    }

    fn wait_in(&self, place: &Place) -> Result {
        let thread = self.thread().ok_or(ESHUTDOWN)?;
        pin_init::stack_pin_init!(let marker = Marker::new());
        let marker = marker.into_ref().get_ref();
        if !self.insert(marker, place)? {
            return Ok(());
        }
        let done = || marker.turn.load(Acquire) != WAITING;
        thread.wait_until(None, || done() || thread.has_ended());
        let mut turn = marker.turn.load(Acquire);
        if turn == WAITING {
            // A worker that crashed runs nothing any more.
            //
            // SAFETY: The marker is valid, and has no timer.
            if unsafe { self.take_out(marker.work()) } {
                return Err(ESHUTDOWN);
            }
            // If it was not in the queue, it is just being passed.
            thread.wait_until(None, done);
            turn = marker.turn.load(Acquire);
        }
        if turn == PASSED {
            Ok(())
        } else {
            Err(ESHUTDOWN)
        }
    }

    /// Puts a marker in; says whether there is anything to wait for.
    fn insert(&self, marker: &Marker, place: &Place) -> Result<bool> {
        loop {
            match self.try_insert(marker, place)? {
                Some(inserted) => return Ok(inserted),
                None => core::hint::spin_loop(),
            }
        }
    }

    /// Does that, unless the item's timer is just about to queue it.
    fn try_insert(&self, marker: &Marker, place: &Place) -> Result<Option<bool>> {
        let marker = marker.work();
        self.locked(|worker| {
            if self.is_over() {
                return Err(ESHUTDOWN);
            }
            // SAFETY: By the type invariant; the lock is held.
            let list = unsafe { &raw mut (*worker).work_list };
            let before = match *place {
                Place::End => list,
                Place::Behind { work, timed } => {
                    // SAFETY: The caller has a valid item of this worker.
                    let node = unsafe { &raw mut (*work.as_ptr()).node };
                    // SAFETY: As above; the lock is held.
                    if timed && unsafe { is_queued(work) } {
                        let delayed = work.as_ptr().cast::<bindings::kthread_delayed_work>();
                        // SAFETY: As above; the item is the first field of one with a timer.
                        match unsafe { bindings::timer_delete_sync_try(&raw mut (*delayed).timer) }
                        {
                            ..0 => return Ok(None),
                            0 => {}
                            // SAFETY: It is in the list of those with delays; the lock is held.
                            1.. => unsafe {
                                bindings::list_del_init(node);
                                bindings::list_add_tail(node, list);
                            },
                        }
                    }
                    // SAFETY: As above.
                    if unsafe { is_queued(work) } {
                        // SAFETY: As above.
                        unsafe { (*node).next }
                    // SAFETY: The lock is held.
                    } else if core::ptr::eq(unsafe { (*worker).current_work }, work.as_ptr()) {
                        // SAFETY: The lock is held.
                        unsafe { (*list).next }
                    } else {
                        return Ok(Some(false));
                    }
                }
            };
            // SAFETY: The marker is valid, and without a reference of its own to the core.
            unsafe { (*marker.as_ptr()).worker = worker };
            // SAFETY: The marker is in no list, and stays valid until it is passed or taken out.
            unsafe { bindings::list_add_tail(&raw mut (*marker.as_ptr()).node, before) };
            // SAFETY: The lock is held.
            unsafe { wake(worker) };
            Ok(Some(true))
        })
    }

    /// Takes an item of this worker out of the queue, or ends its delay, and waits if it is
    /// running; says whether there was anything to be taken out.
    ///
    /// Meanwhile it cannot be queued. Its run is a lock of this class to lockdep.
    ///
    /// # Errors
    ///
    /// [`EDEADLK`] from the item itself.
    ///
    /// # Safety
    ///
    /// The item must be valid, of this worker, and `timed` say whether it is one with a timer.
    #[inline(never)]
    pub(crate) unsafe fn cancel(
        self: ArcBorrow<'_, Self>,
        work: NonNull<bindings::kthread_work>,
        timed: bool,
        class: LockClass,
    ) -> Result<bool> {
        might_sleep();
        let raw = work.as_ptr();
        if !self.is_current() {
            class.about_to_wait();
        }
        let (taken, running) = loop {
            let step = self.locked(|worker| {
                // What is dropped because the worker is over does not run.
                //
                // SAFETY: The lock is held.
                let current = unsafe { (*worker).current_work };
                let running = !self.is_over() && core::ptr::eq(current, raw);
                if running && self.is_current() {
                    return Err(EDEADLK);
                }
                // SAFETY: By the safety requirements; the lock is held.
                let taken = unsafe { try_unlink(work, timed) };
                if running && taken.is_some() {
                    // Not while its timer is about to queue it: C would lose what it owns.
                    //
                    // SAFETY: As above.
                    unsafe { (*raw).canceling += 1 };
                }
                Ok(taken.map(|taken| (taken, running)))
            })?;
            match step {
                Some(done) => break done,
                None => core::hint::spin_loop(),
            }
        };
        if running {
            // Lockdep is not told of the worker: to it this would be a wait for all items.
            let place = Place::Behind { work, timed: false };
            // If the thread is gone the item does not run.
            let _ = self.wait_in(&place);
            // SAFETY: By the safety requirements; the lock is held.
            self.locked(|_| unsafe { (*raw).canceling -= 1 });
        }
        Ok(taken)
    }
}
