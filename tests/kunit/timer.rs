// SPDX-License-Identifier: GPL-2.0

//! Running something in hard-interrupt context.

use crate::{
    hard_irq::call_after,
    support::Counter, //
};
use kernel::{
    prelude::*,
    time::Delta, //
};

/// Calls `call` from a timer interrupt a millisecond from now, and waits until that is over.
pub(crate) fn call_in_hard_irq(call: impl Fn() + Send + Sync + 'static) -> Result {
    let over = Counter::new()?;
    let pending = call_after(Delta::from_millis(1), {
        let over = over.clone();
        move || {
            call();
            over.increment();
            None
        }
    })?;
    let called = over.reaches(1);
    drop(pending);
    called.then_some(()).ok_or(ETIMEDOUT)
}
