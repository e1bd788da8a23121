// SPDX-License-Identifier: GPL-2.0

//! Signals to threads.

use kernel::prelude::*;

#[kunit_tests(kthread_signal)]
mod tests {
    use super::*;
    use crate::support::{
        comes_to,
        eventually,
        Counter, //
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
        new_wait_queue,
        Current,
        Exit,
        Interrupted,
        Signal,
        State,
        Stopped,
        Task,
        WaitQueue, //
    };

    const FOREVER: Delta = Delta::from_secs(3600);

    fn queue() -> Result<Arc<WaitQueue>> {
        Arc::pin_init(new_wait_queue!("signals"), GFP_KERNEL)
    }

    /// Says whether a task that does nothing else, and so does not sleep, is at work.
    fn is_busy(counter: &Counter) -> bool {
        fsleep(Delta::from_millis(5));
        let before = counter.get();
        fsleep(Delta::from_millis(20));
        counter.get() != before
    }

    #[test]
    fn numbers() {
        for number in [i32::MIN, -9, -1, 0, 65, 129, i32::MAX] {
            assert_eq!(Signal::new(number), Err(EINVAL));
        }
        for stop in 19..=22 {
            assert_eq!(Signal::new(stop), Err(EINVAL));
        }
        for number in (1..=64).filter(|number| !(19..=22).contains(number)) {
            assert_eq!(Signal::new(number).map(Signal::number), Ok(number));
        }
    }

    /// Waits for signals until it is told to stop; returns them.
    fn collect(
        cx: &Current<'_>,
        looks: &Counter,
        mut wait: impl FnMut() -> Interrupted,
    ) -> [i32; 4] {
        let mut got = [0; 4];
        for slot in &mut got {
            match wait() {
                Interrupted::Signal(signal) => *slot = signal.number(),
                Interrupted::Stopped => break,
            }
            looks.increment();
        }
        while cx.sleep(FOREVER).is_ok() {}
        got
    }

    /// Each signal that was allowed ends one wait, and the next wait sleeps again.
    #[test]
    fn signal_ends_one_wait() -> Result {
        let queue = queue()?;
        let looks = Counter::new()?;
        let caught = Counter::new()?;
        let task = kthread::run!("collector", {
            let (looks, caught) = (looks.clone(), caught.clone());
            move |cx| {
                cx.allow_signal(Signal::USR1);
                cx.allow_signal(Signal::KILL);
                collect(&cx, &caught, || {
                    let wait = cx.wait_interruptible(&queue, || {
                        looks.increment();
                        false
                    });
                    wait.err().unwrap_or(Interrupted::Stopped)
                })
            }
        })?;
        let waits = comes_to(&task, State::Waiting);
        let mut sent = task.send_signal(Signal::USR1);
        let first = caught.reaches(1);
        sent = sent.and(task.send_signal(Signal::USR2));
        let busy = is_busy(&looks);
        sent = sent.and(task.send_signal(Signal::KILL));
        let second = caught.reaches(2);
        let busy = busy || is_busy(&looks);
        let exit = task.stop()?;

        assert!(waits && first && second);
        assert!(!busy);
        assert_eq!(sent, Ok(()));
        assert!(exit == Exit::Returned([10, 9, 0, 0]));
        assert!(looks.get() <= 6);
        Ok(())
    }

    #[test]
    fn signal_ends_a_sleep() -> Result {
        let task = kthread::run!("light sleeper", |cx| {
            cx.allow_signal(Signal::HUP);
            let whole = cx.sleep_interruptible(Delta::from_millis(1));
            (whole, cx.sleep_interruptible(FOREVER))
        })?;
        let sent = eventually(|| task.send_signal(Signal::HUP).is_err());
        let exit = task.stop()?;

        assert!(sent);
        let Exit::Returned((_, second)) = exit else {
            return Err(EIO);
        };
        assert_eq!(second, Err(Interrupted::Signal(Signal::HUP)));
        Ok(())
    }

    #[test]
    fn signal_ends_the_wait_for_an_event() -> Result {
        let event = Arc::pin_init(kthread::new_event!(), GFP_KERNEL)?;
        let ready = Counter::new()?;
        let task = kthread::run!("handler", {
            let (event, ready) = (event.clone(), ready.clone());
            move |cx| {
                cx.allow_signal(Signal::USR2);
                ready.increment();
                let first = cx.wait_event_interruptible(&event);
                ready.increment();
                (first, cx.wait_event_interruptible(&event))
            }
        })?;
        event.raise();
        let handled = ready.reaches(2);
        let sent = task.send_signal(Signal::USR2);
        let ended = comes_to(&task, State::Ended);
        let exit = task.stop()?;

        assert!(handled && ended);
        assert_eq!(sent, Ok(()));
        assert!(exit == Exit::Returned((Ok(()), Err(Interrupted::Signal(Signal::USR2)))));
        Ok(())
    }

    /// Stop, signal and time are told apart, and a condition that holds is worth more than a
    /// signal.
    #[test]
    fn reasons_are_told_apart() -> Result {
        let queue = queue()?;
        let ready = Counter::new()?;
        let task = kthread::run!("careful", {
            let ready = ready.clone();
            move |cx| {
                let late = cx.wait_interruptible_timeout(&queue, Delta::from_millis(1), || false);
                cx.allow_signal(Signal::TERM);
                ready.increment();
                while !cx.signal_pending() && cx.sleep(Delta::from_micros(100)).is_ok() {}
                let true_anyway = cx.wait_interruptible(&queue, || Some(7));
                let signal = cx.wait_interruptible_timeout(&queue, FOREVER, || false);
                let pending = cx.signal_pending();
                ready.increment();
                let stop = cx.wait_interruptible_timeout(&queue, FOREVER, || false);
                (late, true_anyway, signal, pending, stop)
            }
        })?;
        let allowed = ready.reaches(1);
        let sent = task.send_signal(Signal::TERM);
        let signalled = ready.reaches(2);
        let exit = task.stop()?;

        assert!(allowed && signalled);
        assert_eq!(sent, Ok(()));
        assert!(
            exit == Exit::Returned((
                Ok(None),
                Ok(7),
                Err(Interrupted::Signal(Signal::TERM)),
                false,
                Err(Interrupted::Stopped),
            ))
        );
        Ok(())
    }

    /// Neither a signal that was not allowed nor one that is pending ends, or spins in, a wait
    /// that is not for signals.
    #[test]
    fn other_waits_are_left_alone() -> Result {
        let queue = queue()?;
        let looks = Counter::new()?;
        let task = kthread::run!("stubborn", {
            let (queue, looks) = (queue.clone(), looks.clone());
            move |cx| {
                cx.allow_signal(Signal::KILL);
                let wait = cx.wait(&queue, || {
                    looks.increment();
                    false
                });
                (
                    wait,
                    cx.signal_pending(),
                    cx.dequeue_signal(),
                    cx.dequeue_signal(),
                )
            }
        })?;
        let waits = comes_to(&task, State::Waiting);
        let sent = task
            .send_signal(Signal::KILL)
            .and(task.send_signal(Signal::INT));
        queue.wake_all();
        let busy = is_busy(&looks);
        let exit = task.stop()?;

        assert!(waits && !busy);
        assert_eq!(sent, Ok(()));
        assert!(exit == Exit::Returned((Err(Stopped), true, Some(Signal::KILL), None)));
        Ok(())
    }

    #[test]
    fn ended_thread_is_sent_nothing() -> Result {
        let task = kthread::run!("short", |_cx| ())?;
        let ended = comes_to(&task, State::Ended);
        let early = task.send_signal(Signal::KILL);
        // By then C has let go of what it sends signals through.
        fsleep(Delta::from_millis(20));
        let late = task.send_signal(Signal::KILL);
        drop(task);

        assert!(ended);
        assert_eq!(early, Err(ESRCH));
        assert_eq!(late, Err(ESRCH));
        Ok(())
    }

    /// Once it is taken, a `SIGKILL` keeps a thread from nothing.
    #[test]
    fn killed_thread_goes_on() -> Result {
        let allowed = Counter::new()?;
        let task = kthread::run!("mother", {
            let allowed = allowed.clone();
            move |cx| -> Result<Exit<u32>> {
                cx.allow_signal(Signal::KILL);
                allowed.increment();
                if cx.sleep_interruptible(FOREVER) != Err(Interrupted::Signal(Signal::KILL)) {
                    return Err(EIO);
                }
                for _ in 0..10 {
                    drop(kthread::run!("child", |_cx| ())?);
                }
                kthread::run!("child", |_cx| 7)?.join()
            }
        })?;
        let ready = allowed.reaches(1);
        let sent = task.send_signal(Signal::KILL);
        let ended = comes_to(&task, State::Ended);
        let exit = task.stop()?;

        assert!(ready && ended);
        assert_eq!(sent, Ok(()));
        assert!(exit == Exit::Returned(Ok(Exit::Returned(7))));
        Ok(())
    }

    /// Notes whether the task that drops it has a signal.
    struct SeesSignal(Counter);

    impl Drop for SeesSignal {
        fn drop(&mut self) {
            self.0
                .add(if current!().signal_pending() { 100 } else { 1 });
        }
    }

    /// What comes after the closure, such as the drop of its result, knows no signals.
    #[test]
    fn signals_end_with_the_closure() -> Result {
        let ready = Counter::new()?;
        let seen = Counter::new()?;
        let task: Task<_> = kthread::run!("deaf in the end", {
            let (ready, seen) = (ready.clone(), seen.clone());
            move |cx| {
                cx.allow_signal(Signal::KILL);
                ready.increment();
                while !cx.signal_pending() && cx.sleep(Delta::from_micros(100)).is_ok() {}
                ready.increment();
                while ready.get() < 3 && cx.sleep(Delta::from_micros(100)).is_ok() {}
                SeesSignal(seen.clone())
            }
        })?;
        let allowed = ready.reaches(1);
        let sent = task.send_signal(Signal::KILL);
        let pending = ready.reaches(2);
        // The thread itself drops the result then.
        let detached = task.detach();
        ready.increment();
        let dropped = seen.reaches(1);

        assert!(allowed && pending && dropped);
        assert_eq!(sent.and(detached), Ok(()));
        assert_eq!(seen.get(), 1);
        Ok(())
    }

    /// A signal that is not allowed any more is forgotten if it is pending, and ignored.
    #[test]
    fn signal_is_disallowed() -> Result {
        let ready = Counter::new()?;
        let task = kthread::run!("fickle", {
            let ready = ready.clone();
            move |cx| {
                cx.allow_signal(Signal::USR1);
                ready.increment();
                while !cx.signal_pending() && cx.sleep(Delta::from_micros(100)).is_ok() {}
                cx.disallow_signal(Signal::USR1);
                let pending = cx.signal_pending();
                ready.increment();
                (pending, cx.sleep_interruptible(FOREVER))
            }
        })?;
        let allowed = ready.reaches(1);
        let mut sent = task.send_signal(Signal::USR1);
        let disallowed = ready.reaches(2) && comes_to(&task, State::Sleeping);
        sent = sent.and(task.send_signal(Signal::USR1));
        fsleep(Delta::from_millis(5));
        let state = task.state();
        let exit = task.stop()?;

        assert!(allowed && disallowed);
        assert_eq!(sent, Ok(()));
        assert!(state == State::Sleeping);
        assert!(exit == Exit::Returned((false, Err(Interrupted::Stopped))));
        assert_eq!(Error::from(Interrupted::Stopped), EINTR);
        Ok(())
    }

    /// A stop is seen at once, whatever signals are pending.
    #[test]
    fn stop_comes_first() -> Result {
        let queue = queue()?;
        let ready = Counter::new()?;
        let task = kthread::run!("obedient", {
            let ready = ready.clone();
            move |cx| {
                cx.allow_signal(Signal::KILL);
                ready.increment();
                while !cx.should_stop() {
                    cx.cond_resched();
                }
                (
                    cx.signal_pending(),
                    cx.wait_interruptible(&queue, || true),
                    cx.sleep_interruptible(FOREVER),
                )
            }
        })?;
        let allowed = ready.reaches(1);
        let sent = task.send_signal(Signal::KILL);
        let start = Instant::<Monotonic>::now();
        let exit = task.stop()?;
        let took = start.elapsed();

        assert!(allowed);
        assert_eq!(sent, Ok(()));
        assert!(
            exit == Exit::Returned((true, Err(Interrupted::Stopped), Err(Interrupted::Stopped)))
        );
        assert!(took < Delta::from_secs(5));
        Ok(())
    }
}
