// SPDX-License-Identifier: GPL-2.0

//! Registers and unregisters threads of each CPU.

use crate::{
    crew,
    rng::Rng,
    table::Row, //
};
use kernel::{
    cpu::{
        nr_cpu_ids,
        CpuId, //
    },
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc, //
    },
    time::{
        delay::fsleep,
        Delta, //
    }, //
};
use kthread::{
    Leave,
    PerCpuContext,
    PerCpuThread, //
};

/// The kernels of ours have no more CPUs.
const CPUS: usize = 8;

/// No thread is there for as long, in milliseconds: a CPU takes half a second to go and come back.
const LONGEST: u32 = 2000;

pub(crate) fn run(rounds: u32, seed: u64) -> Result {
    crew::run("per CPU", rounds, seed, |worker| {
        worker.each_round(|worker| one_round(&mut worker.rng))
    })
}

fn one_round(rng: &mut Rng) -> Result {
    let lives = Arc::new(Lives::new(), GFP_KERNEL)?;
    let threads = Row::Register
        .attempt(|| kthread::per_cpu!("torture/{}", rng.below(10_000), lives.clone()))?;
    for _ in 0..rng.below(8) {
        Row::WakePerCpu.call(|| {
            if rng.one_in(2) {
                threads.wake_all();
            } else if let Some(cpu) = CpuId::from_u32(rng.below(nr_cpu_ids())) {
                threads.wake_up(cpu);
            }
        });
        rng.pause();
    }
    // Time for CPUs to come and go.
    if rng.one_in(4) {
        fsleep(Delta::from_millis(rng.below(LONGEST).into()));
    }
    Row::Unregister.call(|| drop(threads));
    ensure!(
        lives.all_over(),
        "per CPU: what is called does not fit the life of a CPU\n"
    );
    Ok(())
}

/// Where in its life the thread of a CPU is.
#[derive(Clone, Copy, PartialEq)]
enum Stage {
    Over,
    Active,
    Parked,
}

/// The lives of the threads of all CPUs.
struct Lives {
    stages: [Atomic<u32>; CPUS],
    wrong: Atomic<u32>,
}

impl Lives {
    fn new() -> Self {
        Self {
            stages: [const { Atomic::new(Stage::Over as u32) }; CPUS],
            wrong: Atomic::new(0),
        }
    }

    fn stage(&self, cpu: CpuId) -> &Atomic<u32> {
        // CAST: A small number.
        &self.stages[cpu.as_u32() as usize % CPUS]
    }

    fn demand(&self, right: bool) {
        if !right {
            self.wrong.fetch_add(1, Full);
        }
    }

    fn change(&self, cpu: CpuId, from: Stage, to: Stage) {
        self.demand(self.stage(cpu).xchg(to as u32, Full) == from as u32);
    }

    fn is_active(&self, cpu: CpuId) {
        self.demand(CpuId::current() == cpu);
        self.demand(self.stage(cpu).load(Relaxed) == Stage::Active as u32);
    }

    /// Says whether all threads are gone, and nothing was wrong; and nobody else has this.
    fn all_over(self: Arc<Self>) -> bool {
        let over = |stage: &Atomic<u32>| stage.load(Relaxed) == Stage::Over as u32;
        self.stages.iter().all(over)
            && self.wrong.load(Relaxed) == 0
            && Arc::into_unique_or_drop(self).is_some()
    }
}

impl PerCpuThread for Lives {
    fn should_run(&self, cpu: CpuId) -> bool {
        self.is_active(cpu);
        true
    }

    fn run(&self, cx: &PerCpuContext<'_>) -> Result<(), Leave> {
        self.is_active(cx.cpu());
        let mut rng = Rng::new(cx.cpu().as_u32().into(), 0);
        cx.sleep(rng.delay() * 20)?;
        self.is_active(cx.cpu());
        Ok(())
    }

    fn setup(&self, cpu: CpuId) {
        Row::Setup.add(1);
        self.change(cpu, Stage::Over, Stage::Active);
    }

    fn cleanup(&self, cpu: CpuId, online: bool) {
        Row::Cleanup.add(1);
        let from = if online { Stage::Active } else { Stage::Parked };
        self.change(cpu, from, Stage::Over);
    }

    fn park(&self, cpu: CpuId) {
        Row::ParkedCpu.add(1);
        self.change(cpu, Stage::Active, Stage::Parked);
    }

    fn unpark(&self, cpu: CpuId) {
        Row::UnparkedCpu.add(1);
        self.change(cpu, Stage::Parked, Stage::Active);
    }
}
