// SPDX-License-Identifier: GPL-2.0

//! An item whose delay anybody may begin, change and end.

use super::stage::Stage;
use crate::{
    rng::Rng,
    table::Row,
    tally::{
        Entry,
        Tally, //
    }, //
};
use kernel::{
    prelude::*,
    sync::Arc,
    time::{
        delay::fsleep,
        Delta, //
    },
};
use kthread::{
    impl_has_delayed_work,
    new_delayed_work,
    DelayedWork,
    EnqueueError,
    Queue,
    WorkContext,
    WorkItem, //
};

/// No delay is as long, in milliseconds.
const LONGEST: u32 = 8;

/// How long it takes, so that something is done to it meanwhile.
const LONG: Delta = Delta::from_micros(30);

#[pin_data]
pub(super) struct Late {
    stage: Arc<Stage>,
    entry: Entry,
    #[pin]
    work: DelayedWork<Self>,
}

impl_has_delayed_work! {
    impl HasDelayedWork<Self> for Late { self.work }
}

impl WorkItem for Late {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>, _cx: &mut WorkContext<'_>) {
        this.stage.alone(|| {
            fsleep(LONG);
            this.entry.ran();
        });
    }
}

impl Late {
    pub(super) fn new(stage: &Arc<Stage>, tally: &Arc<Tally>) -> Result<Arc<Self>> {
        Arc::pin_init(
            pin_init!(Self {
                stage: stage.clone(),
                entry: Entry::new(tally),
                work <- new_delayed_work!("late"),
            }),
            GFP_KERNEL,
        )
    }

    /// Queues it after some delay, or takes it out if the caller may sleep.
    pub(super) fn touch(self: &Arc<Self>, queue: &Queue, may_sleep: bool, rng: &mut Rng) {
        let delay = Delta::from_millis(rng.below(LONGEST).into());
        let handed_back = match rng.below(4) {
            0 if may_sleep => {
                let cancelled = Row::CancelDelayed.attempt(|| self.work.cancel());
                cancelled.is_ok_and(|item| item.is_some())
            }
            0 | 1 => {
                self.entry.queues();
                let moved = Row::ModDelayed.attempt(|| queue.mod_delayed(self.clone(), delay));
                moved.map_or_else(|refused| self.is_back(refused), |item| item.is_some())
            }
            _ => {
                self.entry.queues();
                let queued =
                    Row::EnqueueDelayed.attempt(|| queue.enqueue_delayed(self.clone(), delay));
                queued.is_err_and(|refused| self.is_back(refused))
            }
        };
        if handed_back {
            self.entry.handed_back();
        }
    }

    /// Says whether there was a reason to hand it back, and it is this.
    fn is_back(self: &Arc<Self>, refused: EnqueueError<Arc<Self>>) -> bool {
        matches!(refused, EnqueueError::Closed(_) | EnqueueError::Pending(_))
            && Arc::ptr_eq(&refused.into_inner(), self)
    }
}
