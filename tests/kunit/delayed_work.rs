// SPDX-License-Identifier: GPL-2.0

//! Items that are to run later.

use kernel::prelude::*;

#[kunit_tests(kthread_delayed_work)]
mod tests {
    use super::*;
    use crate::{
        support::{
            comes_to,
            eventually,
            Counter,
            CountsDrop, //
        },
        timer::call_in_hard_irq, //
    };
    use kernel::{
        cpu::CpuId,
        sync::Arc,
        time::{
            delay::{
                fsleep,
                udelay, //
            },
            msecs_to_jiffies,
            Delta,
            Instant,
            Jiffies,
            Monotonic, //
        },
    };
    use kthread::{
        __private::ESHUTDOWN,
        impl_has_delayed_work,
        new_delayed_work,
        DelayedWork,
        EnqueueError,
        Exit,
        Policy,
        State,
        WorkContext,
        WorkItem,
        Worker, //
    };

    const NEVER: Delta = Delta::from_secs(3600);

    fn worker() -> Result<Worker> {
        kthread::builder!("worker")?.worker()
    }

    #[pin_data]
    struct Item {
        runs: Counter,
        /// After how long it queues itself again.
        again: Option<Delta>,
        #[pin]
        work: DelayedWork<Self>,
        _drop: CountsDrop,
    }

    impl_has_delayed_work! {
        impl HasDelayedWork<Self> for Item { self.work }
    }

    impl WorkItem for Item {
        type Pointer = Arc<Self>;

        fn run(this: Arc<Self>, cx: &mut WorkContext<'_>) {
            this.runs.increment();
            if let Some(delay) = this.again {
                let _ = cx.queue().enqueue_delayed(this, delay);
            }
        }
    }

    fn item(runs: &Counter, drops: &Counter, again: Option<Delta>) -> Result<Arc<Item>> {
        Arc::pin_init(
            pin_init!(Item {
                runs: runs.clone(),
                again,
                work <- new_delayed_work!("test"),
                _drop: drops.on_drop(),
            }),
            GFP_KERNEL,
        )
    }

    /// The time that delays are measured in, which may fall behind the clock's for a while.
    fn jiffies() -> Jiffies {
        // SAFETY: A word that is always there, and that C changes.
        unsafe { (&raw const kernel::bindings::jiffies).read_volatile() }
    }

    /// Cancels itself as it is dropped.
    #[pin_data(PinnedDrop)]
    struct Last {
        had_nothing_to_cancel: Counter,
        #[pin]
        work: DelayedWork<Self>,
    }

    impl_has_delayed_work! {
        impl HasDelayedWork<Self> for Last { self.work }
    }

    impl WorkItem for Last {
        type Pointer = Arc<Self>;

        fn run(_this: Arc<Self>, _cx: &mut WorkContext<'_>) {}
    }

    #[pinned_drop]
    impl PinnedDrop for Last {
        fn drop(self: Pin<&mut Self>) {
            if matches!(self.work.cancel(), Ok(None)) {
                self.had_nothing_to_cancel.increment();
            }
        }
    }

    #[test]
    fn what_is_dropped_does_not_run() -> Result {
        let had_nothing_to_cancel = Counter::new()?;
        let counter = had_nothing_to_cancel.clone();
        let worker = worker()?;
        let item = Arc::pin_init(
            pin_init!(Last {
                had_nothing_to_cancel: counter,
                work <- new_delayed_work!(),
            }),
            GFP_KERNEL,
        )?;
        worker.enqueue_delayed(item, NEVER)?;
        drop(worker);

        assert_eq!(had_nothing_to_cancel.get(), 1);
        Ok(())
    }

    #[test]
    fn runs_when_the_delay_is_over() -> Result {
        let (runs, drops) = (Counter::new()?, Counter::new()?);
        let worker = worker()?;
        let start = jiffies();
        worker.enqueue_delayed(item(&runs, &drops, None)?, Delta::from_millis(30))?;
        let ran = runs.reaches(1);
        let took = jiffies().wrapping_sub(start);
        // At once: without a delay, and with one below zero.
        for delay in [Delta::ZERO, Delta::from_nanos(i64::MIN)] {
            worker.enqueue_delayed(item(&runs, &drops, None)?, delay)?;
        }
        let flushed = worker.flush();
        let at_once = runs.get();
        drop(worker);

        assert!(ran);
        assert_eq!(flushed, Ok(()));
        assert!(took >= msecs_to_jiffies(30));
        assert_eq!((at_once, drops.get()), (3, 3));
        Ok(())
    }

    /// H72, H75: what is cancelled is given back once, and its timer is not left armed.
    #[test]
    fn cancel_gives_it_back() -> Result {
        let (runs, drops) = (Counter::new()?, Counter::new()?);
        let worker = worker()?;
        let item = item(&runs, &drops, None)?;
        let idle = item.work.cancel()?.is_none();
        worker.enqueue_delayed(item.clone(), Delta::from_millis(20))?;
        let pending = worker.enqueue_delayed(item.clone(), NEVER);
        let refused = matches!(pending, Err(EnqueueError::Pending(_)));
        drop(pending);
        let given = item.work.cancel()?.is_some();
        let again = item.work.cancel()?.is_none();
        fsleep(Delta::from_millis(60));
        drop(worker);

        assert!(idle && refused && given && again);
        assert_eq!(runs.get(), 0);
        drop(item);
        assert_eq!(drops.get(), 1);
        Ok(())
    }

    /// A delay that is longer than any of the kernel's is not cut short.
    #[test]
    fn delay_of_a_century() -> Result {
        let (runs, drops) = (Counter::new()?, Counter::new()?);
        let worker = worker()?;
        let item = item(&runs, &drops, None)?;
        let century = Delta::from_secs(100 * 365 * 24 * 3600);
        let queued = worker.enqueue_delayed(item.clone(), century).is_ok();
        fsleep(Delta::from_millis(20));
        let given = item.work.cancel()?.is_some();
        drop(worker);

        assert!(queued && given);
        assert_eq!(runs.get(), 0);
        Ok(())
    }

    /// H72, H73: cancelling and changing the delay just when it is over loses nothing.
    #[test]
    fn races_with_the_timer() -> Result {
        let (runs, drops) = (Counter::new()?, Counter::new()?);
        let worker = worker()?;
        let mut given = 0;
        let mut ends = Ok(());
        for round in 0..300 {
            let item = item(&runs, &drops, None)?;
            worker.enqueue_delayed(item.clone(), Delta::from_nanos(1))?;
            udelay(Delta::from_micros(round * 37 % 1000));
            if round % 3 == 0 {
                fsleep(Delta::from_micros(round * 29 % 8000));
            }
            if round % 2 == 0 {
                if let Some(left) = worker.mod_delayed(item.clone(), Delta::from_nanos(1))? {
                    drop(left);
                }
                udelay(Delta::from_micros(round * 53 % 1000));
            }
            match item.work.cancel() {
                Ok(taken) => given += i32::from(taken.is_some()),
                Err(error) => ends = Err(error),
            }
        }
        drop(worker);

        assert_eq!(ends, Ok(()));
        // One was queued twice each other round, and may have run twice.
        assert!(runs.get() + given >= 300 && runs.get() + given <= 450);
        assert_eq!(drops.get(), 300);
        Ok(())
    }

    #[test]
    fn delay_is_changed() -> Result {
        let (runs, drops) = (Counter::new()?, Counter::new()?);
        let worker = worker()?;
        let item = item(&runs, &drops, None)?;
        let queued = worker.mod_delayed(item.clone(), NEVER)?.is_none();
        let moved = worker.mod_delayed(item.clone(), NEVER)?.is_some();
        let sooner = worker
            .mod_delayed(item.clone(), Delta::from_millis(1))?
            .is_some();
        let ran = runs.reaches(1);
        let (queue, again) = (worker.queue(), item.clone());
        call_in_hard_irq(move || {
            let _ = queue.mod_delayed(again.clone(), Delta::from_millis(1));
        })?;
        let from_hard_irq = runs.reaches(2);
        drop(worker);

        assert!(queued && moved && sooner && ran && from_hard_irq);
        drop(item);
        assert_eq!((runs.get(), drops.get()), (2, 1));
        Ok(())
    }

    /// H74: an item that is flushed runs now.
    #[test]
    fn flush_does_not_wait_for_the_delay() -> Result {
        let (runs, drops) = (Counter::new()?, Counter::new()?);
        let worker = worker()?;
        let item = item(&runs, &drops, None)?;
        let idle = item.work.flush();
        worker.enqueue_delayed(item.clone(), NEVER)?;
        let flushed = item.work.flush();
        let ran = runs.get();
        worker.enqueue_delayed(item.clone(), NEVER)?;
        let (queue, refs) = (worker.queue(), item.clone());
        drop(worker);

        assert_eq!(idle.and(flushed), Ok(()));
        assert_eq!(ran, 1);
        assert_eq!(refs.work.flush(), Err(ESHUTDOWN));
        assert!(matches!(
            queue.enqueue_delayed(item, NEVER),
            Err(EnqueueError::Closed(_))
        ));
        drop(refs);
        assert_eq!((runs.get(), drops.get()), (1, 1));
        Ok(())
    }

    /// A flush waits for what is queued now, not for what the item queues next, and so ends.
    #[test]
    fn flush_of_one_that_comes_again() -> Result {
        let (runs, drops) = (Counter::new()?, Counter::new()?);
        let cpu = CpuId::current();
        // The item runs before the flusher goes on.
        let worker = kthread::builder!("worker")?
            .bind(cpu)
            .policy(Policy::Fifo)
            .worker()?;
        let item = item(&runs, &drops, Some(NEVER))?;
        worker.enqueue_delayed(item.clone(), NEVER)?;
        let flusher = kthread::builder!("flusher")?
            .bind(cpu)
            .run(move |_cx| item.work.flush())?;
        let ended = comes_to(&flusher, State::Ended);
        drop(worker);
        let exit = flusher.stop()?;

        assert!(ended);
        assert!(exit == Exit::Returned(Ok(())));
        assert_eq!((runs.get(), drops.get()), (1, 1));
        Ok(())
    }

    /// A flush leaves an item that is queued already where it is, also while the worker closes.
    #[test]
    fn flush_keeps_what_is_queued() -> Result {
        let (runs, drops) = (Counter::new()?, Counter::new()?);
        let worker = worker()?;
        let item = item(&runs, &drops, None)?;
        drop(worker.run(|_cx| fsleep(Delta::from_millis(50)))?);
        worker.enqueue(item.clone())?;
        let queue = worker.queue();
        let dropper = kthread::run!("dropper", move |_cx| drop(worker))?;
        let closed = eventually(|| queue.is_closed());
        let flushed = item.work.flush();
        let ended = comes_to(&dropper, State::Ended);
        drop(dropper);

        assert!(closed && ended);
        assert_eq!(flushed, Ok(()));
        assert_eq!(runs.get(), 1);
        Ok(())
    }

    /// H63, H67: a worker ends whatever is armed, in time or not; each item is dropped once.
    #[test]
    fn drop_ends_all_delays() -> Result {
        let (runs, drops) = (Counter::new()?, Counter::new()?);
        let mut made = 0;
        let start = Instant::<Monotonic>::now();
        for round in 0..20 {
            let worker = worker()?;
            worker.enqueue_delayed(item(&runs, &drops, Some(Delta::ZERO))?, Delta::ZERO)?;
            worker.enqueue_delayed(item(&runs, &drops, Some(NEVER))?, Delta::ZERO)?;
            made += 2;
            for number in 0..20 {
                let delay = Delta::from_micros((round * 17 + number * 29) % 9 * 1000);
                worker.enqueue_delayed(item(&runs, &drops, None)?, delay)?;
                made += 1;
            }
            fsleep(Delta::from_micros(round * 500));
        }
        let took = start.elapsed();

        assert_eq!(drops.get(), made);
        assert!(took < Delta::from_secs(10));
        Ok(())
    }
}
