// SPDX-License-Identifier: GPL-2.0

//! Calling something from a hard interrupt.

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
            RelativeHardMode, //
        },
        Delta,
        Monotonic, //
    },
};

#[pin_data]
pub(crate) struct HardIrq {
    #[pin]
    timer: HrTimer<Self>,
    call: KBox<dyn Fn() + Send + Sync>,
}

/// A call that is to come. It does not if this is dropped before; if it is being made, that waits.
pub(crate) type Pending = ArcHrTimerHandle<HardIrq>;

impl HrTimerCallback for HardIrq {
    type Pointer<'a> = Arc<Self>;

    fn run(this: ArcBorrow<'_, Self>, _: HrTimerCallbackContext<'_, Self>) -> HrTimerRestart {
        (this.call)();
        HrTimerRestart::NoRestart
    }
}

impl_has_hr_timer! {
    impl HasHrTimer<Self> for HardIrq {
        mode: RelativeHardMode<Monotonic>, field: self.timer
    }
}

/// Has a timer interrupt, so long from now, call `call`.
pub(crate) fn call_after(delay: Delta, call: impl Fn() + Send + Sync + 'static) -> Result<Pending> {
    let call: KBox<dyn Fn() + Send + Sync> = KBox::new(call, GFP_KERNEL)?;
    let interrupt = Arc::pin_init(
        try_pin_init!(HardIrq {
            timer <- HrTimer::new(),
            call,
        }? Error),
        GFP_KERNEL,
    )?;
    Ok(interrupt.start(delay))
}
