// SPDX-License-Identifier: GPL-2.0

//! Starting, stopping and joining threads.

use kernel::prelude::*;

#[kunit_tests(kthread_task)]
mod tests {
    use super::*;
    use crate::support::Counter;
    use kernel::{
        bindings,
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
        Stopped, //
    };

    /// Long enough to be noticed when a stop does not end a sleep, on any machine.
    const FOREVER: Delta = Delta::from_secs(3600);

    #[test]
    fn result_is_typed() -> Result {
        let began = Counter::new()?;
        let task = kthread::run!("typed", {
            let began = began.clone();
            move |cx| {
                began.increment();
                let stopped = cx.sleep(FOREVER);
                (stopped, [7u64; 16])
            }
        })?;
        let ran = began.reaches(1);
        let exit = task.stop()?;

        assert!(ran);
        assert!(exit == Exit::Returned((Err(Stopped), [7u64; 16])));
        Ok(())
    }

    /// H5: a result is a value, never mistaken for the kernel's own error codes.
    #[test]
    fn errors_round_trip() -> Result {
        for error in [EINTR, ENOMEM, EINVAL] {
            let done = Counter::new()?;
            let task = kthread::run!("error", {
                let done = done.on_drop();
                move |_cx| -> Result {
                    let _done = done;
                    Err(error)
                }
            })?;
            let returned = done.reaches(1);
            let exit = task.stop()?;

            assert!(returned);
            assert!(exit == Exit::Returned(Err(error)));
        }
        Ok(())
    }

    /// H6: a thread that ended by itself can still be joined.
    #[test]
    fn returns_before_stop() -> Result {
        let done = Counter::new()?;
        let task = kthread::run!("early", {
            let done = done.clone();
            move |_cx| {
                done.increment();
                i32::MIN
            }
        })?;
        let returned = done.reaches(1);
        // Time for the thread to be gone for good.
        fsleep(Delta::from_millis(50));
        let exit = task.stop()?;

        assert!(returned);
        assert!(exit == Exit::Returned(i32::MIN));
        Ok(())
    }

    /// H1, H3: whether the closure ran or not, it is dropped exactly once. The boot test `churn`
    /// does the same more often.
    #[test]
    fn closure_is_dropped_once() -> Result {
        const TIMES: i32 = 1_000;

        let dropped = Counter::new()?;
        let ran = Counter::new()?;
        let mut never_ran = 0;
        for _ in 0..TIMES {
            let task = kthread::run!("churn", {
                let probe = dropped.on_drop();
                let ran = ran.clone();
                move |_cx| {
                    let _probe = probe;
                    ran.increment();
                }
            })?;
            match task.stop()? {
                Exit::Returned(()) => {}
                Exit::NeverRan => never_ran += 1,
                Exit::Crashed => never_ran = i32::MIN,
            }
        }

        assert_eq!(dropped.get(), TIMES);
        assert_eq!(ran.get() + never_ran, TIMES);
        Ok(())
    }

    /// H1: when a killed task fails to create a thread, the closure is dropped.
    #[test]
    fn killed_creator_gets_its_closure_dropped() -> Result {
        let dropped = Counter::new()?;
        let mut created = 0;
        let mut refused = Ok(());

        handle_kill(SIG_KTHREAD);
        // SAFETY: The current task is valid.
        unsafe {
            bindings::send_sig(
                bindings::SIGKILL as i32,
                kernel::task::Task::current_raw(),
                0,
            );
        }
        // Creation goes on if the new thread is there before its creator begins to wait for it.
        while refused.is_ok() && created < 1000 {
            let probe = dropped.on_drop();
            refused = kthread::run!("stillborn", move |_cx| drop(probe)).map(drop);
            created += 1;
        }
        // SAFETY: As above.
        unsafe { bindings::flush_signals(kernel::task::Task::current_raw()) };
        handle_kill(SIG_IGN);

        assert!(refused == Err(EINTR));
        assert_eq!(dropped.get(), created);
        Ok(())
    }

    /// Values of `__sighandler_t` that are no functions: ignore a signal, or note it in a kthread.
    const SIG_IGN: usize = 1;
    const SIG_KTHREAD: usize = 2;

    /// Sets what a `SIGKILL` does to the calling thread.
    fn handle_kill(handler: usize) {
        // SAFETY: A handler is as large as a pointer, and null is not among our values.
        let handler = unsafe { core::mem::transmute::<usize, bindings::__sighandler_t>(handler) };
        // SAFETY: The signal number is valid.
        unsafe { bindings::kernel_sigaction(bindings::SIGKILL as i32, handler) };
    }

    #[test]
    fn drop_stops_and_joins() -> Result {
        let began = Counter::new()?;
        let ended = Counter::new()?;
        let task = kthread::run!("dropped", {
            let began = began.clone();
            let ended = ended.clone();
            move |cx| {
                began.increment();
                let stopped = cx.sleep(FOREVER);
                ended.increment();
                stopped
            }
        })?;
        let ran = began.reaches(1);
        drop(task);

        assert!(ran);
        assert_eq!(ended.get(), 1);
        Ok(())
    }

    #[test]
    fn untaken_result_is_dropped_once() -> Result {
        let began = Counter::new()?;
        let dropped = Counter::new()?;
        let task = kthread::run!("untaken", {
            let began = began.clone();
            let probe = dropped.on_drop();
            move |_cx| {
                began.increment();
                probe
            }
        })?;
        let ran = began.reaches(1);
        fsleep(Delta::from_millis(10));
        let early = dropped.get();
        drop(task);

        assert!(ran);
        assert_eq!(early, 0);
        assert_eq!(dropped.get(), 1);
        Ok(())
    }

    /// H24: a stop ends a sleep.
    #[test]
    fn stop_ends_sleep() -> Result {
        let began = Counter::new()?;
        let task = kthread::run!("asleep", {
            let began = began.clone();
            move |cx| {
                began.increment();
                cx.sleep(FOREVER)
            }
        })?;
        let ran = began.reaches(1);
        fsleep(Delta::from_millis(10));
        let start = Instant::<Monotonic>::now();
        let exit = task.stop()?;
        let took = start.elapsed();

        assert!(ran);
        assert!(exit == Exit::Returned(Err(Stopped)));
        assert!(took < Delta::from_secs(10));
        Ok(())
    }

    /// H24: no length of a sleep does harm.
    #[test]
    fn sleep_takes_any_length() -> Result {
        let done = Counter::new()?;
        let task = kthread::run!("lengths", {
            let done = done.clone();
            move |cx| {
                let start = Instant::<Monotonic>::now();
                let mut short = Ok(());
                for nanos in [i64::MIN, -1, 0, 1] {
                    short = short.and(cx.sleep(Delta::from_nanos(nanos)));
                }
                let took_short = start.elapsed();

                let start = Instant::<Monotonic>::now();
                let timed = cx.sleep(Delta::from_millis(20));
                let took_timed = start.elapsed();

                done.increment();
                let endless = cx.sleep(Delta::from_nanos(i64::MAX));
                (short, took_short, timed, took_timed, endless)
            }
        })?;
        let slept = done.reaches(1);
        let Exit::Returned((short, took_short, timed, took_timed, endless)) = task.stop()? else {
            return Err(EINVAL);
        };

        assert!(slept);
        assert!(short.is_ok());
        assert!(took_short < Delta::from_secs(5));
        assert!(timed.is_ok());
        assert!(took_timed >= Delta::from_millis(20));
        assert!(took_timed < Delta::from_secs(5));
        assert!(endless == Err(Stopped));
        Ok(())
    }

    /// A wake-up that is no stop does not end a sleep.
    #[test]
    fn sleep_survives_stray_wake_ups() -> Result {
        let task_ref = Arc::new(kernel::sync::SetOnce::new(), GFP_KERNEL)?;
        let done = Counter::new()?;
        let task = kthread::run!("stray", {
            let task_ref = task_ref.clone();
            let done = done.clone();
            move |cx| {
                task_ref.populate(kernel::sync::aref::ARef::from(&**kernel::current!()));
                let start = Instant::<Monotonic>::now();
                let slept = cx.sleep(Delta::from_millis(50));
                done.increment();
                (slept, start.elapsed())
            }
        })?;
        while done.get() == 0 {
            if let Some(thread) = kernel::sync::SetOnce::as_ref(&task_ref) {
                thread.wake_up();
            }
            fsleep(Delta::from_micros(500));
        }
        let Exit::Returned((slept, took)) = task.stop()? else {
            return Err(EINVAL);
        };

        assert!(slept.is_ok());
        assert!(took >= Delta::from_millis(50));
        Ok(())
    }

    #[test]
    fn request_stop_does_not_wait() -> Result {
        let began = Counter::new()?;
        let may_end = Counter::new()?;
        let ended = Counter::new()?;
        let task = kthread::run!("asked", {
            let (began, may_end, ended) = (began.clone(), may_end.clone(), ended.on_drop());
            move |cx| {
                let _ended = ended;
                began.increment();
                let stopped = cx.sleep(FOREVER);
                may_end.reaches(1);
                stopped
            }
        })?;
        let ran = began.reaches(1);
        task.request_stop();
        let early = ended.get();
        may_end.increment();
        let asked = ended.reaches(1);
        let exit = task.stop()?;

        assert!(ran);
        assert_eq!(early, 0);
        assert!(asked);
        assert!(exit == Exit::Returned(Err(Stopped)));
        Ok(())
    }

    #[test]
    fn join_waits_for_the_end() -> Result {
        let task = kthread::run!("joined", |cx| {
            let slept = cx.sleep(Delta::from_millis(50));
            (slept, cx.should_stop())
        })?;
        let exit = task.join()?;

        assert!(exit == Exit::Returned((Ok(()), false)));
        Ok(())
    }

    #[test]
    fn join_timeout_gives_the_handle_back() -> Result {
        let may_end = Counter::new()?;
        let mut task = kthread::run!("patient", {
            let may_end = may_end.clone();
            move |_cx| may_end.reaches(1)
        })?;
        let start = Instant::<Monotonic>::now();
        for limit in [
            Delta::from_nanos(i64::MIN),
            Delta::ZERO,
            Delta::from_millis(20),
        ] {
            task = match task.join_timeout(limit) {
                Ok(_) => return Err(EINVAL),
                Err(task) => task,
            };
        }
        let waited = start.elapsed();
        let early = task.is_finished();
        may_end.increment();
        let exit = task.join_timeout(Delta::from_secs(10));

        assert!(waited >= Delta::from_millis(20));
        assert!(!early);
        assert!(matches!(exit, Ok(Exit::Returned(true))));
        Ok(())
    }

    #[test]
    fn is_finished_before_join() -> Result {
        let task = kthread::run!("finished", |_cx| 7)?;
        let start = Instant::<Monotonic>::now();
        while !task.is_finished() && start.elapsed() < Delta::from_secs(10) {
            fsleep(Delta::from_micros(100));
        }
        let finished = task.is_finished();
        let exit = task.stop()?;

        assert!(finished);
        assert!(exit == Exit::Returned(7));
        Ok(())
    }

    /// A thread that was stopped before it ran is joined as well.
    #[test]
    fn join_after_early_stop() -> Result {
        for _ in 0..100 {
            let task = kthread::run!("early stop", |_cx| ())?;
            task.request_stop();
            let exit = task.join()?;

            assert!(exit != Exit::Crashed);
        }
        Ok(())
    }

    /// H9: a thread that drops its own handle is asked to stop, and does not wait for itself.
    #[test]
    fn stop_from_within_is_refused() -> Result {
        let slot = Arc::pin_init(
            kernel::new_mutex!(None::<kthread::Task<Result<(), Stopped>>>),
            GFP_KERNEL,
        )?;
        let outcome = Counter::new()?;
        let task = kthread::run!("ouroboros", {
            let slot = slot.clone();
            let outcome = outcome.clone();
            move |cx| -> Result<(), Stopped> {
                loop {
                    let own = slot.lock().take();
                    if let Some(own) = own {
                        if own.stop().err() == Some(EDEADLK) && cx.should_stop() {
                            outcome.increment();
                        }
                        return Ok(());
                    }
                    cx.sleep(Delta::from_millis(1))?;
                }
            }
        })?;
        *slot.lock() = Some(task);
        let refused = outcome.reaches(1);

        assert!(refused);
        Ok(())
    }

    /// H89: a name is never a format string. H90: any length will do, but no NUL.
    #[test]
    fn names() -> Result {
        for name in ["", "%s%n%p", "15 bytes long..", "16 bytes long..."] {
            let began = Counter::new()?;
            let task = kthread::run!("{}", name, {
                let began = began.clone();
                move |_cx| {
                    let comm = comm();
                    began.increment();
                    comm
                }
            })?;
            let ran = began.reaches(1);
            let exit = task.stop()?;

            assert!(ran);
            assert!(exit == Exit::Returned(as_comm(name)));
        }
        // One that is a literal is not formatted here, and must not be by C.
        let plain = kthread::run!("plain", |_cx| comm())?.join()?;
        let percent = kthread::run!("5%s%n%d", |_cx| comm())?.join()?;
        assert!(plain == Exit::Returned(as_comm("plain")));
        assert!(percent == Exit::Returned(as_comm("5%s%n%d")));
        let long = kthread::run!("{:200}", 0, |_cx| ())?;
        drop(long);

        let dropped = Counter::new()?;
        let probe = dropped.on_drop();
        let with_nul = kthread::run!("a\0b", move |_cx| drop(probe));
        assert!(with_nul.err() == Some(EINVAL));
        assert_eq!(dropped.get(), 1);
        Ok(())
    }

    /// What becomes of a name in `comm`.
    fn as_comm(name: &str) -> [u8; 16] {
        let mut comm = [0; 16];
        for (to, from) in comm.iter_mut().zip(name.bytes().take(15)) {
            *to = from;
        }
        comm
    }

    /// The `comm` of the calling thread.
    fn comm() -> [u8; 16] {
        // SAFETY: A task's own `comm` is valid, and nobody renames this one.
        unsafe { (*kernel::task::Task::current_raw()).comm }
    }

    #[test]
    fn macro_takes_arguments() -> Result {
        let two = 2;
        let names = [
            kthread::run!("plain", |_cx| ())?.pid(),
            kthread::run!("one/{}", 1, |_cx| ())?.pid(),
            kthread::run!("{}/{}", 1, two, |_cx| (),)?.pid(),
            kthread::run!("inline/{two}", |_cx| ())?.pid(),
        ];

        assert!(names.iter().all(|&pid| pid > 0));
        Ok(())
    }
}
