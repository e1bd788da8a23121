// SPDX-License-Identifier: GPL-2.0

//! Does what the crate is for, many times, from four CPUs, with random delays, and counts.
//!
//! Each scenario takes a number of rounds. The init function fails, and the kernel log says why,
//! if one of them finds anything that ought not to be. What is random follows from the seed, but
//! for how the threads come to run.

use kernel::prelude::*;
use queueing::Life;

/// Fails, with a line in the kernel log, if the condition does not hold.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            pr_err!($($message)+);
            return Err(EINVAL);
        }
    };
}

mod crew;
mod fate;
mod handles;
#[path = "../shared/hard_irq.rs"]
mod hard_irq;
mod hooks;
#[path = "../shared/parameter.rs"]
mod parameter;
mod parking;
mod producers;
mod progress;
mod queueing;
#[path = "../shared/rng.rs"]
mod rng;
mod sending;
mod spawning;
mod waits;

module! {
    type: Torture,
    name: "kthread_torture",
    authors: ["The kthread authors"],
    description: "Makes, parks, shares and stops threads at random",
    license: "GPL",
    params: {
        spawns: u32 {
            default: 0,
            description: "How many threads to make and to stop",
        },
        parks: u32 {
            default: 0,
            description: "How many times to park a thread",
        },
        handles: u32 {
            default: 0,
            description: "How many times to use a handle that others use, too",
        },
        hooks: u32 {
            default: 0,
            description: "How many threads with hooks to stop",
        },
        waits: u32 {
            default: 0,
            description: "How many times to wait, on four CPUs",
        },
        waits_on_one_cpu: u32 {
            default: 0,
            description: "How many times to wait, all on one CPU",
        },
        sends: u32 {
            default: 0,
            description: "How often to send ten values to a mailbox",
        },
        items: u32 {
            default: 0,
            description: "How often to queue ten items on a worker",
        },
        closings: u32 {
            default: 0,
            description: "How often to queue ten items on workers that go away meanwhile",
        },
        seed: u64 {
            default: 1,
            description: "What the random numbers follow from",
        },
    },
}

struct Torture;

impl kernel::Module for Torture {
    fn init(module: &'static ThisModule) -> Result<Self> {
        // insmod tries twice: the marks make an alarm of what went wrong the first time.
        Self::run(module).inspect_err(|error| pr_err!("fails with {:?} !!!\n", error))
    }
}

impl Torture {
    fn run(module: &'static ThisModule) -> Result<Self> {
        let seed = parameter::value(&module_parameters::seed);
        pr_info!("seed {}\n", seed);
        spawning::run(parameter::value(&module_parameters::spawns), seed, module)?;
        parking::run(parameter::value(&module_parameters::parks), seed)?;
        handles::run(parameter::value(&module_parameters::handles), seed)?;
        hooks::run(parameter::value(&module_parameters::hooks), seed)?;
        waits::run("wait", parameter::value(&module_parameters::waits), seed, 4)?;
        let rounds = parameter::value(&module_parameters::waits_on_one_cpu);
        waits::run("wait_on_one_cpu", rounds, seed, 1)?;
        sending::run(parameter::value(&module_parameters::sends), seed)?;
        let rounds = parameter::value(&module_parameters::items);
        queueing::run("item", rounds, seed, Life::Long)?;
        let rounds = parameter::value(&module_parameters::closings);
        queueing::run("close", rounds, seed, Life::Short)?;
        Ok(Self)
    }
}
