// SPDX-License-Identifier: GPL-2.0

//! The clock of the benchmark.

use kernel::{
    error::to_result,
    prelude::*, //
};

extern "C" {
    fn bench_soak() -> c_int;
    fn bench_soak_end();
    fn bench_clock() -> u64;
}

/// The time without what was soaked up.
pub(crate) fn now() -> u64 {
    // SAFETY: The function has no requirements.
    unsafe { bench_clock() }
}

/// Calls `body`, in which idle time does not count.
pub(crate) fn soaking(body: impl FnOnce() -> Result) -> Result {
    // SAFETY: There is no soaker.
    to_result(unsafe { bench_soak() })?;
    let result = body();
    // SAFETY: There is one.
    unsafe { bench_soak_end() };
    result
}
