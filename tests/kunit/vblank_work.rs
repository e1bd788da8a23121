// SPDX-License-Identifier: GPL-2.0

//! The port of DRM's vblank works.

use kernel::prelude::*;

#[kunit_tests(kthread_vblank_work)]
mod tests {
    use super::*;
    use crate::{
        driver_irq,
        ports::vblank_work::{
            Crtc,
            Func,
            Vblank,
            VblankWork, //
        },
        support::{
            comes_to,
            eventually,
            Counter, //
        },
    };
    use kernel::{
        new_mutex,
        sync::{
            atomic::Relaxed,
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
        Exit,
        State, //
    };

    fn work(
        crtc: &Crtc,
        func: impl Fn(&Arc<VblankWork>) + Send + Sync + 'static,
    ) -> Result<Arc<VblankWork>> {
        let func: Func = KBox::new(func, GFP_KERNEL)?;
        Arc::pin_init(VblankWork::new(crtc.vblank.clone(), func), GFP_KERNEL)
    }

    fn counting(crtc: &Crtc, runs: &Counter) -> Result<Arc<VblankWork>> {
        let runs = runs.clone();
        work(crtc, move |_| runs.increment())
    }

    /// A work that keeps the worker busy until it may go on.
    fn blocking(crtc: &Crtc, runs: &Counter, go: &Counter) -> Result<Arc<VblankWork>> {
        let (runs, go) = (runs.clone(), go.clone());
        work(crtc, move |_| {
            runs.increment();
            go.reaches(1);
        })
    }

    /// What the interrupt of the device does.
    fn handle(vblank: &Vblank) {
        vblank.count.add(1, Relaxed);
        vblank.handle_works();
    }

    /// Has an interrupt come, and waits until it was handled.
    fn next_vblank(crtc: &Crtc) -> Result {
        let handled = Counter::new()?;
        let on = driver_irq::every(Delta::from_millis(1), {
            let (vblank, handled) = (crtc.vblank.clone(), handled.clone());
            move || {
                handle(&vblank);
                handled.increment();
                false
            }
        })?;
        let came = handled.reaches(1);
        drop(on);
        came.then_some(()).ok_or(ETIMEDOUT)
    }

    fn now(crtc: &Crtc) -> u64 {
        crtc.vblank.count.load(Relaxed)
    }

    #[pin_data]
    struct Log {
        #[pin]
        entries: Mutex<KVec<(u32, u64)>>,
    }

    /// Works run after the vblank that they are for, in the order in which they were scheduled.
    #[test]
    fn works_run_in_order() -> Result {
        let crtc = Crtc::new(0, 0)?;
        let log = Arc::pin_init(
            pin_init!(Log {
                entries <- new_mutex!(KVec::new()),
            }),
            GFP_KERNEL,
        )?;
        let runs = Counter::new()?;
        let mut works = KVec::new();
        let mut scheduled = 0;
        for (number, count) in [(1, 3), (2, 2), (3, 3), (4, 1), (5, 9), (6, 3)] {
            let (log, runs) = (log.clone(), runs.clone());
            let work = work(&crtc, move |work| {
                let count = work.vblank.count.load(Relaxed);
                let _ = log.entries.lock().push((number, count), GFP_KERNEL);
                runs.increment();
            })?;
            scheduled += i32::from(work.schedule(count, false));
            works.push(work, GFP_KERNEL)?;
        }
        // The fifth has its turn earlier, and stays where it is among the others.
        let moved = works[4].schedule(3, false);
        let same = works[4].schedule(3, false);
        let mut in_time = true;
        for ran in [1, 2, 6, 6] {
            next_vblank(&crtc)?;
            in_time &= runs.reaches(ran);
        }
        drop(crtc);
        let ran = core::mem::take(&mut *log.entries.lock());

        assert_eq!(scheduled, 6);
        assert!(moved && !same && in_time);
        let wanted = [(4, 1), (2, 2), (1, 3), (3, 3), (5, 3), (6, 3)];
        assert_eq!(ran.as_slice(), wanted.as_slice());
        Ok(())
    }

    /// After a vblank that has passed a work runs at once, or after the next one.
    #[test]
    fn missed_vblank() -> Result {
        let (runs, go) = (Counter::new()?, Counter::new()?);
        let crtc = Crtc::new(0, 1)?;
        let counts = counting(&crtc, &runs)?;
        for _ in 0..3 {
            next_vblank(&crtc)?;
        }
        let at_once = counts.schedule(2, false) && runs.reaches(1);
        let deferred = counts.schedule(2, true);
        fsleep(Delta::from_millis(5));
        let early = runs.get();
        next_vblank(&crtc)?;
        let next = runs.reaches(2);
        // One that is pending is not any more.
        let pending = counts.schedule(9, false);
        let moved = counts.schedule(3, false) && runs.reaches(3);
        let flushed = crtc.flush_all();
        // One that is in the queue is there once.
        let blocks = blocking(&crtc, &runs, &go)?;
        let blocked = blocks.schedule(0, false) && runs.reaches(4);
        let queued = counts.schedule(0, false);
        let again = counts.schedule(1, false);
        go.increment();
        drop(crtc);

        assert!(at_once && deferred && next);
        assert_eq!(early, 1);
        assert!(pending && moved);
        assert_eq!(flushed, Ok(()));
        assert!(blocked && queued && !again);
        assert_eq!(runs.get(), 5);
        Ok(())
    }

    /// One that is pending when it is still in the queue runs once for both.
    #[test]
    fn pending_and_queued() -> Result {
        let (runs, go) = (Counter::new()?, Counter::new()?);
        let crtc = Crtc::new(0, 2)?;
        let (blocks, counts) = (blocking(&crtc, &runs, &go)?, counting(&crtc, &runs)?);
        let blocked = blocks.schedule(0, false) && runs.reaches(1);
        let both = counts.schedule(0, false) && counts.schedule(1, false);
        next_vblank(&crtc)?;
        go.increment();
        let flushed = crtc.flush_all();
        drop(crtc);

        assert!(blocked && both);
        assert_eq!(flushed, Ok(()));
        assert_eq!(runs.get(), 2);
        Ok(())
    }

    #[test]
    fn cancel_while_pending_and_queued() -> Result {
        let (runs, go) = (Counter::new()?, Counter::new()?);
        let crtc = Crtc::new(0, 3)?;
        let (blocks, counts) = (blocking(&crtc, &runs, &go)?, counting(&crtc, &runs)?);
        let idle = counts.cancel_sync()?;
        let pending = counts.schedule(1, false) && counts.cancel_sync()?;
        next_vblank(&crtc)?;
        fsleep(Delta::from_millis(5));
        let early = runs.get();
        let blocked = blocks.schedule(0, false) && runs.reaches(1);
        let queued = counts.schedule(0, false) && counts.cancel_sync()?;
        // Both at once.
        let both = counts.schedule(0, false) && counts.schedule(2, false);
        let cancelled = both && counts.cancel_sync()? && !counts.cancel_sync()?;
        next_vblank(&crtc)?;
        go.increment();
        let flushed = crtc.flush_all();
        let ran = runs.get();
        let again = counts.schedule(0, false) && runs.reaches(2);
        drop(crtc);

        assert!(!idle && pending && blocked && queued && cancelled && again);
        assert_eq!(flushed, Ok(()));
        assert_eq!((early, ran), (0, 1));
        Ok(())
    }

    /// The run is waited for, and the work cannot be scheduled meanwhile.
    #[test]
    fn cancel_while_running() -> Result {
        let (runs, go) = (Counter::new()?, Counter::new()?);
        let crtc = Crtc::new(0, 4)?;
        let blocks = blocking(&crtc, &runs, &go)?;
        let running = blocks.schedule(0, false) && runs.reaches(1);
        let canceller = kthread::run!("canceller", {
            let blocks = blocks.clone();
            move |_cx| blocks.cancel_sync()
        })?;
        let counts = Counter::new()?;
        let refused = eventually(|| {
            counts.increment();
            !blocks.schedule(1000 + counts.get() as u64, false)
        });
        let at_once = blocks.schedule(0, false);
        let waits = !canceller.is_finished();
        go.increment();
        let cancelled = comes_to(&canceller, State::Ended);
        let ran = runs.get();
        let again = blocks.schedule(0, false) && runs.reaches(2);
        drop(crtc);
        let exit = canceller.stop()?;

        assert!(running && refused && !at_once && waits && cancelled && again);
        assert!(matches!(exit, Exit::Returned(Ok(_))));
        assert_eq!(ran, 1);
        Ok(())
    }

    /// A flush waits for the vblank, and then for the run.
    #[test]
    fn flush_while_pending_and_running() -> Result {
        let (runs, go) = (Counter::new()?, Counter::new()?);
        let crtc = Crtc::new(0, 5)?;
        let blocks = blocking(&crtc, &runs, &go)?;
        let idle = blocks.flush();
        let pending = blocks.schedule(1, false);
        let flusher = kthread::run!("flusher", {
            let blocks = blocks.clone();
            move |_cx| blocks.flush()
        })?;
        fsleep(Delta::from_millis(5));
        let waits_for_vblank = !flusher.is_finished();
        next_vblank(&crtc)?;
        let running = runs.reaches(1);
        let late_flusher = kthread::run!("flusher", {
            let blocks = blocks.clone();
            move |_cx| blocks.flush()
        })?;
        fsleep(Delta::from_millis(5));
        let waits_for_run = !flusher.is_finished() && !late_flusher.is_finished();
        go.increment();
        let flushed = comes_to(&flusher, State::Ended) && comes_to(&late_flusher, State::Ended);
        drop(crtc);

        assert_eq!(idle, Ok(()));
        assert!(pending && waits_for_vblank && running && waits_for_run && flushed);
        assert!(flusher.stop()? == Exit::Returned(Ok(())));
        assert!(late_flusher.stop()? == Exit::Returned(Ok(())));
        Ok(())
    }

    /// A flush ends when the work is cancelled, or has run sooner than it was to.
    #[test]
    fn flush_of_what_will_not_come() -> Result {
        let runs = Counter::new()?;
        let crtc = Crtc::new(0, 6)?;
        let mut flushers = KVec::new();
        let mut ends = 0;
        for cancel in [true, false] {
            let counts = counting(&crtc, &runs)?;
            counts.schedule(1000, false);
            let flusher = kthread::run!("flusher", {
                let counts = counts.clone();
                move |_cx| counts.flush()
            })?;
            fsleep(Delta::from_millis(5));
            let waits = !flusher.is_finished();
            if cancel {
                counts.cancel_sync()?;
            } else {
                counts.schedule(0, false);
            }
            ends += i32::from(waits && comes_to(&flusher, State::Ended));
            flushers.push(flusher, GFP_KERNEL)?;
        }
        drop(crtc);
        drop(flushers);

        assert_eq!(ends, 2);
        assert_eq!(runs.get(), 1);
        Ok(())
    }

    /// An interrupt may schedule, for its own vblank, too.
    #[test]
    fn scheduled_from_hard_irq() -> Result {
        let (runs, new) = (Counter::new()?, Counter::new()?);
        let crtc = Crtc::new(0, 7)?;
        let (first, second) = (counting(&crtc, &runs)?, counting(&crtc, &runs)?);
        let on = driver_irq::every(Delta::from_millis(1), {
            let (vblank, new) = (crtc.vblank.clone(), new.clone());
            let (first, second) = (first.clone(), second.clone());
            move || {
                let count = vblank.count.load(Relaxed);
                new.add(i32::from(first.schedule(count + 1, false)));
                new.add(i32::from(second.schedule(count, true)));
                handle(&vblank);
                count < 4
            }
        })?;
        let ended = eventually(|| now(&crtc) == 5);
        drop(on);
        let flushed = crtc.flush_all();
        drop(crtc);

        assert!(ended);
        assert_eq!(flushed, Ok(()));
        assert_eq!(new.get(), 10);
        assert!((2..=10).contains(&runs.get()));
        Ok(())
    }

    /// A work that schedules itself runs once for each vblank, until it is cancelled.
    #[test]
    fn work_schedules_itself() -> Result {
        let runs = Counter::new()?;
        let crtc = Crtc::new(0, 8)?;
        let again = work(&crtc, {
            let runs = runs.clone();
            move |work| {
                runs.increment();
                work.schedule(work.vblank.count.load(Relaxed) + 1, true);
            }
        })?;
        let on = driver_irq::every(Delta::from_millis(1), {
            let vblank = crtc.vblank.clone();
            move || {
                handle(&vblank);
                true
            }
        })?;
        again.schedule(1, true);
        let ran = runs.reaches(10);
        let (count, total) = (now(&crtc), runs.get());
        again.cancel_sync()?;
        let cancelled = runs.get();
        fsleep(Delta::from_millis(10));
        let stays = runs.get() == cancelled;
        drop(on);
        drop(crtc);

        assert!(ran && stays);
        assert!(i64::from(total) <= count as i64 + 1);
        Ok(())
    }

    /// A display can be dropped at any time: what was pending is dropped, and what was queued runs.
    #[test]
    fn dropped_under_load() -> Result {
        let (runs, drops) = (Counter::new()?, Counter::new()?);
        let start = Instant::<Monotonic>::now();
        let (mut late, mut accepted) = (0, 0);
        for round in 0..30 {
            let crtc = Crtc::new(1, round)?;
            let mut works = KVec::new();
            for number in 0..8 {
                let (runs, owned) = (runs.clone(), drops.on_drop());
                let work = work(&crtc, move |work| {
                    let _ = &owned;
                    runs.increment();
                    let count = work.vblank.count.load(Relaxed);
                    work.schedule(count + number, number % 2 == 0);
                })?;
                work.schedule(number, true);
                works.push(work, GFP_KERNEL)?;
            }
            let on = driver_irq::every(Delta::from_micros(200), {
                let vblank = crtc.vblank.clone();
                move || {
                    handle(&vblank);
                    true
                }
            })?;
            let flusher = kthread::run!("flusher", {
                let work = works[7].clone();
                move |_cx| work.flush()
            })?;
            fsleep(Delta::from_micros(i64::from(round) * 100));
            drop(crtc);
            drop(flusher);
            let ran = runs.get();
            for work in &works {
                accepted += i32::from(work.schedule(0, false));
                accepted += i32::from(work.schedule(u64::MAX / 2, false));
            }
            fsleep(Delta::from_millis(1));
            late += runs.get() - ran;
            drop(on);
        }
        let took = start.elapsed();

        assert!(runs.get() > 0);
        assert_eq!((late, accepted, drops.get()), (0, 0, 30 * 8));
        assert!(took < Delta::from_secs(10));
        Ok(())
    }
}
