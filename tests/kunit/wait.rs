// SPDX-License-Identifier: GPL-2.0

//! Waiting in queues.

use kernel::prelude::*;

#[kunit_tests(kthread_wait)]
mod tests {
    use super::*;
    use crate::{
        support::{
            comes_to,
            eventually,
            Counter, //
        },
        timer::call_in_hard_irq, //
    };
    use kernel::{
        new_mutex, new_spinlock,
        sync::{
            lock::{
                Backend,
                Lock, //
            },
            Arc,
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
        new_wait_queue,
        Exit,
        State,
        Stopped,
        WaitQueue, //
    };

    const FOREVER: Delta = Delta::from_secs(3600);

    /// Something to wait for.
    #[pin_data]
    struct Store {
        #[pin]
        goods: Mutex<KVec<u32>>,
        #[pin]
        queue: WaitQueue,
        looks: Counter,
    }

    impl Store {
        fn new() -> Result<Arc<Self>> {
            let looks = Counter::new()?;
            Arc::pin_init(
                pin_init!(Self {
                    goods <- new_mutex!(KVec::new()),
                    queue <- new_wait_queue!("store"),
                    looks,
                }),
                GFP_KERNEL,
            )
        }

        fn take(&self) -> Option<u32> {
            self.looks.increment();
            self.goods.lock().pop()
        }

        fn put(&self, item: u32) -> Result {
            self.goods.lock().push(item, GFP_KERNEL)?;
            Ok(())
        }
    }

    #[test]
    fn condition_gives_a_value() -> Result {
        let store = Store::new()?;
        let task = kthread::run!("buyer", {
            let store = store.clone();
            move |cx| cx.wait(&store.queue, || store.take())
        })?;
        let waits = comes_to(&task, State::Waiting);
        store.put(7)?;
        store.queue.wake_all();
        let exit = task.join()?;

        assert!(waits);
        assert!(exit == Exit::Returned(Ok(7)));
        Ok(())
    }

    /// H34: a stop ends a wait, wherever between the look at the condition and the sleep it comes.
    #[test]
    fn stop_ends_a_wait() -> Result {
        let store = Store::new()?;
        for i in 0..300 {
            let created = kthread::builder!("stopped")?.create({
                let store = store.clone();
                move |cx| cx.wait(&store.queue, || store.take())
            })?;
            let task = created.start_and_wait();
            fsleep(Delta::from_micros(i % 50));
            let exit = task.stop()?;

            assert!(exit == Exit::Returned(Err(Stopped)));
        }
        Ok(())
    }

    /// A thread that was asked to stop does not look at the condition.
    #[test]
    fn stop_wins() -> Result {
        let store = Store::new()?;
        store.put(1)?;
        let task = kthread::run!("late", {
            let store = store.clone();
            move |cx| {
                cx.stop_token().request_stop();
                cx.wait(&store.queue, || store.take())
            }
        })?;
        let exit = task.join()?;

        assert!(exit == Exit::Returned(Err(Stopped)));
        assert_eq!(store.looks.get(), 0);
        Ok(())
    }

    /// H35: a waiter looks at its condition when it is woken, and not more often.
    #[test]
    fn waiting_is_not_polling() -> Result {
        let store = Store::new()?;
        let task = kthread::run!("patient", {
            let store = store.clone();
            move |cx| cx.wait(&store.queue, || store.take())
        })?;
        let waits = comes_to(&task, State::Waiting);
        fsleep(Delta::from_millis(50));
        for _ in 0..5 {
            store.queue.wake_all();
            task.wake_up();
            fsleep(Delta::from_millis(2));
        }
        let looks = store.looks.get();
        drop(task);

        assert!(waits);
        assert!((1..=12).contains(&looks));
        Ok(())
    }

    /// H41: every limit is kept, whatever its value, and a condition that holds at its end counts.
    #[test]
    fn timeouts() -> Result {
        let store = Store::new()?;
        let task = kthread::run!("timely", {
            let store = store.clone();
            move |cx| -> Result<_, Stopped> {
                let start = Instant::<Monotonic>::now();
                for nanos in [i64::MIN, -1, 0, 1] {
                    let limit = Delta::from_nanos(nanos);
                    if cx.wait_timeout(&store.queue, limit, || false)?.is_some() {
                        return Ok(None);
                    }
                }
                let short = start.elapsed();

                let start = Instant::<Monotonic>::now();
                let limit = Delta::from_millis(20);
                let missed = cx.wait_timeout(&store.queue, limit, || false)?;
                let waited = start.elapsed();

                let start = Instant::<Monotonic>::now();
                let at_the_end =
                    cx.wait_timeout(&store.queue, limit, || start.elapsed() >= limit)?;

                let endless = Delta::from_nanos(i64::MAX);
                let bought = cx.wait_timeout(&store.queue, endless, || store.take())?;
                Ok(Some((short, missed, waited, at_the_end, bought)))
            }
        })?;
        let waits = comes_to(&task, State::Waiting);
        fsleep(Delta::from_millis(60));
        store.put(3)?;
        store.queue.wake_all();
        let Exit::Returned(Ok(Some((short, missed, waited, at_the_end, bought)))) = task.join()?
        else {
            return Err(EINVAL);
        };

        assert!(waits);
        assert!(short < Delta::from_secs(5));
        assert!(missed.is_none());
        assert!(waited >= Delta::from_millis(20));
        assert!(at_the_end.is_some());
        assert!(bought == Some(3));
        Ok(())
    }

    /// H37: a condition may sleep.
    #[test]
    fn condition_may_sleep() -> Result {
        let store = Store::new()?;
        let task = kthread::run!("thoughtful", {
            let store = store.clone();
            move |cx| {
                cx.wait(&store.queue, || {
                    fsleep(Delta::from_millis(5));
                    let _ = cx.sleep(Delta::from_millis(5));
                    store.take()
                })
            }
        })?;
        let looked = store.looks.reaches(1);
        store.put(5)?;
        store.queue.wake_all();
        let exit = task.join()?;

        assert!(looked);
        assert!(exit == Exit::Returned(Ok(5)));
        Ok(())
    }

    /// What a condition waits for hides nothing of the wait that it belongs to.
    #[test]
    fn condition_may_wait() -> Result {
        let store = Store::new()?;
        let task = kthread::run!("patient", {
            let store = store.clone();
            move |cx| {
                cx.wait(&store.queue, || {
                    let _ = cx.sleep(Delta::from_millis(1));
                    store.take()
                })
            }
        })?;
        let looked = store.looks.reaches(1);
        fsleep(Delta::from_millis(20));
        let state = task.state();
        drop(task);

        assert!(looked);
        assert!(state == State::Waiting);
        Ok(())
    }

    /// H41: a limit counts also if the thread never gets to sleep, as it is woken more often than
    /// it can look.
    #[test]
    fn slow_condition_does_not_outlast_the_limit() -> Result {
        let store = Store::new()?;
        let waker = kthread::run!("waker", {
            let store = store.clone();
            move |cx| {
                while cx.sleep(Delta::from_micros(100)).is_ok() {
                    store.queue.wake_all();
                }
            }
        })?;
        let task = kthread::run!("slow", {
            let store = store.clone();
            move |cx| {
                cx.wait_timeout(&store.queue, Delta::from_millis(10), || {
                    fsleep(Delta::from_millis(2));
                    false
                })
            }
        })?;
        let ended = comes_to(&task, State::Ended);
        let exit = task.stop()?;
        drop(waker);
        let start = Instant::<Monotonic>::now();
        let woken_by_itself = store.queue.wait_timeout(Delta::from_millis(1), || {
            store.queue.wake_all();
            start.elapsed() > Delta::from_secs(5)
        });

        assert!(ended);
        assert!(exit == Exit::Returned(Ok(None)));
        assert!(woken_by_itself.is_none());
        Ok(())
    }

    /// What other tasks have: one of several, with a limit and without.
    #[test]
    fn others_wait_in_all_ways() -> Result {
        let store = Store::new()?;
        let late = store
            .queue
            .wait_interruptible_timeout(Delta::from_millis(2), || false)?;
        let feeder = kthread::run!("feeder", {
            let store = store.clone();
            move |_cx| -> Result {
                for item in [1, 2] {
                    fsleep(Delta::from_millis(2));
                    store.put(item)?;
                    store.queue.wake_one();
                }
                Ok(())
            }
        })?;
        let first = store.queue.wait_exclusive(|| store.take());
        let second = store
            .queue
            .wait_interruptible_timeout(FOREVER, || store.take())?;
        drop(feeder);

        assert!(late.is_none());
        assert_eq!(first + second.unwrap_or(0), 3);
        Ok(())
    }

    #[test]
    fn woken_from_hard_irq() -> Result {
        let store = Store::new()?;
        let rung = Counter::new()?;
        let task = kthread::run!("interrupted", {
            let (store, rung) = (store.clone(), rung.clone());
            move |cx| cx.wait(&store.queue, || rung.get() > 0)
        })?;
        let waits = comes_to(&task, State::Waiting);
        call_in_hard_irq({
            let (store, rung) = (store.clone(), rung.clone());
            move || {
                rung.increment();
                store.queue.wake_all();
            }
        })?;
        let exit = task.join()?;

        assert!(waits);
        assert!(exit == Exit::Returned(Ok(())));
        Ok(())
    }

    /// H36: one wake-up for each item is enough, also when those who are woken are asked to stop.
    #[test]
    fn exclusive_wake_ups_are_passed_on() -> Result {
        const ITEMS: i32 = 200;

        let store = Store::new()?;
        let bought = Counter::new()?;
        let buyer = || {
            let (store, bought) = (store.clone(), bought.clone());
            kthread::run!("buyer", move |cx| -> Result<(), Stopped> {
                loop {
                    cx.wait_exclusive(&store.queue, || store.take())?;
                    bought.increment();
                }
            })
        };
        let mut all = true;
        for item in 0..ITEMS {
            // First in the queue, so that the wake-up goes to it.
            let doomed = buyer()?;
            let mut waits = comes_to(&doomed, State::Waiting);
            let heir = buyer()?;
            waits &= comes_to(&heir, State::Waiting);
            store.put(item.unsigned_abs())?;
            if item % 4 == 0 {
                doomed.request_stop();
            }
            store.queue.wake_one();
            doomed.request_stop();
            all &= waits && bought.reaches(item + 1);
            drop(doomed);
            drop(heir);
            if !all {
                break;
            }
        }

        assert!(all);
        assert_eq!(bought.get(), ITEMS);
        Ok(())
    }

    /// H32: a thread parks while it waits, and the wake-up that comes meanwhile is not lost.
    #[test]
    fn parks_inside_a_wait() -> Result {
        let store = Store::new()?;
        let task = kthread::run!("buyer", {
            let store = store.clone();
            move |cx| cx.wait(&store.queue, || store.take())
        })?;
        let waits = comes_to(&task, State::Waiting);
        let parked = task.park()?;
        let looks = store.looks.get();
        store.put(9)?;
        store.queue.wake_all();
        fsleep(Delta::from_millis(5));
        let looked_meanwhile = store.looks.get() - looks;
        let state = task.state();
        drop(parked);
        let exit = task.join()?;

        assert!(waits);
        assert_eq!(looked_meanwhile, 0);
        assert!(state == State::Parked);
        assert!(exit == Exit::Returned(Ok(9)));
        Ok(())
    }

    /// A number, and where to wait for it to change.
    #[pin_data]
    struct Guarded<B: Backend> {
        #[pin]
        number: Lock<u32, B>,
        #[pin]
        queue: WaitQueue,
    }

    /// A lock of that kind is free while a thread waits, and held when it has waited.
    fn lock_is_free_meanwhile<B: Backend + 'static>(lock: impl PinInit<Lock<u32, B>>) -> Result {
        let guarded = Arc::pin_init(
            pin_init!(Guarded {
                number <- lock,
                queue <- new_wait_queue!(),
            }),
            GFP_KERNEL,
        )?;
        let task = kthread::run!("collector", {
            let guarded = guarded.clone();
            move |cx| -> Result<_, Stopped> {
                let mut number =
                    cx.wait_locked(&guarded.queue, guarded.number.lock(), |number| *number >= 2)?;
                *number += 1;
                // On a single CPU nobody can tell whether a spinlock is held.
                let is_held = !cfg!(CONFIG_SMP) || guarded.number.try_lock().is_none();
                Ok((*number, is_held))
            }
        })?;
        let waits = comes_to(&task, State::Waiting);
        let mut free = true;
        for _ in 0..2 {
            fsleep(Delta::from_millis(2));
            // It is not while the thread looks at the number.
            free &= eventually(|| guarded.number.try_lock().map(|mut it| *it += 1).is_some());
            guarded.queue.wake_all();
        }
        let exit = if free { task.join()? } else { task.stop()? };

        assert!(waits);
        assert!(free);
        assert!(exit == Exit::Returned(Ok((3, true))));
        Ok(())
    }

    #[test]
    fn mutex_is_free_meanwhile() -> Result {
        lock_is_free_meanwhile(new_mutex!(0))
    }

    #[test]
    fn spinlock_is_free_meanwhile() -> Result {
        lock_is_free_meanwhile(new_spinlock!(0))
    }

    /// H38: tasks that are no threads of the crate are woken as well, however they sleep.
    #[test]
    fn others_wait_too() -> Result {
        let store = Store::new()?;
        let late = store.queue.wait_timeout(Delta::from_millis(5), || false);
        let feeder = kthread::run!("feeder", {
            let store = store.clone();
            move |cx| -> Result<(), Error> {
                for item in 0..3 {
                    let _ = cx.sleep(Delta::from_millis(5));
                    store.put(item)?;
                    store.queue.wake_all();
                }
                Ok(())
            }
        })?;
        let first = store.queue.wait(|| store.take());
        let second = store.queue.wait_timeout(FOREVER, || store.take());
        let third = store.queue.wait_interruptible(|| store.take());
        let exit = feeder.join()?;

        // The last one that was put in is taken first.
        let mut taken = [Some(first), second, third.ok()];
        taken.sort_unstable();
        assert!(late.is_none());
        assert_eq!(taken, [Some(0), Some(1), Some(2)]);
        assert!(exit == Exit::Returned(Ok(())));
        Ok(())
    }
}
