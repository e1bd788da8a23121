// SPDX-License-Identifier: GPL-2.0

//! A port of the auxiliary worker of C's `drivers/ptp/ptp_clock.c`.

use kernel::{
    prelude::*,
    sync::Arc,
    time::Delta, //
};
use kthread::{
    impl_has_delayed_work,
    new_delayed_work,
    DelayedWork,
    WorkContext,
    WorkItem,
    Worker, //
};

/// What the clock's driver does now and then. It returns after how long to be called again.
pub(crate) type AuxWork = KBox<dyn Fn() -> Option<Delta> + Send + Sync>;

#[pin_data]
struct Aux {
    do_aux_work: AuxWork,
    #[pin]
    work: DelayedWork<Self>,
}

impl_has_delayed_work! {
    impl HasDelayedWork<Self> for Aux { self.work }
}

impl WorkItem for Aux {
    type Pointer = Arc<Self>;

    fn run(this: Arc<Self>, cx: &mut WorkContext<'_>) {
        if let Some(delay) = (this.do_aux_work)() {
            // Refused if it was scheduled meanwhile, which has precedence, or is cancelled.
            let _ = cx.queue().enqueue_delayed(this, delay);
        }
    }
}

/// A clock. Dropping it unregisters it, also while its work schedules itself again.
pub(crate) struct PtpClock {
    aux: Arc<Aux>,
    worker: Worker,
}

impl PtpClock {
    pub(crate) fn register(index: u32, do_aux_work: AuxWork) -> Result<Self> {
        let aux = pin_init!(Aux { do_aux_work, work <- new_delayed_work!("ptp_aux") });
        Ok(Self {
            aux: Arc::pin_init(aux, GFP_KERNEL)?,
            worker: kthread::builder!("ptp{index}")?.worker()?,
        })
    }

    /// Has the work done after a delay that begins now; says whether another one was not over.
    /// From any context. It is [`EBUSY`] while the work is being cancelled.
    pub(crate) fn schedule_worker(&self, delay: Delta) -> Result<bool> {
        Ok(self.worker.mod_delayed(self.aux.clone(), delay)?.is_some())
    }

    /// Cancels the work, and waits if it is being done; says whether it was scheduled.
    pub(crate) fn cancel_worker_sync(&self) -> Result<bool> {
        Ok(self.aux.work.cancel()?.is_some())
    }
}
