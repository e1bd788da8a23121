// SPDX-License-Identifier: GPL-2.0

//! The calls of the crate that take memory, or make threads; and some of which one may think so.

use crate::{
    fault::{
        Fault,
        Victim, //
    },
    probe::Probe, //
};
use kernel::{
    cpu::CpuId,
    cpumask::CpumaskVar,
    prelude::*,
    time::{
        delay::fsleep,
        Delta, //
    }, //
};
use kthread::{
    Command,
    Current,
    Exit,
    ExitStatus,
    Leave,
    Nice,
    PerCpuContext,
    PerCpuThread,
    Policy,
    Signal,
    State,
    Stopped,
    Task, //
};

/// One of the calls.
pub(crate) struct Call {
    pub(crate) name: &'static str,
    /// Who takes memory for it, and gets none at least once.
    pub(crate) victims: &'static [Victim],
    /// How it fails then, and it does not if there are none.
    pub(crate) errors: &'static [Error],
    /// Makes it once, and drops what came of it.
    pub(crate) make: fn(&Fault) -> Result,
}

impl Call {
    /// Says whether it makes a thread.
    pub(crate) fn is_creation(&self) -> bool {
        self.victims
            .iter()
            .any(|victim| matches!(victim, Victim::Kthreadd))
    }

    /// Says whether it may fail so if the victim gets no memory.
    pub(crate) fn may_return(&self, error: Error, victim: Victim) -> bool {
        // C says this of one of the blocks that it takes for a thread.
        self.errors.contains(&error) || matches!(victim, Victim::Kthreadd) && error == EAGAIN
    }

    const fn takes(name: &'static str, make: fn(&Fault) -> Result) -> Self {
        Self {
            name,
            victims: &[Victim::Caller],
            errors: &[ENOMEM],
            make,
        }
    }

    const fn creates(name: &'static str, make: fn(&Fault) -> Result) -> Self {
        Self {
            victims: &[Victim::Caller, Victim::Kthreadd],
            ..Self::takes(name, make)
        }
    }

    /// The kernel's workqueues do all that takes memory.
    const fn asks(name: &'static str, make: fn(&Fault) -> Result) -> Self {
        Self {
            victims: &[Victim::Kworkers],
            ..Self::takes(name, make)
        }
    }

    const fn succeeds(name: &'static str, make: fn(&Fault) -> Result) -> Self {
        Self {
            errors: &[],
            ..Self::takes(name, make)
        }
    }
}

pub(crate) const CALLS: &[Call] = &[
    Call::takes("builder!", builder),
    Call::creates("Builder::create", create),
    Call::creates("run!", run),
    Call::creates("Builder::run, with options", options),
    Call::creates("Builder::run_scoped", run_scoped),
    Call::creates("Builder::worker", worker),
    Call::creates("per_cpu!", per_cpu),
    Call::takes("Queue::run", job),
    Call::takes("Command::new", command),
    Call::takes("Command::arg", arg),
    Call::takes("Command::env", env),
    Call::succeeds("Command::spawn", spawn),
    Call::asks("Command::start", start),
    Call::asks("Command::status", status),
    Call {
        // C does not tell one from the other.
        errors: &[ENOMEM, EEXIST],
        ..Call::takes("helper!", helper)
    },
    Call::takes("Helper::command", helper_command),
    Call::succeeds("Task::send_signal", send_signal),
    Call::succeeds("Task::set_policy", set_policy),
    Call::succeeds("Task::set_affinity", set_affinity),
    Call::succeeds("Task::park", park),
    Call::succeeds("Task::stop", stop),
    Call::succeeds("Task::detach", detach),
];

fn builder(fault: &Fault) -> Result {
    drop(fault.strikes(|| kthread::builder!("fault/{}", "builder"))?);
    Ok(())
}

fn create(fault: &Fault) -> Result {
    let probe = Probe::new();
    let created =
        fault.strikes(|| kthread::builder!("fault/create")?.create(move |_cx| drop(probe)))?;
    drop(created);
    Ok(())
}

fn run(fault: &Fault) -> Result {
    let probe = Probe::new();
    returned(fault.strikes(|| kthread::run!("fault/run", move |_cx| probe))?)
}

fn options(fault: &Fault) -> Result {
    let probe = Probe::new();
    let mut cpus = CpumaskVar::new_zero(GFP_KERNEL)?;
    cpus.set(CpuId::current());
    let nice = Nice::new(1)?;
    let task = fault.strikes(|| {
        kthread::builder!("fault/options")?
            .affine_preferred(cpus)
            .policy(Policy::Normal(nice))
            .node(0)
            .freezable()
            .run(move |_cx| probe)
    })?;
    returned(task)
}

fn run_scoped(fault: &Fault) -> Result {
    kthread::scope(|scope| {
        let probe = Probe::new();
        returned(fault.strikes(|| {
            kthread::builder!("fault/run_scoped")?.run_scoped(scope, move |_cx| probe)
        })?)
    })
}

fn worker(fault: &Fault) -> Result {
    drop(fault.strikes(|| kthread::builder!("fault/worker")?.worker())?);
    Ok(())
}

struct Idle {
    _probe: Probe,
}

impl PerCpuThread for Idle {
    fn should_run(&self, _cpu: CpuId) -> bool {
        false
    }

    fn run(&self, _cx: &PerCpuContext<'_>) -> Result<(), Leave> {
        Ok(())
    }
}

fn per_cpu(fault: &Fault) -> Result {
    let _probe = Probe::new();
    drop(fault.strikes(|| kthread::per_cpu!("fault/per_cpu", Idle { _probe }))?);
    Ok(())
}

fn job(fault: &Fault) -> Result {
    let worker = kthread::builder!("fault/jobs")?.worker()?;
    let probe = Probe::new();
    let job = fault.strikes(|| worker.run(move |_cx| probe))?;
    match job.wait()? {
        Exit::Returned(_) => Ok(()),
        Exit::NeverRan | Exit::Crashed => Err(EIO),
    }
}

fn command(fault: &Fault) -> Result {
    drop(fault.strikes(|| Command::new(c"/bin/true"))?);
    Ok(())
}

/// The list of strings grows twice.
fn arg(fault: &Fault) -> Result {
    let command = Command::new(c"/bin/true")?;
    drop(fault.strikes(|| (0..8).try_fold(command, |command, _| command.arg(c"argument")))?);
    Ok(())
}

fn env(fault: &Fault) -> Result {
    let command = Command::new(c"/bin/true")?.env(c"LEVEL", c"1")?;
    drop(fault.strikes(|| command.env(c"LEVEL", c"2")?.env(c"UNIT", c"3"))?);
    Ok(())
}

fn spawn(fault: &Fault) -> Result {
    let command = Command::new(c"/bin/true")?;
    fault.strikes(|| command.spawn());
    Ok(())
}

fn start(fault: &Fault) -> Result {
    in_thread(|cx| {
        let command = Command::new(c"/bin/true")?;
        fault.strikes(|| command.start(cx))?
    })
}

fn status(fault: &Fault) -> Result {
    in_thread(|cx| {
        let command = Command::new(c"/bin/true")?;
        fault.strikes(|| command.status(cx))?.and_then(success)
    })
}

fn helper(fault: &Fault) -> Result {
    drop(fault.strikes(|| kthread::helper!("kthread_fault"))?);
    Ok(())
}

fn helper_command(fault: &Fault) -> Result {
    let helper = kthread::helper!("kthread_fault")?;
    in_thread(|cx| {
        Command::new(c"/bin/sh")?
            .arg(c"-c")?
            .arg(c"echo /bin/true >/proc/sys/kernel/kthread_fault")?
            .status(cx)?
            .and_then(success)
    })?;
    match fault.strikes(|| helper.command())? {
        Some(_) => Ok(()),
        None => Err(EIO),
    }
}

fn send_signal(fault: &Fault) -> Result {
    let task = kthread::run!("fault/signalled", |cx| {
        cx.allow_signal(Signal::USR1);
        let _ = cx.sleep_interruptible(LONG);
    })?;
    while task.state() != State::Sleeping {
        fsleep(Delta::from_micros(100));
    }
    fault.strikes(|| task.send_signal(Signal::USR1))?;
    returned(task)
}

fn set_policy(fault: &Fault) -> Result {
    let task = sleeper()?;
    fault.strikes(|| task.set_policy(Policy::FifoLow))
}

fn set_affinity(fault: &Fault) -> Result {
    let task = sleeper()?;
    let mut cpus = CpumaskVar::new_zero(GFP_KERNEL)?;
    cpus.set(CpuId::current());
    fault.strikes(|| task.set_affinity(&cpus))
}

fn park(fault: &Fault) -> Result {
    let task = sleeper()?;
    fault.strikes(|| task.park().map(drop))
}

fn stop(fault: &Fault) -> Result {
    let task = sleeper()?;
    fault.strikes(|| task.stop().map(drop))
}

fn detach(fault: &Fault) -> Result {
    let task = sleeper()?;
    let token = task.stop_token();
    let result = fault.strikes(|| task.detach());
    token.request_stop();
    result
}

/// Longer than anything here takes.
const LONG: Delta = Delta::from_secs(60);

fn sleeper() -> Result<Task<Result<(), Stopped>>> {
    kthread::run!("fault/sleeper", |cx| cx.sleep(LONG))
}

/// Makes the call in a thread, as only one may.
fn in_thread(call: impl FnOnce(&Current<'_>) -> Result + Send) -> Result {
    kthread::scope(|scope| {
        let task = kthread::builder!("fault/caller")?.run_scoped(scope, |cx| call(&cx))?;
        match task.join()? {
            Exit::Returned(result) => result,
            Exit::NeverRan | Exit::Crashed => Err(EIO),
        }
    })
}

fn returned<T>(task: Task<T>) -> Result {
    match task.join()? {
        Exit::Returned(_) => Ok(()),
        Exit::NeverRan | Exit::Crashed => Err(EIO),
    }
}

fn success(status: ExitStatus) -> Result {
    if status.success() {
        Ok(())
    } else {
        Err(EIO)
    }
}
