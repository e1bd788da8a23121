// SPDX-License-Identifier: GPL-2.0

//! Looking at threads, and changing how they run.

use kernel::prelude::*;

#[kunit_tests(kthread_observe)]
mod tests {
    use super::*;
    use crate::support::{
        comes_to,
        eventually,
        Counter, //
    };
    use kernel::{
        bindings,
        cpu::{
            nr_cpu_ids,
            CpuId, //
        },
        cpumask::CpumaskVar,
        sync::rcu,
        task,
        time::{
            delay::fsleep,
            Delta, //
        },
    };
    use kthread::{
        Exit,
        Nice,
        Policy,
        State, //
    };

    const FOREVER: Delta = Delta::from_secs(3600);

    #[test]
    fn states() -> Result {
        let may_sleep = Counter::new()?;
        let may_end = Counter::new()?;
        let created = kthread::builder!("states")?.create({
            let (may_sleep, may_end) = (may_sleep.clone(), may_end.clone());
            move |cx| {
                may_sleep.reaches(1);
                let _ = cx.sleep(FOREVER);
                may_end.reaches(1);
            }
        })?;
        let new = created.state();
        let task = created.start_and_wait();
        let running = task.state();
        may_sleep.increment();
        let sleeping = comes_to(&task, State::Sleeping);
        let parked = task.park().map(|guard| (task.state(), drop(guard)).0);
        let sleeping_on = comes_to(&task, State::Sleeping);
        task.request_stop();
        let stopping = task.state();
        may_end.increment();
        let ended = comes_to(&task, State::Ended);
        drop(task);

        assert!(new == State::Created);
        assert!(running == State::Running);
        assert!(sleeping);
        assert!(parked == Ok(State::Parked));
        assert!(sleeping_on);
        assert!(stopping == State::Stopping);
        assert!(ended);
        Ok(())
    }

    #[test]
    fn thread_knows_its_pid() -> Result {
        let task = kthread::builder!("itself")?
            .create(|cx| cx.pid())?
            .start_and_wait();
        let pid = task.pid();
        let exit = task.stop()?;

        assert!(exit == Exit::Returned(pid));
        Ok(())
    }

    /// H18: a thread that was not started is idle: neither load nor a hung task.
    #[test]
    fn new_thread_is_idle() -> Result {
        let created = kthread::builder!("idle")?.create(|cx| cx.pid())?;
        let mut idle = false;
        for _ in 0..1000 {
            idle |= scheduling(created.pid()).0 == bindings::TASK_IDLE;
            if idle {
                break;
            }
            fsleep(Delta::from_millis(1));
        }
        drop(created);

        assert!(idle);
        Ok(())
    }

    /// Reads a task's state and priority.
    fn scheduling(pid: task::Pid) -> (u32, i32) {
        let _rcu = rcu::read_lock();
        // SAFETY: The functions are called under RCU, which keeps the task there if it is found.
        // The fields are words that C changes at any time.
        unsafe {
            let pid = bindings::find_vpid(pid);
            let task = bindings::pid_task(pid, bindings::pid_type_PIDTYPE_PID);
            if task.is_null() {
                return (u32::MAX, i32::MAX);
            }
            (
                (&raw const (*task).__state).read_volatile(),
                (&raw const (*task).prio).read_volatile(),
            )
        }
    }

    /// H90: a name is known whole, however long.
    #[test]
    fn name_is_whole() -> Result {
        let task = kthread::run!("{}/{:040}", "name", 7, |cx| {
            let mut name = [0u8; 64];
            let bytes = cx.name().to_bytes();
            for (to, from) in name.iter_mut().zip(bytes) {
                *to = *from;
            }
            (name, bytes.len())
        })?;
        let outside = task.name().to_bytes().len();
        let starts = task.name().to_bytes().starts_with(b"name/000");
        let kthread::Exit::Returned((name, inside)) = task.join()? else {
            return Err(EINVAL);
        };

        assert_eq!(outside, 45);
        assert!(starts);
        assert_eq!(inside, 45);
        assert_eq!(name[44], b'7');
        Ok(())
    }

    /// H51, H55: a running thread is moved to each CPU; a mask without a CPU that is online is
    /// refused.
    #[test]
    fn affinity_changes_while_running() -> Result {
        let turns = Counter::new()?;
        let task = kthread::run!("movable", {
            let turns = turns.clone();
            move |cx| {
                while cx.sleep(Delta::from_micros(100)).is_ok() {
                    turns.increment();
                }
            }
        })?;
        let mut found = KVec::new();
        for id in 0..nr_cpu_ids() {
            let mut mask = CpumaskVar::new_zero(GFP_KERNEL)?;
            mask.set(CpuId::from_u32(id).ok_or(EINVAL)?);
            let moved = task.set_affinity(&mask);
            let goes_on = turns.reaches(turns.get() + 2);
            let there = eventually(|| task.cpu() == id);
            found.push((moved, goes_on, there), GFP_KERNEL)?;
        }
        let nowhere = task.set_affinity(&*CpumaskVar::new_zero(GFP_KERNEL)?);
        let goes_on = turns.reaches(turns.get() + 2);
        drop(task);

        assert!(found.iter().all(|found| *found == (Ok(()), true, true)));
        assert!(nowhere == Err(EINVAL));
        assert!(goes_on);
        Ok(())
    }

    /// H58: the policy of a running thread changes.
    #[test]
    fn policy_changes_while_running() -> Result {
        let task = kthread::run!("promoted", |cx| cx.sleep(FOREVER))?;
        let mut found = KVec::new();
        for policy in [
            Policy::Fifo,
            Policy::FifoLow,
            Policy::Normal(Nice::new(-20)?),
            Policy::Normal(Nice::DEFAULT),
        ] {
            task.set_policy(policy)?;
            found.push(scheduling(task.pid()).1, GFP_KERNEL)?;
        }
        drop(task);

        assert_eq!(&found[..], &[49, 98, 100, 120]);
        Ok(())
    }

    /// A thread that is gone can be asked and told anything.
    #[test]
    fn ended_thread_is_harmless() -> Result {
        let task = kthread::run!("gone", |_cx| ())?;
        let ended = comes_to(&task, State::Ended);
        fsleep(Delta::from_millis(20));
        task.wake_up();
        task.request_stop();
        let mut mask = CpumaskVar::new_zero(GFP_KERNEL)?;
        mask.set(CpuId::current());
        let _ = task.set_policy(Policy::FifoLow);
        let _ = task.set_affinity(&mask);
        let (pid, named) = (task.pid(), task.name().to_bytes() == b"gone");
        drop(task);

        assert!(ended);
        assert!(pid > 0);
        assert!(named);
        Ok(())
    }
}
