// SPDX-License-Identifier: GPL-2.0

//! Asking threads to stop: tokens, hooks, many at once.

use kernel::prelude::*;

#[kunit_tests(kthread_stop)]
mod tests {
    use super::*;
    use crate::{
        support::Counter,
        timer::call_in_hard_irq, //
    };
    use kernel::{
        new_condvar, new_mutex,
        sync::{
            Arc,
            Completion,
            CondVar,
            Mutex, //
        },
        time::{
            delay::fsleep,
            Delta,
            Instant,
            Monotonic, //
        },
    };
    use kthread::{
        Exit,
        Stopped, //
    };

    const FOREVER: Delta = Delta::from_secs(3600);

    /// H10: a thread can be asked to stop from hard-interrupt context.
    #[test]
    fn token_stops_from_hard_irq() -> Result {
        let task = kthread::run!("interrupted", |cx| cx.sleep(FOREVER))?;
        let token = task.stop_token();
        call_in_hard_irq({
            let token = token.clone();
            move || token.request_stop()
        })?;
        let exit = task.join_timeout(Delta::from_secs(10));

        assert!(token.is_stop_requested());
        assert!(matches!(
            exit,
            Ok(Exit::NeverRan | Exit::Returned(Err(Stopped)))
        ));
        Ok(())
    }

    #[test]
    fn joining_asks_for_nothing() -> Result {
        let task = kthread::run!("short-lived", |_cx| ())?;
        let token = task.stop_token();
        let exit = task.join()?;

        assert!(exit == Exit::Returned(()));
        assert!(!token.is_stop_requested());
        Ok(())
    }

    #[test]
    fn token_outlives_its_thread() -> Result {
        let task = kthread::run!("short-lived", |cx| cx.sleep(FOREVER))?;
        let token = task.stop_token();
        let early = token.is_stop_requested();
        drop(task);
        token.request_stop();
        let copy = token.clone();
        drop(token);

        assert!(!early);
        assert!(copy.is_stop_requested());
        Ok(())
    }

    /// A thread can ask itself to stop by its own token, and hand that out.
    #[test]
    fn token_from_within() -> Result {
        let task = kthread::run!("suicidal", |cx| {
            let early = cx.should_stop();
            cx.stop_token().request_stop();
            (early, cx.should_stop(), cx.sleep(FOREVER))
        })?;
        let exit = task.join()?;

        assert!(exit == Exit::Returned((false, true, Err(Stopped))));
        Ok(())
    }

    /// A thread that is stopped before it is started never runs, and drops its closure once.
    #[test]
    fn stopped_before_start() -> Result {
        let dropped = Counter::new()?;
        let created = kthread::builder!("stillborn")?.create({
            let probe = dropped.on_drop();
            move |_cx| drop(probe)
        })?;
        created.stop_token().request_stop();
        let exit = created.start_and_wait().join()?;

        assert!(exit == Exit::NeverRan);
        assert_eq!(dropped.get(), 1);
        Ok(())
    }

    /// Threads that are asked first end side by side: each waits, on its way out, for all others.
    #[test]
    fn many_stop_side_by_side() -> Result {
        const THREADS: i32 = 16;

        let began = Counter::new()?;
        let ending = Counter::new()?;
        let met = Counter::new()?;
        let mut tasks = KVec::new();
        for i in 0..THREADS {
            let (began, ending, met) = (began.clone(), ending.clone(), met.clone());
            let task = kthread::run!("parallel/{}", i, move |cx| {
                began.increment();
                let stopped = cx.sleep(FOREVER);
                ending.increment();
                if ending.reaches(THREADS) {
                    met.increment();
                }
                stopped
            })?;
            tasks.push(task, GFP_KERNEL)?;
        }
        let all_ran = began.reaches(THREADS);
        for task in &tasks {
            task.request_stop();
        }
        drop(tasks);

        assert!(all_ran);
        assert_eq!(met.get(), THREADS);
        Ok(())
    }

    /// T16: a hook releases a thread that waits for something else.
    #[test]
    fn hook_releases_a_blocked_thread() -> Result {
        let answer = Arc::pin_init(Completion::new(), GFP_KERNEL)?;
        let waits = Counter::new()?;
        let task = kthread::run!("blocked", {
            let waits = waits.clone();
            move |cx| {
                cx.on_stop(
                    || answer.complete_all(),
                    || {
                        waits.increment();
                        answer.wait_for_completion();
                    },
                );
                cx.should_stop()
            }
        })?;
        let blocked = waits.reaches(1);
        let exit = task.stop()?;

        assert!(blocked);
        assert!(exit == Exit::Returned(true));
        Ok(())
    }

    /// A hook is called once: at once if it comes late, and never when its body is over.
    #[test]
    fn hook_is_called_once() -> Result {
        let past = Counter::new()?;
        let set = Counter::new()?;
        let late = Counter::new()?;
        let waits = Counter::new()?;
        let task = kthread::run!("hooked", {
            let (past, set, late, waits) = (past.clone(), set.clone(), late.clone(), waits.clone());
            move |cx| {
                cx.on_stop(|| past.increment(), || ());
                // In one another, called both.
                cx.on_stop(
                    || set.increment(),
                    || {
                        cx.on_stop(
                            || set.increment(),
                            || {
                                waits.increment();
                                set.reaches(2)
                            },
                        )
                    },
                );
                let before_body = late.clone();
                cx.on_stop(|| late.increment(), || before_body.get())
            }
        })?;
        let waited = waits.reaches(1);
        task.request_stop();
        task.request_stop();
        let exit = task.stop()?;

        assert!(waited);
        assert!(exit == Exit::Returned(1));
        assert_eq!(past.get(), 0);
        assert_eq!(set.get(), 2);
        assert_eq!(late.get(), 1);
        Ok(())
    }

    /// A hook may ask another thread to stop, and that one's hook the first.
    #[test]
    fn hooks_stop_each_other() -> Result {
        let called = Counter::new()?;
        let waits = Counter::new()?;
        let tokens = Arc::pin_init(new_mutex!(KVec::new()), GFP_KERNEL)?;
        let mut tasks = KVec::new();
        for i in 0..3 {
            let (called, waits, tokens) = (called.clone(), waits.clone(), tokens.clone());
            let task = kthread::run!("chain/{}", i, move |cx| -> Result<bool> {
                tokens.lock().push(cx.stop_token(), GFP_KERNEL)?;
                waits.increment();
                waits.reaches(3);
                let mut others = KVec::new();
                for token in tokens.lock().iter() {
                    others.push(token.clone(), GFP_KERNEL)?;
                }
                Ok(cx.on_stop(
                    || {
                        called.increment();
                        for other in &others {
                            other.request_stop();
                        }
                    },
                    || {
                        waits.increment();
                        called.reaches(3)
                    },
                ))
            })?;
            tasks.push(task, GFP_KERNEL)?;
        }
        let all_wait = waits.reaches(6);
        tasks[0].request_stop();
        let mut all_called = true;
        for task in tasks {
            all_called &= task.join()? == Exit::Returned(Ok(true));
        }

        assert!(all_wait);
        assert!(all_called);
        assert_eq!(called.get(), 3);
        Ok(())
    }

    /// H25: a thread that never sleeps, at real-time priority, can be stopped.
    #[test]
    fn busy_thread_is_stopped() -> Result {
        let began = Counter::new()?;
        let task = kthread::builder!("busy")?
            .policy(kthread::Policy::FifoLow)
            .run({
                let began = began.clone();
                move |cx| {
                    began.increment();
                    while !cx.should_stop() {
                        cx.cond_resched();
                    }
                }
            })?;
        let ran = began.reaches(1);
        let start = Instant::<Monotonic>::now();
        let exit = task.stop()?;
        let took = start.elapsed();

        assert!(ran);
        assert!(exit == Exit::Returned(()));
        assert!(took < Delta::from_secs(10));
        Ok(())
    }

    #[pin_data]
    struct Room {
        #[pin]
        open: Mutex<bool>,
        #[pin]
        bell: CondVar,
    }

    /// H23: after a stop interruptible waits end at once, but not under `uninterrupted`.
    #[test]
    fn cleanup_can_still_sleep() -> Result {
        let room = Arc::pin_init(
            pin_init!(Room {
                open <- new_mutex!(false),
                bell <- new_condvar!(),
            }),
            GFP_KERNEL,
        )?;
        let began = Counter::new()?;
        let cleans_up = Counter::new()?;
        let opener = kthread::run!("opener", {
            let room = room.clone();
            let cleans_up = cleans_up.clone();
            move |_cx| {
                cleans_up.reaches(1);
                fsleep(Delta::from_millis(50));
                *room.open.lock() = true;
                room.bell.notify_all();
            }
        })?;
        let task = kthread::run!("thorough", {
            let began = began.clone();
            let cleans_up = cleans_up.clone();
            move |cx| {
                began.increment();
                let _ = cx.sleep(FOREVER);
                // The request comes a moment before the mark of `kthread_stop()`.
                fsleep(Delta::from_millis(50));
                let mut open = room.open.lock();
                let interrupted = room.bell.wait_interruptible(&mut open);
                cleans_up.increment();
                let quiet = cx.uninterrupted(|| room.bell.wait_interruptible(&mut open));
                (interrupted, quiet, *open)
            }
        })?;
        let ran = began.reaches(1);
        let exit = task.stop()?;
        let _ = opener.join()?;

        assert!(ran);
        assert!(exit == Exit::Returned((true, false, true)));
        Ok(())
    }
}
