// SPDX-License-Identifier: GPL-2.0

//! What a worker's thread, its handles and its items share.

use super::context::ItemType;
use crate::{
    bindings,
    builder::Plan,
    lock_class::LockClass,
    once::{
        read_once,
        write_once, //
    },
    packet::{
        flags::{
            FINISHED,
            SIGNALS,
            STOP,
            UNOWNED, //
        },
        Header, //
    },
    reaper, //
};
use core::{
    ops::Range,
    ptr::{
        self,
        NonNull, //
    }, //
};
use kernel::{
    container_of,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::{
            ordering::{
                Full,
                Relaxed,
                Release, //
            },
            Atomic,
            AtomicFlag, //
        },
        Arc,
        ArcBorrow, //
    },
    types::Opaque, //
};

/// The queue of a worker, and what belongs to it.
///
/// # Invariants
///
/// - `worker` is initialised. Its lock protects its lists, which hold `kthread_work`s that are
///   valid for as long as they are in there, and own what they are in.
/// - An item whose `worker` is that of a core owns a reference to the core.
/// - `item` is null, or a type that is there while the worker's module is.
/// - `thread` is null, or a header that the core owns a reference to. It is set before anybody but
///   the maker and the registry knows of the core.
#[pin_data(PinnedDrop)]
pub(crate) struct Core {
    #[pin]
    worker: Opaque<bindings::kthread_worker>,
    thread: Atomic<*mut Header>,
    /// Where the functions of items may lie: in the module that the worker belongs to. Copied, as a
    /// queue may be there for longer.
    code: Range<usize>,
    /// What is queued is to run before the thread ends.
    orderly: AtomicFlag,
    /// How many items have run. Changed by the thread only.
    pub(super) runs: Atomic<usize>,
    /// What the item is that runs, or null. Changed by the thread only.
    pub(super) item: Atomic<*mut ItemType>,
    /// Since when, in jiffies.
    pub(super) since: Atomic<c_ulong>,
    /// Nothing runs any more; what is still in the queue is to be dropped.
    over: Atomic<bool>,
}

// SAFETY: A worker may be used and freed by any task, and has a lock of its own.
unsafe impl Send for Core {}

// SAFETY: As above.
unsafe impl Sync for Core {}

/// Why an item is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Pending,
    Closed,
    OtherWorker,
    OtherModule,
}

impl Core {
    /// Makes the core of a worker that has no thread yet.
    pub(super) fn new(plan: &Plan) -> Result<Arc<Self>> {
        let (code, freezable) = (plan.owner.code(), plan.freezable);
        // Not that of the thread's body.
        let class = crate::__lock_class!();
        let init = pin_init!(Self {
            // INVARIANT: Initialised here.
            worker <- Opaque::ffi_init(move |slot: *mut bindings::kthread_worker| {
                // SAFETY: `slot` is valid for writes; name and key are static.
                unsafe {
                    bindings::__kthread_init_worker(slot, class.name().as_char_ptr(), class.key());
                    if freezable {
                        (*slot).flags = bindings::KTW_FREEZABLE;
                    }
                }
            }),
            thread: Atomic::new(ptr::null_mut()),
            code,
            orderly: AtomicFlag::new(false),
            runs: Atomic::new(0),
            item: Atomic::new(ptr::null_mut()),
            since: Atomic::new(0),
            over: Atomic::new(false),
        });
        Arc::pin_init(init, GFP_KERNEL)
    }

    /// Tells the core its thread, which has not begun.
    pub(super) fn set_thread(&self, thread: &Header) {
        // INVARIANT: The reference passes to the core.
        let thread = ARef::into_raw(ARef::from(thread));
        // A reader sees the header whole, as it is reached by this pointer.
        self.thread.store(thread.as_ptr(), Release);
    }

    /// The core that an item belongs to, if it belongs to one.
    ///
    /// # Safety
    ///
    /// The item must be valid for the lifetime.
    pub(crate) unsafe fn of<'a>(
        work: NonNull<bindings::kthread_work>,
    ) -> Option<ArcBorrow<'a, Self>> {
        // SAFETY: By the safety requirement; C writes nothing else there than we do.
        let worker = read_once(unsafe { Atomic::from_ptr(&raw mut (*work.as_ptr()).worker) });
        if worker.is_null() {
            return None;
        }
        // SAFETY: By the type invariant it is that of a core, with a reference that the item owns.
        Some(unsafe { ArcBorrow::from_raw(Self::of_worker(worker)) })
    }

    /// # Safety
    ///
    /// `worker` must be in a core.
    unsafe fn of_worker(worker: *mut bindings::kthread_worker) -> *const Self {
        // SAFETY: By the safety requirement.
        unsafe { container_of!(Opaque::cast_from(worker), Self, worker) }
    }

    pub(super) fn worker(&self) -> *mut bindings::kthread_worker {
        self.worker.get()
    }

    /// The thread.
    pub(crate) fn thread(&self) -> Option<&Header> {
        // SAFETY: By the type invariant.
        unsafe { read_once(&self.thread).as_ref() }
    }

    /// Says whether the calling task is the worker's thread.
    pub(super) fn is_current(&self) -> bool {
        self.thread().is_some_and(Header::is_current)
    }

    /// Says whether nothing is accepted any more.
    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.thread().is_none_or(|thread| thread.flags.has(STOP))
    }

    /// Says whether items are to be dropped instead of run.
    #[inline]
    pub(crate) fn is_over(&self) -> bool {
        read_once(&self.over)
    }

    /// Calls `body` under the lock.
    pub(super) fn locked<R>(&self, body: impl FnOnce(*mut bindings::kthread_worker) -> R) -> R {
        let worker = self.worker.get();
        // SAFETY: By the type invariant.
        let flags = unsafe { bindings::raw_spin_lock_irqsave(&raw mut (*worker).lock) };
        let result = body(worker);
        // SAFETY: The lock was taken above.
        unsafe { bindings::raw_spin_unlock_irqrestore(&raw mut (*worker).lock, flags) };
        result
    }

    /// Queues an item, at once or after a delay in jiffies. It then owns what it is in until it is
    /// run.
    ///
    /// # Errors
    ///
    /// Why it was not queued; it owns nothing then.
    ///
    /// # Safety
    ///
    /// The item must be valid until it is run, or taken out again; with a timer for a delay.
    #[inline(never)]
    pub(super) unsafe fn enqueue(
        self: ArcBorrow<'_, Self>,
        work: NonNull<bindings::kthread_work>,
        delay: c_ulong,
    ) -> Result<(), Refusal> {
        // SAFETY: By the safety requirement.
        unsafe { self.bind(work) }?;
        self.locked(|worker| {
            self.may_queue(work)?;
            // SAFETY: By the safety requirement.
            if unsafe { is_queued(work) } {
                return Err(Refusal::Pending);
            }
            // SAFETY: By the safety requirement; the item is in no list, and the lock is held.
            unsafe { insert(worker, work, delay) };
            // Whoever is next to hold the lock may run the item, which is not to be used here any
            // more.
            Ok(())
        })
    }

    /// Queues an item with a timer anew, wherever it is; says whether it was queued already.
    ///
    /// # Errors
    ///
    /// Why it was not queued; it is where it was then.
    ///
    /// # Safety
    ///
    /// Those of [`enqueue`](Self::enqueue).
    #[inline(never)]
    pub(super) unsafe fn enqueue_anew(
        self: ArcBorrow<'_, Self>,
        work: NonNull<bindings::kthread_work>,
        delay: c_ulong,
    ) -> Result<bool, Refusal> {
        // SAFETY: By the safety requirement.
        unsafe { self.bind(work) }?;
        loop {
            let step = self.locked(|worker| {
                self.may_queue(work)?;
                // SAFETY: By the safety requirement; the lock is held.
                let taken = unsafe { try_unlink(work, true) };
                if taken.is_some() {
                    // SAFETY: As above; the item is in no list.
                    unsafe { insert(worker, work, delay) };
                }
                Ok(taken)
            })?;
            match step {
                Some(taken) => return Ok(taken),
                None => core::hint::spin_loop(),
            }
        }
    }

    /// Says whether an item may be queued. To be called under the lock, as the queue is emptied
    /// under it after it was closed.
    fn may_queue(&self, work: NonNull<bindings::kthread_work>) -> Result<(), Refusal> {
        if self.is_closed() {
            Err(Refusal::Closed)
        // SAFETY: The caller has a valid item, and holds the lock.
        } else if unsafe { (*work.as_ptr()).canceling } != 0 {
            Err(Refusal::Pending)
        } else {
            Ok(())
        }
    }

    /// Lets an item belong to the worker, from the first time that it is queued.
    ///
    /// # Safety
    ///
    /// The item must be valid.
    unsafe fn bind(
        self: ArcBorrow<'_, Self>,
        work: NonNull<bindings::kthread_work>,
    ) -> Result<(), Refusal> {
        let mine = self.worker.get();
        // SAFETY: By the safety requirement; C writes nothing else there than we do.
        let worker = unsafe { Atomic::from_ptr(&raw mut (*work.as_ptr()).worker) };
        let bound = read_once(worker);
        if ptr::eq(bound, mine) {
            return Ok(());
        }
        // SAFETY: By the safety requirement.
        unsafe { self.bind_first(work, worker, bound) }
    }

    /// Does so for the first time, or says why not.
    ///
    /// # Safety
    ///
    /// The item must be valid.
    #[cold]
    unsafe fn bind_first(
        self: ArcBorrow<'_, Self>,
        work: NonNull<bindings::kthread_work>,
        worker: &Atomic<*mut bindings::kthread_worker>,
        bound: *mut bindings::kthread_worker,
    ) -> Result<(), Refusal> {
        let mine = self.worker.get();
        if self.is_closed() {
            return Err(Refusal::Closed);
        }
        if !bound.is_null() {
            return Err(Refusal::OtherWorker);
        }
        // SAFETY: By the safety requirement; the field does not change.
        let code = unsafe { (*work.as_ptr()).func };
        if !code.is_some_and(|code| self.code.contains(&(code as usize))) {
            return Err(Refusal::OtherModule);
        }
        let reference = Arc::from(self);
        match worker.cmpxchg(bound, mine, Full) {
            Ok(_) => {
                // INVARIANT: The item owns the reference.
                let _ = Arc::into_raw(reference);
                Ok(())
            }
            Err(other) if ptr::eq(other, mine) => Ok(()),
            Err(_) => Err(Refusal::OtherWorker),
        }
    }

    /// Takes an item without a timer out of the queue; says whether it was in there.
    ///
    /// # Safety
    ///
    /// The item must be valid, and of this worker.
    pub(super) unsafe fn take_out(&self, work: NonNull<bindings::kthread_work>) -> bool {
        // SAFETY: By the safety requirements; the lock is held.
        self.locked(|_| unsafe { try_unlink(work, false) }) == Some(true)
    }

    /// Lets what is queued run when the thread is asked to stop.
    pub(super) fn finish_first(&self) {
        self.orderly.store(true, Relaxed);
    }

    /// Runs what is queued when the thread has left C's loop, which leaves that behind.
    pub(super) fn finish(&self) {
        if self.orderly.xchg(false, Full) {
            self.call_all(false);
        }
    }

    /// Drops what is queued, as nothing of it will run any more.
    pub(crate) fn clear(&self) {
        write_once(&self.over, true);
        self.call_all(true);
    }

    /// Calls all items that are queued, or also those whose delay is not over.
    fn call_all(&self, delayed: bool) {
        while let Some(work) = self.next(delayed) {
            // SAFETY: The item was queued, owns what it is in, and is called by nobody else.
            unsafe { call(work) };
        }
    }

    /// Takes the next item out to call it.
    fn next(&self, delayed: bool) -> Option<NonNull<bindings::kthread_work>> {
        loop {
            let step = self.locked(|worker| {
                // SAFETY: By the type invariant; the lock is held.
                let timed = delayed.then(|| unsafe { first(&raw mut (*worker).delayed_work_list) });
                let timed = timed.flatten();
                // SAFETY: As above.
                let work = timed.or_else(|| unsafe { first(&raw mut (*worker).work_list) });
                if let Some(work) = work {
                    // SAFETY: The item is in a list, which is that of timers if it may have one
                    // that is armed; the lock is held.
                    unsafe { try_unlink(work, timed.is_some()) }?;
                }
                // SAFETY: The lock is held.
                unsafe { (*worker).current_work = work.map_or(ptr::null_mut(), NonNull::as_ptr) };
                Some(work)
            });
            match step {
                Some(work) => return work,
                // Its timer is just about to queue it.
                None => core::hint::spin_loop(),
            }
        }
    }

    /// Notes that an item is about to run, and what it is; returns the thread, unless nothing runs
    /// any more.
    pub(super) fn begin(&self, item: &'static ItemType) -> Option<&Header> {
        let thread = self.thread().filter(|_| !self.is_over())?;
        // INVARIANT: It belongs to the module that the item's code does.
        write_once(&self.item, ptr::from_ref(item).cast_mut());
        write_once(&self.since, now());
        thread.enter_body();
        Some(thread)
    }

    /// Notes that the item has run.
    pub(super) fn end(&self, thread: &Header, item: &ItemType) {
        write_once(&self.item, ptr::null_mut());
        write_once(&self.runs, read_once(&self.runs) + 1);
        thread.leave_body();
        // SAFETY: The function has no requirements.
        if unsafe { bindings::task_holds_something() } {
            report(thread, item.class());
        }
        if thread.flags.has(SIGNALS | UNOWNED) {
            self.settle(thread);
        }
    }

    /// Deals with what items hardly ever do.
    #[cold]
    fn settle(&self, thread: &Header) {
        // One that stays pending would keep C's loop from sleeping.
        thread.ignore_signals();
        if thread.flags.has(UNOWNED) {
            self.finish_unowned(thread);
        }
    }

    /// Runs here what is queued, if the item has dropped the handle, so that the reaper need not
    /// wait for it.
    fn finish_unowned(&self, thread: &Header) {
        if self.orderly.load(Relaxed) {
            self.finish();
            thread.flags.set(FINISHED);
            reaper::wake();
        }
    }
}

#[pinned_drop]
impl PinnedDrop for Core {
    fn drop(self: Pin<&mut Self>) {
        if let Some(thread) = NonNull::new(read_once(&self.thread)) {
            // SAFETY: By the type invariant the core owns a reference, which nobody else uses.
            drop(unsafe { ARef::from_raw(thread) });
        }
    }
}

/// The kernel's time, in jiffies.
pub(super) fn now() -> c_ulong {
    // SAFETY: A word that is always there, and that C changes.
    unsafe { (&raw const bindings::jiffies).read_volatile() }
}

/// Says that an item has left something behind.
#[cold]
fn report(thread: &Header, class: LockClass) {
    pr_err!(
        "BUG: {}, an item of {}, returned with a lock, or in atomic context\n",
        class.name(),
        thread.name()
    );
}

/// Gives up the reference to the core that an item owns, if it does.
///
/// # Safety
///
/// The item must be valid, in no queue, and not be used any more.
#[inline(never)]
pub(crate) unsafe fn unbind(work: NonNull<bindings::kthread_work>) {
    // SAFETY: By the safety requirement.
    let worker = unsafe { (*work.as_ptr()).worker };
    if !worker.is_null() {
        // SAFETY: By the invariant of `Core` the item owns a reference.
        drop(unsafe { Arc::from_raw(Core::of_worker(worker)) });
    }
}

/// Takes an item out of the list that it is in; says whether it was in one. `None` if its timer is
/// about to put it into another one: it wants the lock.
///
/// # Safety
///
/// The item must be valid, `timed` say whether it is one with a timer, and the lock of its worker
/// be held.
pub(super) unsafe fn try_unlink(
    work: NonNull<bindings::kthread_work>,
    timed: bool,
) -> Option<bool> {
    // SAFETY: By the safety requirements.
    let node = unsafe { &raw mut (*work.as_ptr()).node };
    // SAFETY: As above.
    if unsafe { (*node).next } == node {
        return Some(false);
    }
    if timed {
        let delayed = work.as_ptr().cast::<bindings::kthread_delayed_work>();
        // SAFETY: By the safety requirements the item is the first field of one with a timer.
        if unsafe { bindings::timer_delete_sync_try(&raw mut (*delayed).timer) } < 0 {
            return None;
        }
    }
    // SAFETY: By the safety requirements.
    unsafe { bindings::list_del_init(node) };
    Some(true)
}

/// The first item of a list.
///
/// # Safety
///
/// It must be one of the lists of a worker, and its lock be held.
unsafe fn first(list: *mut bindings::list_head) -> Option<NonNull<bindings::kthread_work>> {
    // SAFETY: By the safety requirements.
    let first = unsafe { (*list).next };
    if ptr::eq(first, list) {
        return None;
    }
    // SAFETY: By the invariant of `Core` the entry is in an item.
    NonNull::new(unsafe { container_of!(first, bindings::kthread_work, node) })
}

/// Calls an item, and lets others run then, as there may be many.
///
/// # Safety
///
/// It must have been queued and taken out, and own what it is in; the calling task may sleep.
unsafe fn call(work: NonNull<bindings::kthread_work>) {
    // SAFETY: By the safety requirements; the field does not change.
    if let Some(function) = unsafe { (*work.as_ptr()).func } {
        // SAFETY: As above.
        unsafe { function(work.as_ptr()) };
    }
    // SAFETY: By the safety requirements.
    unsafe { bindings::cond_resched() };
}

/// Says whether an item is in a list.
///
/// # Safety
///
/// The item must be valid, and the lock of its worker be held.
pub(super) unsafe fn is_queued(work: NonNull<bindings::kthread_work>) -> bool {
    // SAFETY: By the safety requirements.
    let node = unsafe { &raw mut (*work.as_ptr()).node };
    // SAFETY: As above.
    unsafe { (*node).next != node }
}

/// Puts an item into the queue, or among those with delays.
///
/// # Safety
///
/// The item must be valid until it is run or taken out, be in no list, have a timer for a delay,
/// and belong to the worker, whose lock must be held.
unsafe fn insert(
    worker: *mut bindings::kthread_worker,
    work: NonNull<bindings::kthread_work>,
    delay: c_ulong,
) {
    // SAFETY: By the safety requirements.
    let node = unsafe { &raw mut (*work.as_ptr()).node };
    if delay == 0 {
        // SAFETY: By the safety requirements.
        unsafe { bindings::list_add_tail(node, &raw mut (*worker).work_list) };
        // SAFETY: As above.
        unsafe { wake(worker) };
        return;
    }
    // SAFETY: As above.
    unsafe { insert_delayed(worker, work, delay) };
}

/// Puts an item among those with delays.
///
/// # Safety
///
/// Those of [`insert`], and there is a delay.
#[inline(never)]
unsafe fn insert_delayed(
    worker: *mut bindings::kthread_worker,
    work: NonNull<bindings::kthread_work>,
    delay: c_ulong,
) {
    // SAFETY: By the safety requirements.
    let node = unsafe { &raw mut (*work.as_ptr()).node };
    // SAFETY: As above; the item is the first field of one with a timer.
    let timer = unsafe { &raw mut (*work.as_ptr().cast::<bindings::kthread_delayed_work>()).timer };
    // SAFETY: By the safety requirements; a timer whose item is in no list is not armed.
    unsafe {
        bindings::list_add_tail(node, &raw mut (*worker).delayed_work_list);
        (*timer).expires = now().wrapping_add(delay);
        bindings::add_timer(timer);
    }
}

/// Wakes the thread of a worker, if it sleeps because there is nothing to do.
///
/// # Safety
///
/// The lock of the worker must be held.
pub(super) unsafe fn wake(worker: *mut bindings::kthread_worker) {
    // SAFETY: By the safety requirement; the task is there if the worker has one.
    unsafe {
        if (*worker).current_work.is_null() && !(*worker).task.is_null() {
            bindings::wake_up_process((*worker).task);
        }
    }
}
