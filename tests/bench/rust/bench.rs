// SPDX-License-Identifier: GPL-2.0

//! Measures what a driver does with kernel threads, in Rust.
//!
//! Each file has a twin in `../c`, which does the same, by the same names.

use kernel::prelude::*;
use kthread::{
    Current,
    Exit, //
};

mod clock;
mod delayed;
mod growth;
mod hard_irq;
mod mailbox;
mod measure;
mod memory;
#[path = "../../shared/parameter.rs"]
mod parameter;
mod threads;
mod waits;
mod wall;
mod worker;
mod workqueue;

module! {
    type: Bench,
    name: "kthread_bench",
    authors: ["The kthread authors"],
    description: "Measures kernel threads in Rust",
    license: "GPL",
    params: {
        rounds: u32 {
            default: 5,
            description: "How often to measure each operation; 0: trace memory",
        },
        growth: u8 {
            default: 0,
            description: "Measure how costs grow",
        },
        wall: u8 {
            default: 0,
            description: "Measure what CPUs do to each other",
        },
    },
}

struct Bench;

impl kernel::Module for Bench {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        match kthread::run!("bench", measure_all)?.join()? {
            Exit::Returned(result) => result?,
            Exit::NeverRan | Exit::Crashed => return Err(EIO),
        }
        Ok(Self)
    }
}

fn measure_all(cx: Current<'_>) -> Result {
    if parameter::value(&module_parameters::rounds) == 0 {
        return memory::trace_all();
    }
    if parameter::value(&module_parameters::wall) != 0 {
        return wall::measure_all();
    }
    if parameter::value(&module_parameters::growth) != 0 {
        return growth::measure_all();
    }
    threads::measure_all()?;
    waits::measure_all(&cx)?;
    worker::measure_all()?;
    delayed::measure_all()?;
    mailbox::measure_all()?;
    workqueue::measure_all()
}
