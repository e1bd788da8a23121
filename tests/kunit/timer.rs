// SPDX-License-Identifier: GPL-2.0

//! Running something in hard-interrupt context.

use crate::support::Counter;
use kernel::{
    impl_has_hr_timer,
    prelude::*,
    sync::{
        Arc,
        ArcBorrow, //
    },
    time::{
        hrtimer::{
            HrTimer,
            HrTimerCallback,
            HrTimerCallbackContext,
            HrTimerPointer,
            HrTimerRestart,
            RelativeHardMode, //
        },
        Delta,
        Monotonic, //
    },
};

#[pin_data]
struct Interrupt {
    #[pin]
    timer: HrTimer<Self>,
    over: Counter,
    call: KBox<dyn Fn() + Send + Sync>,
}

impl HrTimerCallback for Interrupt {
    type Pointer<'a> = Arc<Self>;

    fn run(this: ArcBorrow<'_, Self>, _: HrTimerCallbackContext<'_, Self>) -> HrTimerRestart {
        (this.call)();
        this.over.increment();
        HrTimerRestart::NoRestart
    }
}

impl_has_hr_timer! {
    impl HasHrTimer<Self> for Interrupt {
        mode: RelativeHardMode<Monotonic>, field: self.timer
    }
}

/// Calls `call` from a timer interrupt a millisecond from now, and waits until that is over.
pub(crate) fn call_in_hard_irq(call: impl Fn() + Send + Sync + 'static) -> Result {
    let call: KBox<dyn Fn() + Send + Sync> = KBox::new(call, GFP_KERNEL)?;
    let interrupt = Arc::pin_init(
        try_pin_init!(Interrupt {
            timer <- HrTimer::new(),
            over: Counter::new()?,
            call,
        }? Error),
        GFP_KERNEL,
    )?;
    let handle = interrupt.clone().start(Delta::from_millis(1));
    let called = interrupt.over.reaches(1);
    drop(handle);
    called.then_some(()).ok_or(ETIMEDOUT)
}
