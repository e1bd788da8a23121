// SPDX-License-Identifier: GPL-2.0

//! Calling something from hard interrupts.

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
            RelativePinnedHardMode, //
        },
        Delta,
        Monotonic, //
    },
};

#[pin_data]
pub(crate) struct HardIrq {
    #[pin]
    timer: HrTimer<Self>,
    call: KBox<Call>,
}

type Call = dyn Fn() -> Option<Delta> + Send + Sync;

/// A call that is to come. It does not if this is dropped before; if it is being made, that waits.
pub(crate) type Pending = ArcHrTimerHandle<HardIrq>;

impl HrTimerCallback for HardIrq {
    type Pointer<'a> = Arc<Self>;

    fn run(
        this: ArcBorrow<'_, Self>,
        mut timer: HrTimerCallbackContext<'_, Self>,
    ) -> HrTimerRestart {
        let Some(delay) = (this.call)() else {
            return HrTimerRestart::NoRestart;
        };
        timer.forward_now(delay);
        HrTimerRestart::Restart
    }
}

impl_has_hr_timer! {
    impl HasHrTimer<Self> for HardIrq {
        mode: RelativePinnedHardMode<Monotonic>, field: self.timer
    }
}

/// Has a timer interrupt this CPU, so long from now, to call `call`, and again after as long as it
/// returns.
pub(crate) fn call_after(
    delay: Delta,
    call: impl Fn() -> Option<Delta> + Send + Sync + 'static,
) -> Result<Pending> {
    let call: KBox<Call> = KBox::new(call, GFP_KERNEL)?;
    let interrupt = Arc::pin_init(
        try_pin_init!(HardIrq {
            timer <- HrTimer::new(),
            call,
        }? Error),
        GFP_KERNEL,
    )?;
    Ok(interrupt.start(delay))
}
