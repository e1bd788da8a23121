// SPDX-License-Identifier: GPL-2.0

//! Threads that borrow.

use kernel::prelude::*;

#[kunit_tests(kthread_scope)]
mod tests {
    use super::*;
    use crate::support::Counter;
    use kernel::{
        new_mutex,
        sync::atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        time::{
            delay::fsleep,
            Delta, //
        },
    };
    use kthread::Exit;

    #[test]
    fn threads_borrow_from_the_caller() -> Result {
        let numbers: [i32; 8] = [1, 2, 3, 4, 5, 6, 7, 8];
        let total = Atomic::new(0i32);
        let sums = kthread::scope(|s| -> Result<[i32; 2]> {
            let total = &total;
            let (low, high) = numbers.split_at(4);
            let sum = |part: &[i32]| {
                let sum = part.iter().sum();
                total.fetch_add(sum, Full);
                sum
            };
            let low = kthread::builder!("low")?.run_scoped(s, move |_cx| sum(low))?;
            let high = kthread::builder!("high")?.run_scoped(s, move |_cx| sum(high))?;
            match (low.join()?, high.join()?) {
                (Exit::Returned(low), Exit::Returned(high)) => Ok([low, high]),
                _ => Err(EIO),
            }
        })?;

        assert_eq!(sums, [10, 26]);
        assert_eq!(total.load(Relaxed), 36);
        Ok(())
    }

    /// All threads are gone when the scope ends early.
    #[test]
    fn early_return_joins() -> Result {
        let running = Counter::new()?;
        let began = Counter::new()?;
        let refused = kthread::scope(|s| -> Result {
            let mut tasks = KVec::new();
            for i in 0..4 {
                let task = kthread::builder!("early/{}", i)?.run_scoped(s, |cx| {
                    running.add(1);
                    began.increment();
                    while cx.sleep(Delta::from_secs(3600)).is_ok() {}
                    running.add(-1);
                })?;
                tasks.push(task, GFP_KERNEL)?;
            }
            began.reaches(4);
            Err(EIO)?;
            Ok(())
        });

        assert!(refused == Err(EIO));
        assert_eq!(began.get(), 4);
        assert_eq!(running.get(), 0);
        Ok(())
    }

    /// A handle that was forgotten, or moved out of the scope, does not let its thread out.
    #[test]
    fn leaked_handles_do_not_let_threads_out() -> Result {
        let running = Counter::new()?;
        let began = Counter::new()?;
        let moved_out = kthread::scope(|s| -> Result<_> {
            for i in 0..4 {
                core::mem::forget(kthread::builder!("forgotten/{}", i)?.run_scoped(s, |cx| {
                    running.add(1);
                    began.increment();
                    while cx.sleep(Delta::from_secs(3600)).is_ok() {}
                    running.add(-1);
                })?);
            }
            let moved_out = kthread::builder!("moved out")?.run_scoped(s, |cx| {
                running.add(1);
                began.increment();
                while cx.sleep(Delta::from_secs(3600)).is_ok() {}
                running.add(-1);
                KBox::new(7, GFP_KERNEL)
            })?;
            began.reaches(5);
            Ok(moved_out)
        })?;
        let left = running.get();
        let finished = moved_out.is_finished();
        let exit = moved_out.join()?;

        assert_eq!(began.get(), 5);
        assert_eq!(left, 0);
        assert!(finished);
        assert!(matches!(exit, Exit::Returned(Ok(value)) if *value == 7));
        Ok(())
    }

    /// A thread of a scope can make others in it, and open a scope of its own.
    #[test]
    fn scopes_nest() -> Result {
        let count = Counter::new()?;
        let ok = kthread::scope(|s| -> Result<bool> {
            let outer = kthread::builder!("outer")?.run_scoped(s, |_cx| -> Result<bool> {
                let sibling = kthread::builder!("sibling")?.run_scoped(s, |_cx| {
                    fsleep(Delta::from_millis(10));
                    count.increment();
                })?;
                let local = 5;
                let inner = kthread::scope(|t| -> Result<_> {
                    let task = kthread::builder!("inner")?.run_scoped(t, |_cx| {
                        count.increment();
                        local + 1
                    })?;
                    task.join()
                })?;
                Ok(sibling.join()? == Exit::Returned(()) && inner == Exit::Returned(6))
            })?;
            Ok(outer.join()? == Exit::Returned(Ok(true)))
        })?;

        assert!(ok);
        assert_eq!(count.get(), 2);
        Ok(())
    }

    /// A thread may be handed to another one of its scope, to be joined there.
    #[test]
    fn sibling_joins() -> Result {
        let slot = KBox::pin_init(new_mutex!(None), GFP_KERNEL)?;
        let sum = kthread::scope(|s| -> Result<i32> {
            let first = kthread::builder!("first")?.run_scoped(s, |_cx| 1)?;
            *slot.lock() = Some(first);
            let second = kthread::builder!("second")?.run_scoped(s, |_cx| {
                let first = slot.lock().take();
                match first.map(|first| first.join()) {
                    Some(Ok(Exit::Returned(value))) => value + 1,
                    _ => 0,
                }
            })?;
            match second.join()? {
                Exit::Returned(sum) => Ok(sum),
                _ => Err(EIO),
            }
        })?;

        assert_eq!(sum, 2);
        Ok(())
    }

    /// H95: threads that start others when they are stopped do not keep a scope from ending.
    #[test]
    fn ending_scope_takes_no_more_threads() -> Result {
        let began = Counter::new()?;
        let refused = Counter::new()?;
        kthread::scope(|s| -> Result {
            let plan = kthread::builder!("last words")?;
            core::mem::forget(plan.run_scoped(s, |cx| {
                began.increment();
                while cx.sleep(Delta::from_secs(3600)).is_ok() {}
                let late = kthread::builder!("late").and_then(|plan| plan.run_scoped(s, |_cx| ()));
                if late.err() == Some(ENODEV) {
                    refused.increment();
                }
            })?);
            began.reaches(1);
            Ok(())
        })?;

        assert_eq!(refused.get(), 1);
        Ok(())
    }
}
