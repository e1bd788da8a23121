// SPDX-License-Identifier: GPL-2.0

//! Events that threads deal with.

use kernel::prelude::*;

#[kunit_tests(kthread_event)]
mod tests {
    use super::*;
    use crate::{
        support::Counter,
        timer::call_in_hard_irq, //
    };
    use kernel::{
        sync::Arc,
        time::{
            delay::fsleep,
            Delta, //
        },
    };
    use kthread::{
        new_event,
        Event,
        Exit,
        Stopped,
        Task, //
    };

    fn event() -> Result<Arc<Event>> {
        Arc::pin_init(new_event!("test"), GFP_KERNEL)
    }

    /// A thread that counts the events that it is given.
    fn handler(event: &Arc<Event>, handled: &Counter) -> Result<Task<Result<(), Stopped>>> {
        let (event, handled) = (event.clone(), handled.clone());
        kthread::run!("handler", move |cx| loop {
            cx.wait_event(&event)?;
            handled.increment();
        })
    }

    #[test]
    fn raised_from_hard_irq() -> Result {
        let event = event()?;
        let handled = Counter::new()?;
        let task = handler(&event, &handled)?;
        let mut all = true;
        for i in 1..=10 {
            let event = event.clone();
            call_in_hard_irq(move || event.raise())?;
            all &= handled.reaches(i);
        }
        let exit = task.stop()?;

        assert!(all);
        assert_eq!(handled.get(), 10);
        assert!(exit == Exit::Returned(Err(Stopped)));
        Ok(())
    }

    /// Events that come before the thread waits are one, and not lost; none is handled twice.
    #[test]
    fn no_event_is_lost_or_invented() -> Result {
        let event = event()?;
        let handled = Counter::new()?;
        for _ in 0..3 {
            event.raise();
        }
        let early = event.is_raised();
        let task = handler(&event, &handled)?;
        let first = handled.reaches(1);
        fsleep(Delta::from_millis(10));
        let after_first = handled.get();
        for i in 0..200 {
            let before = handled.get();
            event.raise();
            if !handled.reaches(before + 1) || handled.get() != before + 1 {
                handled.add(1000 + i);
            }
        }
        drop(task);

        assert!(early);
        assert!(first);
        assert_eq!(after_first, 1);
        assert_eq!(handled.get(), 201);
        assert!(!event.is_raised());
        Ok(())
    }

    /// Each event is for one of those who wait.
    #[test]
    fn one_of_several_is_given_it() -> Result {
        let event = event()?;
        let handled = Counter::new()?;
        let mut tasks = KVec::new();
        for _ in 0..3 {
            tasks.push(handler(&event, &handled)?, GFP_KERNEL)?;
        }
        let mut all = true;
        for i in 1..=50 {
            event.raise();
            all &= handled.reaches(i);
        }
        fsleep(Delta::from_millis(5));
        drop(tasks);

        assert!(all);
        assert_eq!(handled.get(), 50);
        Ok(())
    }

    /// Others than threads of the crate can wait for it, too.
    #[test]
    fn others_wait_too() -> Result {
        let event = event()?;
        let task = kthread::run!("raiser", {
            let event = event.clone();
            move |_cx| {
                fsleep(Delta::from_millis(2));
                event.raise();
            }
        })?;
        event.wait();
        drop(task);

        assert!(!event.is_raised());
        Ok(())
    }

    /// One that was asked to stop can wait for the end of something, if not for ever.
    #[test]
    fn stop_ends_no_plain_wait() -> Result {
        let (begun, event) = (event()?, event()?);
        let created = kthread::builder!("thorough")?.create({
            let (begun, event) = (begun.clone(), event.clone());
            move |cx| {
                while cx.sleep(Delta::from_secs(1)).is_ok() {}
                begun.raise();
                (
                    event.wait_timeout(Delta::from_secs(10)),
                    event.wait_timeout(Delta::from_millis(1)),
                )
            }
        })?;
        let task = created.start_and_wait();
        task.request_stop();
        let stopping = begun.wait_timeout(Delta::from_secs(10));
        event.raise();
        let exit = task.join()?;

        assert!(stopping);
        assert!(exit == Exit::Returned((true, false)));
        Ok(())
    }

    #[test]
    fn timeout() -> Result {
        let event = event()?;
        let task = kthread::run!("impatient", {
            let event = event.clone();
            move |cx| -> Result<_, Stopped> {
                let missed = cx.wait_event_timeout(&event, Delta::from_millis(5))?;
                event.raise();
                Ok((missed, cx.wait_event_timeout(&event, Delta::ZERO)?))
            }
        })?;
        let exit = task.join()?;

        assert!(exit == Exit::Returned(Ok((false, true))));
        Ok(())
    }
}
