// SPDX-License-Identifier: GPL-2.0

//! Threads without a handle.

use kernel::prelude::*;

#[kunit_tests(kthread_detach)]
mod tests {
    use super::*;
    use crate::support::Counter;
    use kernel::{
        sync::Arc,
        time::{
            delay::fsleep,
            Delta, //
        },
    };
    use kthread::Task;

    /// H16: what a detached thread owns and returns is dropped once, without anybody's help.
    #[test]
    fn detached_thread_ends_by_itself() -> Result {
        let may_end = Counter::new()?;
        let dropped = Counter::new()?;
        let task = kthread::run!("detached", {
            let may_end = may_end.clone();
            let probe = dropped.on_drop();
            move |_cx| {
                may_end.reaches(1);
                probe
            }
        })?;
        task.detach()?;
        fsleep(Delta::from_millis(10));
        let early = dropped.get();
        may_end.increment();
        let late = dropped.reaches(1);

        assert_eq!(early, 0);
        assert!(late);
        Ok(())
    }

    /// H16: a detached thread can be stopped by a token, also before its closure began.
    #[test]
    fn detached_thread_is_stopped_by_a_token() -> Result {
        const TIMES: i32 = 50;

        let dropped = Counter::new()?;
        for _ in 0..TIMES {
            let probe = dropped.on_drop();
            let task = kthread::run!("remote", move |cx| {
                let _probe = probe;
                while cx.sleep(Delta::from_secs(3600)).is_ok() {}
            })?;
            let token = task.stop_token();
            task.detach()?;
            token.request_stop();
        }
        let all = dropped.reaches(TIMES);

        assert!(all);
        assert_eq!(dropped.get(), TIMES);
        Ok(())
    }

    /// H16: whether a thread has ended when it is detached makes no difference.
    #[test]
    fn detach_races_with_the_end() -> Result {
        const TIMES: i32 = 200;

        let dropped = Counter::new()?;
        for i in 0..TIMES {
            let probe = dropped.on_drop();
            let task = kthread::run!("racing", move |_cx| probe)?;
            fsleep(Delta::from_micros(i64::from(i % 20) * 10));
            task.detach()?;
        }
        let all = dropped.reaches(TIMES);

        assert!(all);
        assert_eq!(dropped.get(), TIMES);
        Ok(())
    }

    /// H9: the last owner of a handle is the thread itself: it goes on, and is cleared up after.
    #[test]
    fn thread_drops_its_own_handle() -> Result {
        let slot = Arc::pin_init(kernel::new_mutex!(None::<Task<_>>), GFP_KERNEL)?;
        let dropped = Counter::new()?;
        let asked = Counter::new()?;
        let task = kthread::run!("orphan", {
            let slot = slot.clone();
            let asked = asked.clone();
            let probe = dropped.on_drop();
            move |cx| {
                while slot.lock().take().is_none() {
                    fsleep(Delta::from_millis(1));
                }
                if cx.should_stop() {
                    asked.increment();
                }
                probe
            }
        })?;
        *slot.lock() = Some(task);
        let cleared_up = dropped.reaches(1);

        assert!(cleared_up);
        assert_eq!(asked.get(), 1);
        Ok(())
    }

    /// A thread may detach itself.
    #[test]
    fn thread_detaches_itself() -> Result {
        let slot = Arc::pin_init(kernel::new_mutex!(None::<Task<_>>), GFP_KERNEL)?;
        let dropped = Counter::new()?;
        let detached = Counter::new()?;
        let task = kthread::run!("free", {
            let slot = slot.clone();
            let detached = detached.clone();
            let probe = dropped.on_drop();
            move |cx| {
                let own = loop {
                    if let Some(own) = slot.lock().take() {
                        break own;
                    }
                    fsleep(Delta::from_millis(1));
                };
                if own.detach().is_ok() && !cx.should_stop() {
                    detached.increment();
                }
                probe
            }
        })?;
        *slot.lock() = Some(task);
        let cleared_up = dropped.reaches(1);

        assert!(cleared_up);
        assert_eq!(detached.get(), 1);
        Ok(())
    }

    /// What takes its time to be dropped.
    struct Slow(Counter, Counter);

    impl Drop for Slow {
        fn drop(&mut self) {
            self.0.reaches(1);
            self.1.increment();
        }
    }

    /// A detached thread whose result takes its time to be dropped does not hold up others.
    #[test]
    fn detached_threads_end_independently() -> Result {
        let may_go_on = Counter::new()?;
        let slow_dropped = Counter::new()?;
        let dropped = Counter::new()?;
        let slow = Slow(may_go_on.clone(), slow_dropped.clone());
        let detached = Counter::new()?;
        let task = kthread::run!("slow", {
            let detached = detached.clone();
            move |cx| {
                // The result of one that ends before is dropped with the handle.
                while detached.get() == 0 && cx.sleep(Delta::from_micros(100)).is_ok() {}
                slow
            }
        })?;
        let given_up = task.detach();
        detached.increment();
        for i in 0..4 {
            let probe = dropped.on_drop();
            kthread::run!("quick/{}", i, move |_cx| probe)?.detach()?;
        }
        let quick = dropped.reaches(4);
        let early = slow_dropped.get();
        may_go_on.increment();
        let late = slow_dropped.reaches(1);

        assert_eq!(given_up, Ok(()));
        assert!(quick);
        assert_eq!(early, 0);
        assert!(late);
        Ok(())
    }
}
