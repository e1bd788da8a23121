// SPDX-License-Identifier: GPL-2.0

//! Parking threads.

use kernel::prelude::*;

#[kunit_tests(kthread_park)]
mod tests {
    use super::*;
    use crate::support::Counter;
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
        __private::EDEADLK,
        Exit,
        State,
        Stopped,
        Task, //
    };

    const FOREVER: Delta = Delta::from_secs(3600);

    /// A thread that counts its turns, and parks between any two. Its closure has begun.
    fn counting(turns: &Counter) -> Result<Task<Result<(), Stopped>>> {
        let turns = turns.clone();
        let created = kthread::builder!("counting")?.create(move |cx| loop {
            turns.increment();
            cx.sleep(Delta::from_micros(50))?;
        })?;
        Ok(created.start_and_wait())
    }

    #[test]
    fn parked_thread_stands_still() -> Result {
        let turns = Counter::new()?;
        let task = counting(&turns)?;
        let mut moved = 0;
        let mut states = KVec::new();
        for round in 1..=20 {
            let runs = turns.reaches(10 * round);
            let parked = task.park()?;
            let before = turns.get();
            fsleep(Delta::from_millis(2));
            moved += turns.get() - before;
            states.push((task.state(), runs), GFP_KERNEL)?;
            drop(parked);
        }
        let goes_on = turns.reaches(turns.get() + 10);
        let exit = task.stop()?;

        assert_eq!(moved, 0);
        assert!(states.iter().all(|state| *state == (State::Parked, true)));
        assert!(goes_on);
        assert!(exit == Exit::Returned(Err(Stopped)));
        Ok(())
    }

    /// H32: a thread in a long sleep parks, and then sleeps on until its time is over.
    #[test]
    fn parks_inside_a_sleep() -> Result {
        const SLEEP: Delta = Delta::from_secs(2);

        let began = Counter::new()?;
        let task = kthread::run!("sleeper", {
            let began = began.clone();
            move |cx| {
                let start = Instant::<Monotonic>::now();
                began.increment();
                let slept = cx.sleep(SLEEP);
                (slept, start.elapsed())
            }
        })?;
        let ran = began.reaches(1);
        let start = Instant::<Monotonic>::now();
        for _ in 0..10 {
            drop(task.park()?);
        }
        let took = start.elapsed();
        let Exit::Returned((slept, lasted)) = task.join()? else {
            return Err(EINVAL);
        };

        assert!(ran);
        assert!(took < SLEEP);
        assert!(slept.is_ok());
        assert!(lasted >= SLEEP);
        Ok(())
    }

    /// H28: a parked thread that is asked to stop leaves its place.
    #[test]
    fn stop_ends_a_park() -> Result {
        let turns = Counter::new()?;
        let task = counting(&turns)?;
        let parked = task.park()?;
        task.request_stop();
        let start = Instant::<Monotonic>::now();
        while !task.is_finished() && start.elapsed() < Delta::from_secs(10) {
            fsleep(Delta::from_millis(1));
        }
        let finished = task.is_finished();
        drop(parked);
        let again = task.park().err();
        let exit = task.stop()?;

        assert!(finished);
        assert!(again == Some(ESRCH));
        assert!(exit == Exit::Returned(Err(Stopped)));
        Ok(())
    }

    /// H29: a thread is parked by one at a time; a forgotten guard leaves it parked, and it can
    /// still be stopped.
    #[test]
    fn second_park_is_refused() -> Result {
        let turns = Counter::new()?;
        let task = counting(&turns)?;
        let parked = task.park()?;
        let second = task.park().err();
        drop(parked);
        let third = task.park();
        let third_worked = third.is_ok();
        core::mem::forget(third);
        let fourth = task.park().err();
        let exit = task.stop()?;

        assert!(second == Some(EBUSY));
        assert!(third_worked);
        assert!(fourth == Some(EBUSY));
        assert!(exit == Exit::Returned(Err(Stopped)));
        Ok(())
    }

    /// H30: a thread cannot park itself, and trying to does no harm.
    #[test]
    fn self_park_is_refused() -> Result {
        let own = Arc::pin_init(
            kernel::new_mutex!(None::<Arc<Task<Result<(), Stopped>>>>),
            GFP_KERNEL,
        )?;
        let outcome = Counter::new()?;
        let task = kthread::run!("narcissus", {
            let own = own.clone();
            let outcome = outcome.clone();
            move |cx| -> Result<(), Stopped> {
                loop {
                    if let Some(own) = own.lock().take() {
                        if own.park().err() == Some(EDEADLK) {
                            outcome.increment();
                        }
                    }
                    cx.sleep(Delta::from_millis(1))?;
                }
            }
        })?;
        let task = Arc::new(task, GFP_KERNEL)?;
        *own.lock() = Some(task.clone());
        let refused = outcome.reaches(1);
        let parked = task.park();
        let works = parked.is_ok();
        drop(parked);
        drop(task);

        assert!(refused);
        assert!(works);
        Ok(())
    }

    /// H27: a thread that ends, or has ended, instead of parking does not hold up who parks it.
    #[test]
    fn ending_thread_is_not_waited_for() -> Result {
        for delay in 0..100 {
            let task = kthread::run!("ending", move |_cx| {
                fsleep(Delta::from_micros(delay * 10));
            })?;
            let outcome = task.park().map(drop);
            let exit = task.join()?;

            assert!(matches!(outcome, Ok(()) | Err(ESRCH)));
            assert!(exit == Exit::Returned(()));
        }
        let ended = kthread::run!("ended", |_cx| ())?;
        while !ended.is_finished() {
            fsleep(Delta::from_millis(1));
        }
        let outcome = ended.park().err();

        assert!(outcome == Some(ESRCH));
        Ok(())
    }

    /// H28: who waits for a thread to park is told when it is asked to stop instead.
    #[test]
    fn stop_ends_the_wait_for_a_park() -> Result {
        let began = Counter::new()?;
        let task = kthread::run!("stubborn", {
            let began = began.clone();
            move |cx| {
                began.increment();
                while !cx.should_stop() {
                    fsleep(Delta::from_millis(1));
                }
            }
        })?;
        let ran = began.reaches(1);
        let token = task.stop_token();
        let stopper = kthread::run!("stopper", move |_cx| {
            fsleep(Delta::from_millis(20));
            token.request_stop();
        })?;
        let outcome = task.park().err();
        let _ = stopper.join()?;
        drop(task);

        assert!(ran);
        assert!(outcome == Some(ESRCH));
        Ok(())
    }

    #[test]
    fn park_timeout_lets_the_thread_go_on() -> Result {
        let began = Counter::new()?;
        let may_park = Counter::new()?;
        let task = kthread::run!("unwilling", {
            let (began, may_park) = (began.clone(), may_park.clone());
            move |cx| {
                began.increment();
                may_park.reaches(1);
                let asked = cx.should_park();
                (asked, cx.sleep(FOREVER))
            }
        })?;
        let ran = began.reaches(1);
        let start = Instant::<Monotonic>::now();
        let late = task.park_timeout(Delta::from_millis(20)).err();
        let waited = start.elapsed();
        may_park.increment();
        let parked = task.park_timeout(Delta::from_secs(10));
        let works = parked.is_ok();
        drop(parked);
        let exit = task.stop()?;

        assert!(ran);
        assert!(late == Some(ETIMEDOUT));
        assert!(waited >= Delta::from_millis(20));
        assert!(works);
        assert!(matches!(exit, Exit::Returned((_, Err(Stopped)))));
        Ok(())
    }

    /// H4, H31: a thread may be parked before its closure begins, and then be stopped.
    #[test]
    fn parked_before_it_begins() -> Result {
        let dropped = Counter::new()?;
        for _ in 0..100 {
            let probe = dropped.on_drop();
            let task = kthread::run!("early", move |_cx| drop(probe))?;
            let parked = task.park().map(core::mem::forget);
            let exit = task.stop()?;

            assert!(matches!(parked, Ok(()) | Err(ESRCH)));
            assert!(matches!(exit, Exit::NeverRan | Exit::Returned(())));
        }
        assert_eq!(dropped.get(), 100);
        Ok(())
    }

    /// H17: wake-ups that mean nothing move neither a parked nor a new thread.
    #[test]
    fn stray_wake_ups_do_not_unpark() -> Result {
        let turns = Counter::new()?;
        let task = counting(&turns)?;
        let runs = turns.reaches(1);
        let parked = task.park()?;
        let before = turns.get();
        for _ in 0..1000 {
            task.wake_up();
        }
        fsleep(Delta::from_millis(5));
        let after = turns.get();
        drop(parked);
        drop(task);

        assert!(runs);
        assert_eq!(before, after);
        Ok(())
    }
}
