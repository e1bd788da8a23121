// SPDX-License-Identifier: GPL-2.0

//! Running something in hard-interrupt context.

use kernel::sync::{
    Arc,
    ArcBorrow, //
};
use kernel::{
    impl_has_hr_timer,
    prelude::*,
    sync::Completion,
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
    #[pin]
    over: Completion,
    call: KBox<dyn Fn() + Send + Sync>,
}

impl HrTimerCallback for Interrupt {
    type Pointer<'a> = Arc<Self>;

    fn run(this: ArcBorrow<'_, Self>, _: HrTimerCallbackContext<'_, Self>) -> HrTimerRestart {
        (this.call)();
        this.over.complete_all();
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
        pin_init!(Interrupt {
            timer <- HrTimer::new(),
            over <- Completion::new(),
            call,
        }),
        GFP_KERNEL,
    )?;
    let handle = interrupt.clone().start(Delta::from_millis(1));
    interrupt.over.wait_for_completion();
    drop(handle);
    Ok(())
}
