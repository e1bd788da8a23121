// SPDX-License-Identifier: GPL-2.0

//! Makes the calls of the crate that can fail, in each way that they can: each of their allocations
//! fails, the caller was killed, or there are too many tasks. Without a parameter nothing is wrong.

use kernel::prelude::*;
use kthread::{
    Current,
    Exit,
    Signal, //
};

#[path = "fault_injection/calls.rs"]
mod calls;
#[path = "fault_injection/fault.rs"]
mod fault;
#[path = "../shared/parameter.rs"]
mod parameter;
#[path = "fault_injection/probe.rs"]
mod probe;

use self::{
    calls::{
        Call,
        CALLS, //
    },
    fault::{
        Fault,
        Victim, //
    },
    probe::Probe, //
};

module! {
    type: FaultInjection,
    name: "kthread_fault_injection",
    authors: ["The kthread authors"],
    description: "Makes calls of the crate fail",
    license: "GPL",
    params: {
        no_memory: u8 {
            default: 0,
            description: "Make each allocation of each call fail (0 or 1)",
        },
        killed: u8 {
            default: 0,
            description: "Make the calls in a task that was killed (0 or 1)",
        },
        too_many_tasks: u8 {
            default: 0,
            description: "Expect that there are too many tasks for one more (0 or 1)",
        },
    },
}

struct FaultInjection;

impl kernel::Module for FaultInjection {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let set = |parameter| parameter::value(parameter) != 0;
        if set(&module_parameters::no_memory) {
            no_memory()?;
        } else if set(&module_parameters::killed) {
            let task = kthread::run!("killed", |cx| killed(&cx))?;
            match task.join()? {
                Exit::Returned(result) => result?,
                Exit::NeverRan | Exit::Crashed => return Err(EIO),
            }
        } else if set(&module_parameters::too_many_tasks) {
            too_many_tasks()?;
        } else {
            nothing()?;
        }
        Ok(Self)
    }
}

/// More than any call takes memory.
const MOST: u32 = 1000;

fn no_memory() -> Result {
    for call in CALLS {
        for &victim in call.victims {
            each_allocation(call, victim)
                .inspect_err(|_| pr_err!("{}: {victim:?}: failed\n", call.name))?;
        }
    }
    Ok(())
}

/// Makes the call again and again, until it gets all the memory that it asks for.
fn each_allocation(call: &Call, victim: Victim) -> Result {
    let (mut refused, mut did_without) = (0, 0);
    for n in 1..MOST {
        let fault = Fault::allocation(victim, n);
        let result = attempt(call, &fault);
        match result {
            Ok(()) if !fault.struck() => break,
            Ok(()) => did_without += 1,
            Err(error) if fault.struck() && call.may_return(error, victim) => refused += 1,
            Err(error) => {
                pr_err!("allocation {n}: {error:?}, struck: {}\n", fault.struck());
                return Err(error);
            }
        }
    }
    pr_info!(
        "{}: {victim:?}: {refused} failed, {did_without} did without\n",
        call.name
    );
    if refused + did_without + 1 == MOST || (refused == 0) != call.errors.is_empty() {
        return Err(EINVAL);
    }
    Ok(())
}

fn killed(cx: &Current<'_>) -> Result {
    cx.allow_signal(Signal::KILL);
    for call in CALLS.iter().filter(|call| call.is_creation()) {
        // A creation goes on if the new thread is there before its creator begins to wait for it.
        let mut results = (0..MOST).map(|_| attempt(call, &Fault::kill()));
        expect(call, EINTR, results.find(Result::is_err))?;
    }
    Ok(())
}

fn too_many_tasks() -> Result {
    for call in CALLS.iter().filter(|call| call.is_creation()) {
        expect(call, EAGAIN, Some(attempt(call, &Fault::elsewhere())))?;
    }
    Ok(())
}

/// What takes memory can then be traced.
fn nothing() -> Result {
    CALLS
        .iter()
        .try_for_each(|call| attempt(call, &Fault::elsewhere()))
}

fn attempt(call: &Call, fault: &Fault) -> Result {
    let result = (call.make)(fault);
    Probe::check_all_dropped()?;
    result
}

fn expect(call: &Call, error: Error, result: Option<Result>) -> Result {
    pr_info!("{}: {result:?}\n", call.name);
    if result == Some(Err(error)) {
        Ok(())
    } else {
        Err(EINVAL)
    }
}
