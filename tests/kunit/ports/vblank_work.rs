// SPDX-License-Identifier: GPL-2.0

//! A port of C's `drivers/gpu/drm/drm_vblank_work.c`.

use crate::spin_lock_irq::{
    new_spinlock_irq,
    SpinLockIrq, //
};
use core::{
    mem,
    ptr, //
};
use kernel::{
    list::{
        impl_list_arc_safe,
        impl_list_item,
        AtomicTracker,
        List,
        ListArc,
        ListLinks,
        TryNewListArc, //
    },
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Relaxed, //
        },
        Arc, //
    },
};
use kthread::{
    impl_has_work,
    new_wait_queue,
    new_work,
    Policy,
    Queue,
    WaitQueue,
    Work,
    WorkContext,
    WorkItem,
    Worker, //
};

/// The vertical blanks of a display, and the works that are to follow them.
#[pin_data]
pub(crate) struct Vblank {
    /// How many there were: counted by the interrupt.
    pub(crate) count: Atomic<u64>,
    #[pin]
    state: SpinLockIrq<State>,
    #[pin]
    work_wait_queue: WaitQueue,
    queue: Queue,
}

struct State {
    in_modeset: bool,
    /// The interrupt is on for as long as there are some.
    pending: List<VblankWork>,
}

/// The lock does not pin the list.
impl Unpin for State {}

impl State {
    /// Takes works out of the list.
    fn take(&mut self, wanted: impl Fn(&VblankWork) -> bool) -> List<VblankWork> {
        let mut taken = List::new();
        for work in mem::replace(&mut self.pending, List::new()) {
            if wanted(&work) {
                taken.push_back(work);
            } else {
                self.pending.push_back(work);
            }
        }
        taken
    }

    /// Takes one work out of the list; says whether it was in there.
    fn remove(&mut self, work: &VblankWork) -> bool {
        !self.take(|other| ptr::eq(other, work)).is_empty()
    }

    fn contains(&self, work: &VblankWork) -> bool {
        self.pending.iter().any(|other| ptr::eq(&*other, work))
    }
}

impl Vblank {
    /// Changes the state, and tells those who wait.
    fn change<R>(&self, body: impl FnOnce(&mut State) -> R) -> R {
        let result = body(&mut self.state.lock());
        self.work_wait_queue.wake_all();
        result
    }

    fn wait(&self, condition: impl Fn(&State) -> bool) {
        self.work_wait_queue.wait(|| condition(&self.state.lock()));
    }

    fn has_passed(&self, count: u64) -> bool {
        self.count.load(Relaxed).wrapping_sub(count) <= 1 << 23
    }

    /// Queues the works whose time has come. For the interrupt, after it has counted.
    pub(crate) fn handle_works(&self) {
        self.change(|state| {
            for work in state.take(|work| self.has_passed(work.count.load(Relaxed))) {
                // If it is in the queue from an earlier vblank, it runs once for both.
                let _ = self.queue.enqueue(work.into_arc());
            }
        });
    }
}

/// The owned handle of a display. Dropping it cancels the works that are pending, and lets those
/// run that are queued.
pub(crate) struct Crtc {
    pub(crate) vblank: Arc<Vblank>,
    worker: Worker,
}

impl Crtc {
    pub(crate) fn new(card: u32, pipe: u32) -> Result<Self> {
        let worker = kthread::builder!("card{card}-crtc{pipe}")?
            .policy(Policy::Fifo)
            .worker()?;
        let queue = worker.queue();
        let vblank = pin_init!(Vblank {
            count: Atomic::new(0),
            state <- new_spinlock_irq!(State { in_modeset: false, pending: List::new() }),
            work_wait_queue <- new_wait_queue!(),
            queue,
        });
        let vblank = Arc::pin_init(vblank, GFP_KERNEL)?;
        Ok(Self { vblank, worker })
    }

    /// Waits until all works that are scheduled have run.
    pub(crate) fn flush_all(&self) -> Result {
        self.vblank.wait(|state| state.pending.is_empty());
        self.worker.flush()
    }
}

impl Drop for Crtc {
    fn drop(&mut self) {
        drop(self.vblank.change(|state| {
            state.in_modeset = true;
            state.take(|_| true)
        }));
    }
}

pub(crate) type Func = KBox<dyn Fn(&Arc<VblankWork>) + Send + Sync>;

/// Something to be done after a certain vblank. As in C, whoever made it keeps it until it has run:
/// it is not to be freed by an interrupt.
#[pin_data]
pub(crate) struct VblankWork {
    pub(crate) vblank: Arc<Vblank>,
    func: Func,
    /// Changed under the lock.
    count: Atomic<u64>,
    /// Raised under the lock.
    cancelling: Atomic<i32>,
    #[pin]
    tracker: AtomicTracker,
    #[pin]
    node: ListLinks,
    #[pin]
    base: Work<Self>,
}

impl_list_arc_safe! {
    impl ListArcSafe<0> for VblankWork { tracked_by tracker: AtomicTracker; }
}

impl_list_item! {
    impl ListItem<0> for VblankWork { using ListLinks { self.node }; }
}

impl_has_work! {
    impl HasWork<Self> for VblankWork { self.base }
}

impl WorkItem for VblankWork {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>, _cx: &mut WorkContext<'_>) {
        (this.func)(&this);
    }
}

impl VblankWork {
    pub(crate) fn new(vblank: Arc<Vblank>, func: Func) -> impl PinInit<Self> {
        pin_init!(Self {
            vblank,
            func,
            count: Atomic::new(0),
            cancelling: Atomic::new(0),
            tracker <- AtomicTracker::new(),
            node <- ListLinks::new(),
            base <- new_work!(),
        })
    }

    /// Has the work run after a vblank, instead of after another one; says whether that is new. If
    /// the vblank has passed, the work runs now, or after the next one.
    pub(crate) fn schedule(self: &Arc<Self>, count: u64, next_on_miss: bool) -> bool {
        self.vblank.change(|state| {
            let same = state.contains(self) && self.count.load(Relaxed) == count;
            if same || state.in_modeset || self.cancelling.load(Relaxed) > 0 {
                return false;
            }
            self.count.store(count, Relaxed);
            if self.vblank.has_passed(count) && !next_on_miss {
                state.remove(self);
                // Refused only if it is in the queue already.
                return self.vblank.queue.enqueue(self.clone()).is_ok();
            }
            // One that is in the list already stays where it is.
            if let Ok(node) = ListArc::try_from_arc(self.clone()) {
                state.pending.push_back(node);
            }
            true
        })
    }

    /// Cancels the work, and waits if it is running; says whether it was to run. Meanwhile it
    /// cannot be scheduled.
    pub(crate) fn cancel_sync(&self) -> Result<bool> {
        let pending = self.vblank.change(|state| {
            self.cancelling.fetch_add(1, Relaxed);
            state.remove(self)
        });
        let queued = self.base.cancel();
        self.cancelling.fetch_sub(1, Relaxed);
        Ok(queued?.is_some() || pending)
    }

    /// Waits until the work has run, if it is scheduled.
    pub(crate) fn flush(&self) -> Result {
        self.vblank.wait(|state| !state.contains(self));
        self.base.flush()
    }
}
