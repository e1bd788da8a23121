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

    /// H52: every CPU below `nr_cpu_ids` either takes the thread or is refused.
    #[test]
    fn bound_thread_runs_there() -> Result {
        for id in 0..nr_cpu_ids() {
            let Some(cpu) = CpuId::from_u32(id) else {
                return Err(EINVAL);
            };
            let began = Counter::new()?;
            let task = kthread::builder!("bound/{}", id)?.bind(cpu).run({
                let began = began.clone();
                move |_cx| {
                    let cpu = CpuId::current().as_u32();
                    began.increment();
                    cpu
                }
            })?;
            let ran = began.reaches(1);
            let exit = task.stop()?;

            assert!(ran);
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
        let Some(cpu) = CpuId::from_u32(last) else {
            return Err(EINVAL);
        };
        mask.set(cpu);
        let began = Counter::new()?;
        let task = kthread::builder!("preferred")?
            .affine_preferred(mask)
            .run({
                let began = began.clone();
                move |_cx| {
                    let cpu = CpuId::current().as_u32();
                    began.increment();
                    cpu
                }
            })?;
        let ran = began.reaches(1);
        let exit = task.stop()?;

        let dropped = Counter::new()?;
        let probe = dropped.on_drop();
        let refused = kthread::builder!("nowhere")?
            .affine_preferred(empty)
            .run(move |_cx| drop(probe));

        assert!(ran);
        assert!(exit == Exit::Returned(last));
        assert!(refused.err() == Some(EINVAL));
        assert_eq!(dropped.get(), 1);
        Ok(())
    }

    /// H56: a node that is not online is refused.
    #[test]
    fn node_must_be_online() -> Result {
        let task = kthread::builder!("node/0")?.node(0).run(|_cx| ())?;
        drop(task);
        for node in [63, 1023, u32::MAX] {
            let dropped = Counter::new()?;
            let probe = dropped.on_drop();
            let refused = kthread::builder!("node/{}", node)?
                .node(node)
                .run(move |_cx| drop(probe));

            assert!(refused.err() == Some(EINVAL));
            assert_eq!(dropped.get(), 1);
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
            let began = Counter::new()?;
            let task = kthread::builder!("policy")?.policy(policy).run({
                let began = began.clone();
                move |_cx| {
                    let task = Task::current_raw();
                    // SAFETY: A task may read its own policy, and nobody changes this one's.
                    let found = unsafe { ((*task).policy, (*task).prio) };
                    began.increment();
                    found
                }
            })?;
            let ran = began.reaches(1);
            let exit = task.stop()?;

            assert!(ran);
            assert!(exit == Exit::Returned((number, priority)));
        }
        Ok(())
    }
}
