// SPDX-License-Identifier: GPL-2.0

//! Ticks at a steady rate, and sleeping until a point in time.

use kernel::prelude::*;

#[kunit_tests(kthread_ticks)]
mod tests {
    use super::*;
    use crate::support::comes_to;
    use kernel::time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    };
    use kthread::{
        Exit,
        State,
        Stopped, //
    };

    const PERIOD: Delta = Delta::from_millis(5);

    fn times(period: Delta, times: u64) -> Delta {
        // CAST: Some dozens.
        Delta::from_nanos(period.as_nanos() * times as i64)
    }

    /// Ticks that came and ticks that were missed add up to the time that has passed.
    #[test]
    fn ticks_do_not_drift() -> Result {
        const TICKS: u64 = 30;

        let task = kthread::run!("ticking", |cx| -> Result<_, Stopped> {
            let start = Instant::<Monotonic>::now();
            let mut ticks = cx.every(PERIOD);
            let mut missed = 0;
            for i in 0..TICKS {
                // Work that takes now this long and now that.
                fsleep(Delta::from_micros((i % 4).cast_signed() * 1000));
                missed += ticks.wait(&cx)?;
            }
            Ok((start.elapsed(), missed))
        })?;
        let Exit::Returned(Ok((took, missed))) = task.join()? else {
            return Err(EINVAL);
        };

        assert!(took >= times(PERIOD, TICKS + missed));
        // The last one may be late.
        assert!(took < times(PERIOD, TICKS + missed + 20));
        Ok(())
    }

    /// Missed ticks are counted, and the next one is where it would have been.
    #[test]
    fn missed_ticks_are_counted() -> Result {
        let task = kthread::run!("overrunning", |cx| -> Result<_, Stopped> {
            let start = Instant::<Monotonic>::now();
            let mut ticks = cx.every(PERIOD);
            let late = ticks.wait(&cx)?;
            let first = start.elapsed();
            fsleep(times(PERIOD, 4));
            let missed = ticks.wait(&cx)?;
            Ok((late, first, missed, start.elapsed()))
        })?;
        let Exit::Returned(Ok((late, first, missed, took))) = task.join()? else {
            return Err(EINVAL);
        };

        // None, unless the guest was held up.
        assert!(first >= times(PERIOD, 1 + late));
        assert!(missed >= 3);
        assert!(took >= times(PERIOD, 2 + late + missed));
        Ok(())
    }

    /// Ticks that are over while the thread is parked within one are missed, not made up for.
    #[test]
    fn parked_ticks_are_missed() -> Result {
        let task = kthread::run!("parked", |cx| cx.every(PERIOD * 4).wait(&cx))?;
        let sleeps = comes_to(&task, State::Sleeping);
        let guard = task.park()?;
        fsleep(PERIOD * 42);
        drop(guard);
        let exit = task.join()?;

        assert!(sleeps);
        assert!(matches!(exit, Exit::Returned(Ok(8..))));
        Ok(())
    }

    #[test]
    fn stop_ends_ticks() -> Result {
        let task = kthread::run!("stopped", |cx| -> Result<(), Stopped> {
            let mut ticks = cx.every(Delta::from_secs(3600));
            loop {
                ticks.wait(&cx)?;
            }
        })?;
        fsleep(Delta::from_millis(5));
        let exit = task.stop()?;

        assert!(matches!(
            exit,
            Exit::NeverRan | Exit::Returned(Err(Stopped))
        ));
        Ok(())
    }

    /// H24, H41: no period and no point in time does harm.
    #[test]
    fn extremes() -> Result {
        let task = kthread::run!("extreme", |cx| -> Result<_, Stopped> {
            let start = Instant::<Monotonic>::now();
            cx.sleep_until(start)?;
            cx.sleep_until(start - Delta::from_secs(1))?;
            for nanos in [i64::MIN, -1, 0, 1] {
                cx.every(Delta::from_nanos(nanos)).wait(&cx)?;
            }
            let took = start.elapsed();
            cx.stop_token().request_stop();
            let forever = cx.every(Delta::from_nanos(i64::MAX)).wait(&cx);
            Ok((took, forever))
        })?;
        let Exit::Returned(Ok((took, forever))) = task.join()? else {
            return Err(EINVAL);
        };

        assert!(took < Delta::from_secs(5));
        assert!(forever == Err(Stopped));
        Ok(())
    }
}
