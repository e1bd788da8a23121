// SPDX-License-Identifier: GPL-2.0

//! The port of PTP's auxiliary worker.

use kernel::prelude::*;

#[kunit_tests(kthread_ptp_clock)]
mod tests {
    use super::*;
    use crate::{
        ports::ptp_clock::{
            AuxWork,
            PtpClock, //
        },
        support::{
            comes_to,
            eventually,
            Counter, //
        },
        timer::call_in_hard_irq, //
    };
    use kernel::{
        sync::Arc,
        time::{
            delay::fsleep,
            Delta,
            Instant,
            Monotonic, //
        },
    };
    use kthread::{
        Exit,
        State, //
    };

    const NEVER: Delta = Delta::from_secs(3600);

    /// A clock whose work gets the number of its run, from 1 on.
    fn clock(
        runs: &Counter,
        work: impl Fn(i32) -> Option<Delta> + Send + Sync + 'static,
    ) -> Result<PtpClock> {
        let runs = runs.clone();
        let work: AuxWork = KBox::new(
            move || {
                runs.increment();
                work(runs.get())
            },
            GFP_KERNEL,
        )?;
        PtpClock::register(0, work)
    }

    /// Each run says whether there is another one, and when.
    #[test]
    fn work_schedules_itself() -> Result {
        let runs = Counter::new()?;
        let clock = clock(&runs, |run| (run < 4).then_some(Delta::from_millis(10)))?;
        let start = Instant::<Monotonic>::now();
        let moved = clock.schedule_worker(Delta::ZERO)?;
        let ran = runs.reaches(4);
        let took = start.elapsed();
        fsleep(Delta::from_millis(30));
        let rests = runs.get() == 4;
        clock.schedule_worker(Delta::ZERO)?;
        let again = runs.reaches(5);
        drop(clock);

        assert!(!moved && ran && rests && again);
        assert!(took >= Delta::from_millis(30));
        assert_eq!(runs.get(), 5);
        Ok(())
    }

    /// What is scheduled last counts, be it sooner or later.
    #[test]
    fn last_schedule_counts() -> Result {
        let runs = Counter::new()?;
        let clock = clock(&runs, |_| None)?;
        let idle = clock.schedule_worker(Delta::from_millis(5))?;
        let later = clock.schedule_worker(NEVER)?;
        fsleep(Delta::from_millis(30));
        let early = runs.get();
        let sooner = clock.schedule_worker(Delta::from_millis(1))?;
        let ran = runs.reaches(1);
        drop(clock);

        assert!(!idle && later && sooner && ran);
        assert_eq!(early, 0);
        assert_eq!(runs.get(), 1);
        Ok(())
    }

    /// What is scheduled during a run has precedence over what that run asks for.
    #[test]
    fn schedule_beats_the_work() -> Result {
        let (runs, go) = (Counter::new()?, Counter::new()?);
        let clock = clock(&runs, {
            let go = go.clone();
            move |_| {
                go.reaches(1);
                Some(NEVER)
            }
        })?;
        clock.schedule_worker(Delta::ZERO)?;
        let running = runs.reaches(1);
        let moved = clock.schedule_worker(Delta::from_millis(1))?;
        go.increment();
        let ran = runs.reaches(2);
        drop(clock);

        assert!(running && ran);
        assert!(!moved);
        Ok(())
    }

    #[test]
    fn scheduled_from_hard_irq() -> Result {
        let runs = Counter::new()?;
        let clock = Arc::new(clock(&runs, |_| None)?, GFP_KERNEL)?;
        clock.schedule_worker(NEVER)?;
        let moved = Counter::new()?;
        call_in_hard_irq({
            let (clock, moved) = (clock.clone(), moved.clone());
            move || {
                if clock.schedule_worker(Delta::ZERO) == Ok(true) {
                    moved.increment();
                }
            }
        })?;
        let ran = runs.reaches(1);
        drop(clock);

        assert!(ran);
        assert_eq!((moved.get(), runs.get()), (1, 1));
        Ok(())
    }

    #[test]
    fn cancel_while_pending() -> Result {
        let runs = Counter::new()?;
        let clock = clock(&runs, |_| None)?;
        let idle = clock.cancel_worker_sync()?;
        clock.schedule_worker(Delta::from_millis(10))?;
        let pending = clock.cancel_worker_sync()?;
        fsleep(Delta::from_millis(40));
        let ran = runs.get();
        clock.schedule_worker(Delta::ZERO)?;
        let again = runs.reaches(1);
        drop(clock);

        assert!(!idle && pending && again);
        assert_eq!(ran, 0);
        Ok(())
    }

    /// The run is waited for, and neither it nor others can schedule the next one meanwhile.
    #[test]
    fn cancel_while_running() -> Result {
        let (runs, go) = (Counter::new()?, Counter::new()?);
        let clock = clock(&runs, {
            let go = go.clone();
            move |_| {
                go.reaches(1);
                Some(Delta::ZERO)
            }
        })?;
        let clock = Arc::new(clock, GFP_KERNEL)?;
        clock.schedule_worker(Delta::ZERO)?;
        let running = runs.reaches(1);
        let canceller = kthread::run!("canceller", {
            let clock = clock.clone();
            move |_cx| clock.cancel_worker_sync()
        })?;
        let refused = eventually(|| clock.schedule_worker(NEVER) == Err(EBUSY));
        let waits = !canceller.is_finished();
        go.increment();
        let cancelled = comes_to(&canceller, State::Ended);
        fsleep(Delta::from_millis(10));
        let ran = runs.get();
        clock.schedule_worker(Delta::ZERO)?;
        let again = runs.reaches(ran + 2);
        drop(clock);
        let exit = canceller.stop()?;

        assert!(running && refused && waits && cancelled && again);
        assert!(matches!(exit, Exit::Returned(Ok(_))));
        assert_eq!(ran, 1);
        Ok(())
    }

    /// A clock can be unregistered at any time; then its work is neither done nor kept.
    #[test]
    fn unregistered_under_load() -> Result {
        let (runs, drops) = (Counter::new()?, Counter::new()?);
        let start = Instant::<Monotonic>::now();
        let mut late = 0;
        for round in 0..50 {
            let delay = Delta::from_millis(round % 3);
            let owned = drops.on_drop();
            let clock = clock(&runs, move |_| {
                let _ = &owned;
                Some(delay)
            })?;
            let clock = Arc::new(clock, GFP_KERNEL)?;
            clock.schedule_worker(delay)?;
            let scheduler = kthread::run!("scheduler", {
                let clock = clock.clone();
                move |cx| {
                    while cx.sleep(Delta::from_micros(50)).is_ok() {
                        let _ = clock.schedule_worker(Delta::ZERO);
                    }
                }
            })?;
            fsleep(Delta::from_micros(round * 100));
            drop(scheduler);
            drop(clock);
            let ran = runs.get();
            fsleep(Delta::from_millis(2));
            late += runs.get() - ran;
        }
        let took = start.elapsed();

        assert!(runs.get() > 0);
        assert_eq!((late, drops.get()), (0, 50));
        assert!(took < Delta::from_secs(10));
        Ok(())
    }
}
