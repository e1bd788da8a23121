// SPDX-License-Identifier: GPL-2.0

//! Threads that are configured before they run.

use kernel::prelude::*;

#[kunit_tests(kthread_builder)]
mod tests {
    use super::*;
    use crate::support::Counter;
    use kernel::{
        bindings,
        cpu::{
            nr_cpu_ids,
            CpuId, //
        },
        cpumask::CpumaskVar,
        task::Task,
        time::{
            delay::fsleep,
            Delta, //
        },
    };
    use kthread::{
        Builder,
        Exit,
        Nice,
        Policy, //
    };

    #[test]
    fn created_runs_when_started() -> Result {
        let began = Counter::new()?;
        let created = kthread::builder!("created")?.create({
            let began = began.clone();
            move |_cx| began.increment()
        })?;
        let pid = created.pid();
        fsleep(Delta::from_millis(20));
        let early = began.get();
        let task = created.start();
        let ran = began.reaches(1);
        let same = task.pid() == pid;
        let exit = task.stop()?;

        assert_eq!(early, 0);
        assert!(ran);
        assert!(same);
        assert!(exit == Exit::Returned(()));
        Ok(())
    }

    /// H3: a closure that was never started is dropped once.
    #[test]
    fn created_and_dropped() -> Result {
        let ran = Counter::new()?;
        let dropped = Counter::new()?;
        let created = kthread::builder!("undone")?.create({
            let ran = ran.clone();
            let probe = dropped.on_drop();
            move |_cx| {
                ran.increment();
                drop(probe);
            }
        })?;
        drop(created);

        assert_eq!(ran.get(), 0);
        assert_eq!(dropped.get(), 1);
        Ok(())
    }

    /// H3: a start that waits for the closure to begin leaves nothing open.
    #[test]
    fn started_thread_has_begun() -> Result {
        for _ in 0..200 {
            let task = kthread::builder!("certain")?
                .create(|_cx| 1)?
                .start_and_wait();

            assert!(task.stop()? == Exit::Returned(1));
        }
        Ok(())
    }

    /// H4: a thread that is stopped while it waits to be started never runs, and drops its closure
    /// once, even if it was dropped by another task.
    #[test]
    fn created_is_sent_and_dropped() -> Result {
        let dropped = Counter::new()?;
        let created = kthread::builder!("sent")?.create({
            let probe = dropped.on_drop();
            move |_cx| drop(probe)
        })?;
        let other = kthread::run!("undertaker", move |_cx| drop(created))?;
        let _ = other.join()?;

        assert_eq!(dropped.get(), 1);
        Ok(())
    }

    /// Runs a thread as planned; returns the CPU it ran on.
    fn cpu_of(plan: Builder) -> Result<Exit<u32>> {
        plan.create(|_cx| CpuId::current().as_u32())?
            .start_and_wait()
            .join()
    }

    /// Says whether a plan is refused, and the closure dropped once.
    fn is_refused(plan: Builder) -> Result<bool> {
        let dropped = Counter::new()?;
        let probe = dropped.on_drop();
        let refused = plan.run(move |_cx| drop(probe)).err();
        Ok(refused == Some(EINVAL) && dropped.get() == 1)
    }

    /// H52: every CPU below `nr_cpu_ids` either takes the thread or is refused.
    #[test]
    fn bound_thread_runs_there() -> Result {
        for id in 0..nr_cpu_ids() {
            let cpu = CpuId::from_u32(id).ok_or(EINVAL)?;
            let exit = cpu_of(kthread::builder!("bound/{}", id)?.bind(cpu))?;

            assert!(exit == Exit::Returned(id));
        }
        Ok(())
    }

    /// H54: preferred CPUs are applied once, and survive the start.
    #[test]
    fn preferred_thread_runs_there() -> Result {
        let last = nr_cpu_ids() - 1;
        let mut mask = CpumaskVar::new_zero(GFP_KERNEL)?;
        let empty = CpumaskVar::new_zero(GFP_KERNEL)?;
        mask.set(CpuId::from_u32(last).ok_or(EINVAL)?);
        let exit = cpu_of(kthread::builder!("preferred")?.affine_preferred(mask))?;
        let refused = is_refused(kthread::builder!("nowhere")?.affine_preferred(empty))?;

        assert!(exit == Exit::Returned(last));
        assert!(refused);
        Ok(())
    }

    /// H56: a node that is not online is refused.
    #[test]
    fn node_must_be_online() -> Result {
        let exit = cpu_of(kthread::builder!("node/0")?.node(0))?;

        assert!(matches!(exit, Exit::Returned(_)));
        for node in [63, 1023, u32::MAX] {
            assert!(is_refused(kthread::builder!("node/{}", node)?.node(node))?);
        }
        Ok(())
    }

    /// H57: only valid nice values can be made. H58: a policy set before the start survives it.
    #[test]
    fn policy_survives_start() -> Result {
        for value in [i32::MIN, -21, 20, i32::MAX] {
            assert!(Nice::new(value) == Err(EINVAL));
        }
        let policies = [
            (Policy::Normal(Nice::DEFAULT), bindings::SCHED_NORMAL, 120),
            (Policy::Normal(Nice::new(-20)?), bindings::SCHED_NORMAL, 100),
            (Policy::Normal(Nice::new(19)?), bindings::SCHED_NORMAL, 139),
            (Policy::Fifo, bindings::SCHED_FIFO, 49),
            (Policy::FifoLow, bindings::SCHED_FIFO, 98),
        ];
        for (policy, number, priority) in policies {
            let exit = kthread::builder!("policy")?
                .policy(policy)
                .create(|_cx| {
                    let task = Task::current_raw();
                    // SAFETY: A task may read its own policy, and nobody changes this one's.
                    unsafe { ((*task).policy, (*task).prio) }
                })?
                .start_and_wait()
                .join()?;

            assert!(exit == Exit::Returned((number, priority)));
        }
        Ok(())
    }
}
