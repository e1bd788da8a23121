// SPDX-License-Identifier: GPL-2.0

//! Does what the crate is for, at random, for some time, and counts.
//!
//! Time is cut into slices; in each of them some of the scenarios run side by side. The kernel log
//! says what was done, and whether all sums are right. What is random follows from the seed, but
//! for how the threads come to run.

use kernel::{
    bindings,
    prelude::*,
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
};
use kthread::{
    Current,
    Task, //
};
use rng::Rng;
use table::{
    Row,
    SLOW,
    STUCK, //
};

/// Fails, with a line in the kernel log, if the condition does not hold.
macro_rules! ensure {
    ($condition:expr, $($message:tt)+) => {
        if !$condition {
            pr_err!($($message)+);
            return Err(EINVAL);
        }
    };
}

mod calling;
mod crew;
mod fate;
mod handles;
#[path = "../shared/hard_irq.rs"]
mod hard_irq;
mod hooks;
mod jobs;
#[path = "../shared/parameter.rs"]
mod parameter;
mod parking;
mod per_cpu;
mod producers;
mod queueing;
#[path = "../shared/rng.rs"]
mod rng;
mod sending;
mod spawning;
mod table;
mod taking;
mod tally;
mod waits;

module! {
    type: Torture,
    name: "kthread_torture",
    authors: ["The kthread authors"],
    description: "Does what the crate is for, at random, for some time",
    license: "GPL",
    params: {
        seconds: u32 {
            default: 10,
            description: "For how long",
        },
        seed: u64 {
            default: 1,
            description: "What the random numbers follow from",
        },
    },
}

/// A part of a slice: takes the number of rounds, and a seed.
type Run = fn(u32, u64) -> Result;

/// Their names, and how many rounds they have at most: about a second of them.
const SCENARIOS: [(&str, u32, Run); 13] = [
    ("spawn", 500, spawning::run),
    ("park", 3000, parking::run),
    ("handle", 1000, handles::run),
    ("hook", 300, hooks::run),
    ("wait", 1000, waits::run),
    ("wait_on_one_cpu", 1000, waits::run_on_one_cpu),
    ("take", 2000, taking::run),
    ("job", 500, jobs::run),
    ("per_cpu", 20, per_cpu::run),
    ("helper", 20, calling::run),
    ("send", 3000, sending::run),
    ("item", 100, queueing::run),
    ("close", 500, queueing::run_closing),
];

/// From here on each has timers that leave the CPUs little time: two of them are one too many.
const BUSY: usize = 10;

/// How many of them run side by side at most.
const MOST: u32 = 5;

struct Torture {
    _director: Task<()>,
}

impl kernel::Module for Torture {
    fn init(module: &'static ThisModule) -> Result<Self> {
        let seconds = parameter::value(&module_parameters::seconds);
        let seed = parameter::value(&module_parameters::seed);
        pr_info!("seed {}, {} s\n", seed, seconds);
        let director = kthread::run!("torture", move |cx| {
            match direct(&cx, seconds, seed, module) {
                Ok(()) => pr_info!("all sums are right\n"),
                // The marks make it an alarm.
                Err(error) => pr_err!("fails with {:?} !!!\n", error),
            }
        })?;
        Ok(Self {
            _director: director,
        })
    }
}

/// Has one slice after the other.
fn direct(cx: &Current<'_>, seconds: u32, seed: u64, module: &'static ThisModule) -> Result {
    let mut rng = Rng::new(seed, 0);
    let begin = Instant::<Monotonic>::now();
    let mut deck: [usize; SCENARIOS.len()] = core::array::from_fn(|i| i);
    let mut dealt = deck.len();
    while !cx.should_stop() {
        let elapsed = begin.elapsed().as_millis() / 1000;
        pr_info!("{} of {} s\n", elapsed, seconds);
        // All come equally often, in changing company.
        if dealt == deck.len() {
            if elapsed >= seconds.into() {
                break;
            }
            shuffle(&mut deck, &mut rng);
            dealt = 0;
        }
        let scenarios = deal(&deck[dealt..], &mut rng);
        dealt += scenarios.len();
        Row::Slice.add(1);
        slice(scenarios, rng.next()).or_else(crew::no_memory_is_fine)?;
        // Each detached thread keeps the module, until it was joined.
        ensure!(
            becomes_true(|| references(module) == 0),
            "{} detached threads still keep the module\n",
            references(module)
        );
    }
    table::check()
}

fn shuffle(deck: &mut [usize], rng: &mut Rng) {
    for i in 1..deck.len() {
        // CAST: Small numbers.
        deck.swap(i, rng.below(i as u32 + 1) as usize);
    }
}

/// The next few of the deck, at most one of which leaves the CPUs little time.
fn deal<'a>(deck: &'a [usize], rng: &mut Rng) -> &'a [usize] {
    let mut busy = 0;
    // CAST: A small number.
    let most = 1 + rng.below(MOST) as usize;
    let fits = |&&scenario: &&usize| {
        busy += u32::from(scenario >= BUSY);
        busy <= 1
    };
    let count = deck.iter().take(most).take_while(fits).count();
    &deck[..count]
}

/// Has these scenarios run side by side.
fn slice(scenarios: &[usize], seed: u64) -> Result {
    let mut rng = Rng::new(seed, 0);
    kthread::scope(|scope| {
        let mut threads = KVec::new();
        for &scenario in scenarios {
            let (name, most, run) = SCENARIOS[scenario];
            let most = if SLOW { most / 4 } else { most };
            let (rounds, seed) = (1 + rng.below(most), rng.next());
            pr_info!("{}: {} rounds\n", name, rounds);
            let plan = kthread::builder!("torture/{}", name)?;
            let thread = plan.run_scoped(scope, move |_cx| run(rounds, seed))?;
            threads.push((name, thread), GFP_KERNEL)?;
        }
        let mut result = Ok(());
        for (name, thread) in threads {
            result = result.and(finish(name, thread));
        }
        result
    })
}

fn references(module: &'static ThisModule) -> i32 {
    // SAFETY: The module is the one that runs this.
    unsafe { bindings::module_refcount(module.as_ptr()) }
}

/// Waits until the condition holds, and says whether it came to that.
pub(crate) fn becomes_true(condition: impl Fn() -> bool) -> bool {
    let begin = Instant::<Monotonic>::now();
    while !condition() && begin.elapsed() < STUCK {
        fsleep(Delta::from_millis(10));
    }
    condition()
}

/// Joins a thread, and complains for as long as it, or anything else, takes too long.
fn finish(name: &str, mut thread: Task<Result>) -> Result {
    let begin = Instant::<Monotonic>::now();
    loop {
        thread = match thread.join_timeout(Delta::from_secs(1)) {
            Ok(exit) => return crew::result_of(name, exit),
            Err(thread) => thread,
        };
        table::complain();
        if begin.elapsed() > STUCK * 5 {
            pr_err!("stuck: scenario \"{}\" does not end !!!\n", name);
        }
    }
}
