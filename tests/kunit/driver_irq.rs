// SPDX-License-Identifier: GPL-2.0

//! A periodic interrupt, as a device makes it.

use kernel::{
    impl_has_hr_timer,
    prelude::*,
    sync::{
        Arc,
        ArcBorrow, //
    },
    time::{
        hrtimer::{
            ArcHrTimerHandle,
            HrTimer,
            HrTimerCallback,
            HrTimerCallbackContext,
            HrTimerPointer,
            HrTimerRestart,
            RelativeMode, //
        },
        Delta,
        Monotonic, //
    },
};

#[pin_data]
pub(crate) struct DriverIrq {
    #[pin]
    timer: HrTimer<Self>,
    period: Delta,
    handler: KBox<dyn Fn() -> bool + Send + Sync>,
}

/// An interrupt that is on. It is off when this was dropped, which waits for its handler.
pub(crate) type On = ArcHrTimerHandle<DriverIrq>;

impl HrTimerCallback for DriverIrq {
    type Pointer<'a> = Arc<Self>;

    fn run(this: ArcBorrow<'_, Self>, mut cx: HrTimerCallbackContext<'_, Self>) -> HrTimerRestart {
        if (this.handler)() {
            cx.forward_now(this.period);
            HrTimerRestart::Restart
        } else {
            HrTimerRestart::NoRestart
        }
    }
}

impl_has_hr_timer! {
    impl HasHrTimer<Self> for DriverIrq {
        // In hard-interrupt context, but for PREEMPT_RT, which leaves that to a thread as it does
        // with the handlers of drivers. So these may take spinlocks.
        mode: RelativeMode<Monotonic>, field: self.timer
    }
}

/// Has an interrupt call `handler` after each period, until that returns `false`.
pub(crate) fn every(
    period: Delta,
    handler: impl Fn() -> bool + Send + Sync + 'static,
) -> Result<On> {
    let handler: KBox<dyn Fn() -> bool + Send + Sync> = KBox::new(handler, GFP_KERNEL)?;
    let interrupt = Arc::pin_init(
        pin_init!(DriverIrq {
            timer <- HrTimer::new(),
            period,
            handler,
        }),
        GFP_KERNEL,
    )?;
    Ok(interrupt.start(period))
}
