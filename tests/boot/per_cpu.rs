// SPDX-License-Identifier: GPL-2.0

//! Has a thread on each CPU, and checks that all that is called fits the life of the CPU. May
//! misbehave in one way or another.

use kernel::{
    cpu::CpuId,
    new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc,
        SpinLock, //
    },
    time::{
        delay::fsleep,
        Delta, //
    },
};
use kthread::{
    Leave,
    PerCpu,
    PerCpuContext,
    PerCpuThread, //
};

#[path = "../shared/parameter.rs"]
mod parameter;

module! {
    type: Module,
    name: "kthread_per_cpu",
    authors: ["The kthread authors"],
    description: "Has a thread on each CPU",
    license: "GPL",
    params: {
        mode: u32 {
            default: 0,
            description: "What to do, as listed in `Mode`",
        },
        period_ms: u32 {
            default: 1,
            description: "How long a thread sleeps at a time",
        },
    },
}

/// What goes wrong.
#[derive(PartialEq, Eq)]
enum Mode {
    /// Nothing.
    Behave,
    /// The handle is forgotten.
    Forget,
    /// The same, and the init function fails.
    ForgetAndFail,
    /// The value owns its own handle.
    Cycle,
    /// The handle is forgotten, and the value asks for more threads when it is dropped.
    AskForMore,
    /// The thread of CPU 1 panics.
    Crash,
    /// The same, in `should_run`.
    CrashEarly,
    /// The threads take the lock of CPU hotplug.
    LockHotplug,
    /// The thread of CPU 0 sleeps where it must not, once.
    SleepEarly,
}

impl Mode {
    fn new() -> Result<Self> {
        Ok(match parameter::value(&module_parameters::mode) {
            0 => Self::Behave,
            1 => Self::Forget,
            2 => Self::ForgetAndFail,
            3 => Self::Cycle,
            4 => Self::Crash,
            5 => Self::CrashEarly,
            6 => Self::LockHotplug,
            7 => Self::SleepEarly,
            8 => Self::AskForMore,
            _ => return Err(EINVAL),
        })
    }
}

struct Module {
    _threads: Option<PerCpu>,
}

impl kernel::Module for Module {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        pr_info!("begins\n");
        let mode = Mode::new()?;
        let forgets = matches!(mode, Mode::Forget | Mode::ForgetAndFail | Mode::AskForMore);
        let fails = mode == Mode::ForgetAndFail;
        let own = matches!(mode, Mode::Cycle);
        let watch = Arc::pin_init(
            pin_init!(Watch {
                mode,
                period: Delta::from_millis(parameter::value(&module_parameters::period_ms).into()),
                cpus: [const { Cpu::new() }; CPUS],
                mistakes: Atomic::new(0),
                own <- new_spinlock!(None),
            }),
            GFP_KERNEL,
        )?;
        let mut threads = Some(kthread::per_cpu!("per_cpu", watch.clone())?);
        if own {
            *watch.own.lock() = threads.take();
        }
        if forgets {
            core::mem::forget(threads.take());
        }
        if fails {
            return Err(EBUSY);
        }
        Ok(Self { _threads: threads })
    }
}

/// The kernels of ours have no more CPUs.
const CPUS: usize = 8;

/// The life of the thread of one CPU.
struct Cpu {
    /// 0 before `setup` and after `cleanup`, 1 when active, 2 when parked.
    state: Atomic<i32>,
    ticks: Atomic<i32>,
    ticks_when_parked: Atomic<i32>,
}

impl Cpu {
    const fn new() -> Self {
        Self {
            state: Atomic::new(0),
            ticks: Atomic::new(0),
            ticks_when_parked: Atomic::new(0),
        }
    }
}

/// Does nothing.
struct Idle;

impl PerCpuThread for Idle {
    fn should_run(&self, _cpu: CpuId) -> bool {
        false
    }

    fn run(&self, _cx: &PerCpuContext<'_>) -> Result<(), Leave> {
        Ok(())
    }
}

#[pin_data(PinnedDrop)]
struct Watch {
    mode: Mode,
    period: Delta,
    cpus: [Cpu; CPUS],
    mistakes: Atomic<i32>,
    #[pin]
    own: SpinLock<Option<PerCpu>>,
}

impl Watch {
    fn cpu(&self, cpu: CpuId) -> &Cpu {
        &self.cpus[cpu.as_u32() as usize]
    }

    /// What must hold does.
    fn expect(&self, holds: bool, what: &str) {
        if !holds {
            self.mistakes.fetch_add(1, Full);
            pr_err!("mistake: {what}\n");
        }
    }

    fn change(&self, cpu: CpuId, from: impl Fn(i32) -> bool, to: i32, what: &str) {
        self.expect(from(self.cpu(cpu).state.xchg(to, Full)), what);
    }

    /// Whether this is the first tick of CPU 0.
    fn at_first(&self, cpu: CpuId) -> bool {
        cpu.as_u32() == 0 && self.cpu(cpu).ticks.load(Relaxed) == 0
    }

    fn is_at_home(&self, cpu: CpuId, what: &str) {
        self.expect(CpuId::current() == cpu, what);
    }
}

impl PerCpuThread for Watch {
    fn should_run(&self, cpu: CpuId) -> bool {
        self.is_at_home(cpu, "should_run elsewhere");
        if self.mode == Mode::CrashEarly && cpu.as_u32() == 1 {
            panic!("on purpose");
        }
        if self.mode == Mode::SleepEarly && self.at_first(cpu) {
            kernel::task::might_sleep();
        }
        self.expect(self.cpu(cpu).state.load(Relaxed) == 1, "should_run");
        true
    }

    fn run(&self, cx: &PerCpuContext<'_>) -> Result<(), Leave> {
        let cpu = cx.cpu();
        self.is_at_home(cpu, "run elsewhere");
        self.expect(self.cpu(cpu).state.load(Relaxed) == 1, "run");
        if self.mode == Mode::Crash && cpu.as_u32() == 1 {
            panic!("on purpose");
        }
        if self.mode == Mode::LockHotplug {
            #[cfg(CONFIG_HOTPLUG_CPU)] // else there is no such lock
            // SAFETY: The functions have no requirements but that they are called in pairs.
            unsafe {
                kernel::bindings::cpus_read_lock();
                kernel::bindings::cpus_read_unlock();
            }
        }
        cx.sleep(self.period)?;
        self.is_at_home(cpu, "woke up elsewhere");
        self.cpu(cpu).ticks.fetch_add(1, Full);
        Ok(())
    }

    fn setup(&self, cpu: CpuId) {
        self.is_at_home(cpu, "setup elsewhere");
        self.change(cpu, |state| state == 0, 1, "setup");
        pr_info!("CPU {} set up\n", cpu.as_u32());
    }

    fn cleanup(&self, cpu: CpuId, online: bool) {
        self.change(cpu, |state| state == 1 + i32::from(!online), 0, "cleanup");
        // Time for others to see what happens meanwhile.
        fsleep(Delta::from_millis(2));
    }

    fn park(&self, cpu: CpuId) {
        self.is_at_home(cpu, "park elsewhere");
        self.change(cpu, |state| state == 1, 2, "park");
        let ticks = self.cpu(cpu).ticks.load(Relaxed);
        self.cpu(cpu).ticks_when_parked.store(ticks, Relaxed);
        pr_info!("CPU {} parked after {} ticks\n", cpu.as_u32(), ticks);
    }

    fn unpark(&self, cpu: CpuId) {
        self.is_at_home(cpu, "unpark elsewhere");
        self.change(cpu, |state| state == 2, 1, "unpark");
        let cpu = self.cpu(cpu);
        let as_before = cpu.ticks.load(Relaxed) == cpu.ticks_when_parked.load(Relaxed);
        self.expect(as_before, "ticks while parked");
        pr_info!("unparked\n");
    }
}

#[pinned_drop]
impl PinnedDrop for Watch {
    fn drop(self: Pin<&mut Self>) {
        let own = self.own.lock().take();
        drop(own);
        if self.mode == Mode::AskForMore {
            let more = kthread::per_cpu!("more", Idle).err();
            self.expect(
                more == Some(ENODEV),
                "more threads for a module that leaves",
            );
        }
        let crashes = matches!(self.mode, Mode::Crash | Mode::CrashEarly);
        for (i, cpu) in self.cpus.iter().enumerate() {
            let over = cpu.state.load(Relaxed) == 0 || crashes && i == 1;
            self.expect(over, "a thread is left");
        }
        pr_info!("dropped after {} mistakes\n", self.mistakes.load(Relaxed));
    }
}
