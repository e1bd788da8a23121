// SPDX-License-Identifier: GPL-2.0

//! Threads of each CPU.

use kernel::prelude::*;

#[kunit_tests(kthread_per_cpu)]
mod tests {
    use super::*;
    use crate::support::{
        eventually,
        Counter, //
        CountsDrop,
    };
    use kernel::{
        bindings,
        cpu::{
            nr_cpu_ids,
            CpuId, //
        },
        new_spinlock,
        str::CStr,
        sync::{
            atomic::{
                Atomic,
                AtomicFlag,
                Full,
                Relaxed, //
            },
            Arc,
            SpinLock, //
        },
        task::Task,
        time::{
            delay::fsleep,
            Delta,
            Instant,
            Monotonic, //
        },
    };
    use kthread::{
        __private::EDEADLK, //
        Leave,
        PerCpu,
        PerCpuContext,
        PerCpuThread,
    };

    /// The kernels of ours have no more CPUs.
    const CPUS: usize = 8;

    fn cpus() -> impl Iterator<Item = CpuId> {
        (0..nr_cpu_ids()).filter_map(CpuId::from_u32)
    }

    fn index(cpu: CpuId) -> usize {
        cpu.as_u32() as usize
    }

    /// How often something happened on each CPU.
    struct Counts([Atomic<i32>; CPUS]);

    impl Counts {
        fn new() -> Self {
            Self([const { Atomic::new(0) }; CPUS])
        }

        fn add(&self, cpu: CpuId, value: i32) {
            self.0[index(cpu)].fetch_add(value, Full);
        }

        fn get(&self, cpu: CpuId) -> i32 {
            self.0[index(cpu)].load(Relaxed)
        }

        fn all_are(&self, value: i32) -> bool {
            cpus().all(|cpu| self.get(cpu) == value)
        }
    }

    /// Does what there is to do on each CPU.
    struct Worker {
        pending: Counts,
        done: Counts,
        set_up: Counts,
        cleaned_up: Counts,
        misplaced: Counter,
        _dropped: CountsDrop,
    }

    impl Worker {
        fn new(dropped: &Counter) -> Result<Arc<Self>> {
            let worker = Self {
                pending: Counts::new(),
                done: Counts::new(),
                set_up: Counts::new(),
                cleaned_up: Counts::new(),
                misplaced: Counter::new()?,
                _dropped: dropped.on_drop(),
            };
            Ok(Arc::new(worker, GFP_KERNEL)?)
        }

        fn give(&self, threads: &PerCpu, cpu: CpuId) {
            self.pending.add(cpu, 1);
            threads.wake_up(cpu);
        }

        fn check(&self, cpu: CpuId) {
            if CpuId::current() != cpu {
                self.misplaced.increment();
            }
        }
    }

    impl PerCpuThread for Worker {
        fn should_run(&self, cpu: CpuId) -> bool {
            self.check(cpu);
            self.pending.get(cpu) > 0
        }

        fn run(&self, cx: &PerCpuContext<'_>) -> Result<(), Leave> {
            self.check(cx.cpu());
            self.pending.add(cx.cpu(), -1);
            self.done.add(cx.cpu(), 1);
            Ok(())
        }

        fn setup(&self, cpu: CpuId) {
            self.check(cpu);
            self.set_up.add(cpu, 1);
        }

        fn cleanup(&self, cpu: CpuId, online: bool) {
            if online {
                self.check(cpu);
            }
            self.cleaned_up.add(cpu, 1);
        }
    }

    /// H59: what is for one CPU is done there, once, and no other thread takes notice.
    #[test]
    fn each_cpu_has_a_thread() -> Result {
        let dropped = Counter::new()?;
        let worker = Worker::new(&dropped)?;
        let threads = kthread::per_cpu!("kunit/per_cpu", worker.clone())?;
        let mut alone = true;
        let all = cpus().all(|cpu| {
            let others = cpus().filter(|&other| index(other) > index(cpu));
            worker.give(&threads, cpu);
            let done = eventually(|| worker.done.get(cpu) == 1);
            alone &= others.map(|other| worker.done.get(other)).sum::<i32>() == 0;
            done
        });
        for cpu in cpus() {
            worker.pending.add(cpu, 1);
        }
        threads.wake_all();
        let twice = eventually(|| worker.done.all_are(2));
        let set_up = worker.set_up.all_are(1);
        drop(threads);

        assert!(all && alone && twice && set_up);
        assert!(worker.done.all_are(2));
        assert!(worker.cleaned_up.all_are(1));
        assert_eq!(worker.misplaced.get(), 0);
        assert_eq!(dropped.get(), 0);
        drop(worker);
        assert_eq!(dropped.get(), 1);
        Ok(())
    }

    /// H59: each registration has its own threads, though they run the same code.
    #[test]
    fn registrations_are_apart() -> Result {
        let dropped = Counter::new()?;
        let workers = [
            Worker::new(&dropped)?,
            Worker::new(&dropped)?,
            Worker::new(&dropped)?,
        ];
        let first = kthread::per_cpu!("kunit/{}", "first", workers[0].clone())?;
        let second = kthread::per_cpu!("kunit/{}", "second", workers[1].clone())?;
        drop(first);
        let third = kthread::per_cpu!("kunit/{}", "third", workers[2].clone())?;
        for cpu in cpus() {
            workers[1].give(&second, cpu);
        }
        let done = eventually(|| workers[1].done.all_are(1));
        drop(third);
        for cpu in cpus() {
            workers[1].give(&second, cpu);
        }
        let again = eventually(|| workers[1].done.all_are(2));
        drop(second);

        assert!(done && again);
        assert!(workers[0].done.all_are(0) && workers[2].done.all_are(0));
        for worker in &workers {
            assert!(worker.set_up.get(CpuId::current()) <= 1);
            assert_eq!(worker.misplaced.get(), 0);
        }
        drop(workers);
        assert_eq!(dropped.get(), 3);
        Ok(())
    }

    /// Always has something to do, which takes long unless it is asked to leave.
    struct Busy {
        sleeps: bool,
        running: Counter,
        left: Counter,
        _dropped: CountsDrop,
    }

    impl PerCpuThread for Busy {
        fn should_run(&self, _cpu: CpuId) -> bool {
            true
        }

        fn run(&self, cx: &PerCpuContext<'_>) -> Result<(), Leave> {
            self.running.increment();
            if self.sleeps {
                cx.sleep(Delta::from_secs(3600))
                    .inspect_err(|_| self.left.increment())?;
            } else {
                let start = Instant::<Monotonic>::now();
                while !cx.should_leave() && start.elapsed() < Delta::from_secs(20) {
                    fsleep(Delta::from_micros(100));
                }
                self.left.increment();
            }
            Ok(())
        }
    }

    /// Dropping the handle ends threads that are busy, be it that they sleep or look themselves.
    #[test]
    fn busy_threads_leave() -> Result {
        for sleeps in [true, false] {
            let (running, left, dropped) = (Counter::new()?, Counter::new()?, Counter::new()?);
            let threads = kthread::per_cpu!(
                "kunit/busy",
                Busy {
                    sleeps,
                    running: running.clone(),
                    left: left.clone(),
                    _dropped: dropped.on_drop(),
                },
            )?;
            let all = cpus().count() as i32;
            let run = running.reaches(all);
            // A wake-up does not end the sleep.
            threads.wake_all();
            fsleep(Delta::from_millis(5));
            let stayed = left.get() == 0;
            let start = Instant::<Monotonic>::now();
            drop(threads);
            let took = start.elapsed();

            assert_eq!(Error::from(Leave), EINTR);
            assert!(run && stayed);
            assert_eq!(left.get(), all);
            assert!(took < Delta::from_secs(10));
            assert_eq!(dropped.get(), 1);
        }
        Ok(())
    }

    /// Sleeps for a moment, and counts the times.
    struct Ticker(Counter, Counter);

    impl PerCpuThread for Ticker {
        fn should_run(&self, cpu: CpuId) -> bool {
            cpu.as_u32() == 0
        }

        fn run(&self, cx: &PerCpuContext<'_>) -> Result<(), Leave> {
            let start = Instant::<Monotonic>::now();
            cx.sleep(Delta::from_millis(2))?;
            if start.elapsed() < Delta::from_millis(2) {
                self.1.increment();
            }
            self.0.increment();
            cx.sleep(Delta::from_nanos(-1))
        }
    }

    #[test]
    fn sleep_ends_in_time() -> Result {
        let (ticks, early) = (Counter::new()?, Counter::new()?);
        let threads = kthread::per_cpu!("kunit/ticker", Ticker(ticks.clone(), early.clone()))?;
        let ticked = ticks.reaches(5);
        drop(threads);

        assert!(ticked);
        assert_eq!(early.get(), 0);
        Ok(())
    }

    /// Looks at its own name.
    struct Named {
        expected: [u8; 15],
        right: Counter,
        wrong: Counter,
    }

    impl PerCpuThread for Named {
        fn should_run(&self, _cpu: CpuId) -> bool {
            false
        }

        fn run(&self, _cx: &PerCpuContext<'_>) -> Result<(), Leave> {
            Ok(())
        }

        fn setup(&self, cpu: CpuId) {
            // SAFETY: The calling task is valid, and nobody changes its name.
            let name = unsafe { CStr::from_char_ptr((*Task::current_raw()).comm.as_ptr().cast()) };
            let mut expected = self.expected;
            expected[14] = b'0' + cpu.as_u32() as u8;
            if name.to_bytes() == expected {
                self.right.increment();
            } else {
                self.wrong.increment();
            }
        }
    }

    /// H62: a name is no format.
    #[test]
    fn names_are_literal() -> Result {
        let (right, wrong) = (Counter::new()?, Counter::new()?);
        let named = |expected: &[u8; 15]| Named {
            expected: *expected,
            right: right.clone(),
            wrong: wrong.clone(),
        };
        let one = kthread::per_cpu!("%s%n%p%%%d%u%", named(b"%s%n%p%%%d%u%/N"))?;
        let two = kthread::per_cpu!("{}%{:>6}%%s", 'x', "100%", named(b"x%  100%%%s/\0\0N"));
        let all = cpus().count() as i32;
        // A thread that is stopped before it ran looks at nothing.
        let looked = two.is_err() || wrong.reaches(all);
        let first = right.reaches(all);
        drop(one);
        drop(two?);

        assert!(first && looked);
        assert_eq!(wrong.get(), all);
        Ok(())
    }

    /// What cannot be registered is dropped, once.
    #[test]
    fn refused_values_are_dropped() -> Result {
        let dropped = Counter::new()?;
        let worker = || Worker::new(&dropped);
        let nul = kthread::per_cpu!("with\0nul", worker()?).err();
        let after_nul = dropped.get();

        let (mut created, mut refused) = (0, Ok(()));
        kill_oneself();
        // Creation goes on if the new thread is there before its creator begins to wait for it.
        while refused.is_ok() && created < 1000 {
            let worker = worker()?;
            created += 1;
            refused = kthread::per_cpu!("stillborn", worker).map(drop);
        }
        forget_signals();

        assert_eq!(nul, Some(EINVAL));
        assert_eq!(after_nul, 1);
        assert_eq!(refused, Err(EINTR));
        assert_eq!(dropped.get(), created + 1);
        Ok(())
    }

    /// Sends the calling thread a `SIGKILL`, which it notes.
    fn kill_oneself() {
        handle_kill(2);
        // SAFETY: The current task is valid.
        unsafe { bindings::send_sig(bindings::SIGKILL as i32, Task::current_raw(), 0) };
    }

    fn forget_signals() {
        // SAFETY: The current task is valid.
        unsafe { bindings::flush_signals(Task::current_raw()) };
        handle_kill(1);
    }

    /// Sets what a `SIGKILL` does to the calling thread: 1 for nothing, 2 to note it.
    fn handle_kill(handler: usize) {
        // SAFETY: A handler is as large as a pointer, and null is not among our values.
        let handler = unsafe { core::mem::transmute::<usize, bindings::__sighandler_t>(handler) };
        // SAFETY: The signal number is valid.
        unsafe { bindings::kernel_sigaction(bindings::SIGKILL as i32, handler) };
    }

    /// Drops the handle of its own threads in one of them.
    #[pin_data]
    struct Owner {
        /// Where: in `should_run`, or in `run`.
        early: bool,
        armed: AtomicFlag,
        #[pin]
        handle: SpinLock<Option<PerCpu>>,
        refused: Counter,
        _dropped: CountsDrop,
    }

    impl PerCpuThread for Owner {
        fn should_run(&self, _cpu: CpuId) -> bool {
            if self.early {
                // The lock may sleep on PREEMPT_RT, where this must not wait for it.
                let Some(mut handle) = self.handle.try_lock() else {
                    return true;
                };
                let taken = handle.take();
                drop(handle);
                drop(taken);
            }
            self.armed.load(Relaxed)
        }

        fn run(&self, _cx: &PerCpuContext<'_>) -> Result<(), Leave> {
            if !self.early {
                let handle = self.handle.lock().take();
                drop(handle);
            }
            if self.armed.xchg(false, Full) {
                let nested = Ticker(self.refused.clone(), self.refused.clone());
                if kthread::per_cpu!("kunit/nested", nested).err() == Some(EDEADLK) {
                    self.refused.increment();
                }
            }
            Ok(())
        }
    }

    /// H60: a thread waits neither for itself nor for CPU hotplug.
    #[test]
    fn handle_is_dropped_within() -> Result {
        for early in [true, false] {
            let (dropped, refused) = (Counter::new()?, Counter::new()?);
            let (counts, drops) = (refused.clone(), dropped.on_drop());
            let owner = Arc::pin_init(
                pin_init!(Owner {
                    early,
                    armed: AtomicFlag::new(false),
                    handle <- new_spinlock!(None),
                    refused: counts,
                    _dropped: drops,
                }),
                GFP_KERNEL,
            )?;
            let threads = kthread::per_cpu!("kunit/owner", owner.clone())?;
            {
                let mut handle = owner.handle.lock();
                owner.armed.store(true, Relaxed);
                threads.wake_all();
                *handle = Some(threads);
            }
            let taken = eventually(|| owner.handle.lock().is_none());
            let ran = refused.reaches(1);
            drop(owner);
            let ended = dropped.reaches(1);

            assert!(taken && ran && ended);
            assert_eq!(refused.get(), 1);
        }
        Ok(())
    }
}
