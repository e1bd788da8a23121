// SPDX-License-Identifier: GPL-2.0

//! Ticks, with work of any length between them, in a guest whose clock counts instructions.
//!
//! There the host can delay nothing, so that no tick may be missed. The init function fails, and
//! the kernel log says why, if one does not come when it should.

use kernel::{
    prelude::*,
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
};
use kthread::{
    Current,
    Exit,
    Stopped, //
};

#[path = "../shared/rng.rs"]
#[expect(dead_code)]
mod rng;

use rng::Rng;

module! {
    type: Steady,
    name: "kthread_steady",
    authors: ["The kthread authors"],
    description: "Compares ticks with the clock",
    license: "GPL",
}

const TICKS: i64 = 1000;
const PERIOD: Delta = Delta::from_millis(10);

/// The most that is done between two ticks, in microseconds.
const LONGEST: u32 = 9_000;

struct Steady;

impl kernel::Module for Steady {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let Exit::Returned(Ok(drift)) = kthread::run!("steady", tick)?.join()? else {
            return Err(EIO);
        };
        pr_info!("{} ticks drift by {} ns\n", TICKS, drift.as_nanos());
        Ok(Self)
    }
}

/// Waits for all ticks; returns how late the last one came.
fn tick(cx: Current<'_>) -> Result<Delta> {
    let mut rng = Rng::new(1, 0);
    let mut late = Delta::ZERO;
    let start = Instant::<Monotonic>::now();
    let mut ticks = cx.every(PERIOD);
    for number in 1..=TICKS {
        work(&mut rng);
        let missed = ticks.wait(&cx).map_err(|Stopped| EINTR)?;
        late = start.elapsed() - PERIOD * number;
        if missed != 0 || late < Delta::ZERO || late >= PERIOD {
            pr_err!(
                "tick {}: {} ns late, and {} were missed\n",
                number,
                late.as_nanos(),
                missed
            );
            return Err(ERANGE);
        }
    }
    Ok(late)
}

/// Is busy or asleep for less than a period.
fn work(rng: &mut Rng) {
    let long = Delta::from_micros(rng.below(LONGEST).into());
    if rng.one_in(4) {
        fsleep(long);
    } else {
        let start = Instant::<Monotonic>::now();
        while start.elapsed() < long {}
    }
}
