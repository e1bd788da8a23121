// SPDX-License-Identifier: GPL-2.0

//! Waits in each way that there is, while what ends the wait comes about when it begins.

mod aim;
mod kind;

use crate::{
    crew,
    hard_irq::call_after,
    rng::Rng,
    table::{
        Row,
        STUCK, //
    }, //
};
use aim::Aim;
use kernel::{
    cpu::CpuId,
    new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            AtomicFlag,
            Relaxed, //
        },
        Arc,
        SpinLock, //
    },
    task::Task as KernelTask,
    time::{
        delay::{
            fsleep,
            udelay, //
        },
        Delta,
        Instant,
        Monotonic, //
    },
};
use kind::{
    End,
    Goal,
    Kind, //
};
use kthread::{
    new_wait_queue,
    Current,
    Exit,
    Policy,
    Signal,
    StopToken,
    Task,
    WaitQueue, //
};

const NAME: &str = "wait";

/// How long it may take until a wait ends which should.
const LIMIT: Delta = STUCK;

/// What does not end by itself.
const FOREVER: Delta = Delta::from_secs(3600);

/// The longest wait that ends by itself, in nanoseconds.
const SHORT: u32 = 100_000;

/// How often a waiter may look at its condition in one round, and how often it may sleep. Each
/// round has fewer wake-ups than that.
const MOST: u32 = 12;

/// What is done to a thread that waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Nothing,
    /// What it waits for comes about.
    Reach,
    /// It is woken for no reason.
    Wake,
    Stop,
    Park,
    Signal,
}

/// From where it is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    /// A thread that was busy until then, on another CPU.
    Busy,
    /// A thread that slept until then.
    Asleep,
    Interrupt,
}

/// What is to happen in a round.
#[derive(Clone, Copy, Debug)]
struct Plan {
    kind: Kind,
    action: Action,
    from: From,
    /// Whether the wait ends by itself.
    short: bool,
    wake_all: bool,
}

impl Plan {
    /// `near` says whether the waiter is on the CPU of the calling worker.
    fn new(rng: &mut Rng, near: bool) -> Self {
        // CAST: A small number.
        let kind = Kind::ALL[rng.below(Kind::ALL.len() as u32) as usize];
        let action = match rng.below(10) {
            0 if kind.has_limit() => Action::Nothing,
            1 | 2 => Action::Stop,
            3..=5 => Action::Park,
            6 => Action::Wake,
            7 | 8 if kind.is_interruptible() => Action::Signal,
            _ => Action::Reach,
        };
        let interrupt = match action {
            Action::Stop => true,
            Action::Reach => !kind.takes_lock(),
            _ => false,
        };
        Self {
            kind,
            action,
            from: match rng.below(2) {
                0 if interrupt => From::Interrupt,
                1 if !near => From::Busy,
                _ => From::Asleep,
            },
            short: kind.has_limit() && (action == Action::Nothing || rng.one_in(2)),
            wake_all: rng.one_in(2),
        }
    }

    /// Whether the thread is asked to stop: also if nothing else ends the wait.
    fn stops(&self) -> bool {
        self.action == Action::Stop
            || self.kind.is_sleep() && !self.short && self.action != Action::Signal
    }

    /// Whether what is waited for comes about: also if nothing else ends the wait.
    fn reaches(&self) -> bool {
        let ends =
            self.short || self.action == Action::Signal || self.stops() && !self.kind.is_plain();
        self.action == Action::Reach || !ends
    }
}

pub(crate) fn run(rounds: u32, seed: u64) -> Result {
    run_on(4, rounds, seed)
}

pub(crate) fn run_on_one_cpu(rounds: u32, seed: u64) -> Result {
    run_on(1, rounds, seed)
}

fn run_on(cpus: u32, rounds: u32, seed: u64) -> Result {
    // Workers that come before others, so that one which was asleep interrupts the waiter.
    let policy = Some(Policy::FifoLow);
    crew::run_on(cpus, policy, NAME, rounds, seed, |worker| {
        let mut aims = [const { Aim::new() }; AIMS];
        let mut waiter = None;
        worker.each_round(|worker| one_round(&mut worker.rng, cpus, &mut aims, &mut waiter))
    })
}

/// Has the thread that is left from the last round wait, or a new one.
fn one_round(
    rng: &mut Rng,
    cpus: u32,
    aims: &mut [Aim; AIMS],
    waiter: &mut Option<Waiter>,
) -> Result {
    let mut current = match waiter.take() {
        Some(waiter) => waiter,
        None => Waiter::start(rng, cpus)?,
    };
    let plan = Plan::new(rng, current.near);
    let aim = &mut aims[current.aim(&plan)];
    if let Err(error) = current.round(&plan, aim, rng) {
        if error != ENOMEM {
            pr_err!("wait: {:?} in {:?}\n", error, plan);
        }
        current.release(&plan);
        return Err(error);
    }
    if current.task.stop_token().is_stop_requested() {
        let joined = Row::JoinTimeout.attempt(|| current.task.join_timeout(LIMIT));
        ensure!(
            matches!(joined, Ok(Exit::Returned(()))),
            "wait: a thread does not end after {:?}\n",
            plan
        );
    } else {
        *waiter = Some(current);
    }
    Ok(())
}

/// One for each place to act from, and for waiters that are near and far.
const AIMS: usize = 6;

/// A thread that waits, and what it is told by.
struct Waiter {
    task: Task<()>,
    desk: Arc<Desk>,
    round: u32,
    /// How many signals it was sent, but for those that have ended a wait.
    signals: u32,
    /// Whether it is on the CPU of its worker.
    near: bool,
}

impl Waiter {
    fn start(rng: &mut Rng, cpus: u32) -> Result<Self> {
        let desk = Desk::new()?;
        let here = CpuId::current();
        let cpu = match rng.below(3) {
            0 => Some(here),
            _ => CpuId::from_u32(rng.below(cpus)),
        };
        let cpu = cpu.unwrap_or(here);
        let plan = kthread::builder!("torture/waiter")?.bind(cpu);
        let body = {
            let desk = desk.clone();
            move |cx: Current<'_>| desk.serve(&cx)
        };
        let created = Row::Create.attempt(|| plan.create(body))?;
        let task = Row::StartAndWait.call(|| created.start_and_wait());
        // Before that a signal would be lost.
        let listens = || desk.listens.load(Relaxed).then_some(());
        desk.reports.wait_timeout(LIMIT, listens).ok_or(ETIMEDOUT)?;
        Ok(Self {
            task,
            desk,
            round: 0,
            signals: 0,
            near: cpu.as_u32() == here.as_u32(),
        })
    }

    /// Which of the aims is for that.
    fn aim(&self, plan: &Plan) -> usize {
        plan.from as usize * 2 + usize::from(self.near)
    }

    /// Has the thread wait once, and does something to it.
    fn round(&mut self, plan: &Plan, aim: &mut Aim, rng: &mut Rng) -> Result {
        let desk = self.desk.clone();
        let desk = &desk;
        self.round += 1;
        let round = self.round;
        desk.goal.reset();
        desk.aimed.store(NOT_YET, Relaxed);
        let limit = if plan.short {
            Delta::from_nanos(rng.below(SHORT).into())
        } else {
            FOREVER
        };
        *desk.order.lock() = Order {
            round,
            kind: plan.kind,
            limit,
            pause: some_micros(rng),
            look: some_micros(rng),
        };
        desk.orders.wake_one();

        let start = Instant::<Monotonic>::now();
        let delay = aim.delay(rng);
        let pending = match plan.from {
            From::Interrupt => Some(call_after(delay, {
                let (desk, plan, token) = (desk.clone(), *plan, self.task.stop_token());
                move || {
                    desk.take_aim(round);
                    desk.end(&plan, &token);
                    None
                }
            })?),
            From::Busy => {
                udelay(delay);
                None
            }
            From::Asleep => {
                fsleep(delay);
                None
            }
        };
        if pending.is_none() {
            desk.take_aim(round);
            self.act(plan, rng)?;
        }
        let report = desk.reports.wait_timeout(LIMIT, || {
            let report = desk.report.lock();
            (report.round == round).then_some(*report)
        });
        let took = start.elapsed();
        drop(pending);
        match desk.aimed.load(Relaxed) {
            NOT_YET => {}
            aimed => {
                aim.learn(aimed == EARLY);
                let row = if aimed == EARLY {
                    Row::AimedEarly
                } else {
                    Row::AimedLate
                };
                row.add(1);
            }
        }
        let Some(report) = report else {
            pr_err!("the wait does not end\n");
            return Err(ETIMEDOUT);
        };
        ensure!(took < LIMIT, "the wait lasted {} ms\n", took.as_millis());
        self.check(plan, limit, report)
    }

    /// Does to the thread what was planned.
    fn act(&mut self, plan: &Plan, rng: &mut Rng) -> Result {
        let (desk, token) = (self.desk.clone(), self.task.stop_token());
        let end = || desk.end(plan, &token);
        match plan.action {
            Action::Wake => Row::WakeUp.call(|| self.task.wake_up()),
            Action::Signal => {
                self.signals += 1;
                Row::SendSignal.attempt(|| self.task.send_signal(Signal::USR1))?;
            }
            Action::Park => {
                // What does not park has no end yet.
                let stays = plan.kind.is_plain();
                let limit = if stays { some_micros(rng) } else { LIMIT };
                match Row::ParkTimeout.attempt(|| self.task.park_timeout(limit)) {
                    Ok(_guard) => {
                        udelay(some_micros(rng));
                        if rng.one_in(2) {
                            end();
                            return Ok(());
                        }
                    }
                    Err(error) => ensure!(
                        stays && error == ETIMEDOUT,
                        "parking fails with {:?}\n",
                        error
                    ),
                }
            }
            Action::Nothing | Action::Reach | Action::Stop => {}
        }
        end();
        Ok(())
    }

    /// Checks that the wait ended for one of the reasons that there were, and did not poll.
    fn check(&mut self, plan: &Plan, limit: Delta, report: Report) -> Result {
        let (has_reason, row) = match report.end {
            End::Reached => (self.desk.goal.is_reached(), Row::WaitReached),
            End::Expired => (plan.short && report.waited >= limit, Row::WaitExpired),
            End::Stopped => (self.task.stop_token().is_stop_requested(), Row::WaitStopped),
            End::Signalled => {
                let sent = self.signals > 0;
                self.signals = self.signals.saturating_sub(1);
                (sent, Row::WaitSignalled)
            }
        };
        ensure!(has_reason, "no reason for the wait's end: {:?}\n", report);
        // CAST: A small number.
        ensure!(
            report.looks <= MOST && report.switches <= MOST as usize,
            "the wait is busy: {:?}\n",
            report
        );
        row.add(1);
        Ok(())
    }

    /// Ends a wait that went wrong, as far as possible.
    fn release(&self, plan: &Plan) {
        self.desk.goal.reach(plan.kind, true);
    }
}

/// A short time, most often none.
fn some_micros(rng: &mut Rng) -> Delta {
    let micros = if rng.one_in(3) { rng.below(12) } else { 0 };
    Delta::from_micros(micros.into())
}

/// A round, as the waiter sees it.
#[derive(Clone, Copy)]
struct Order {
    round: u32,
    kind: Kind,
    limit: Delta,
    /// What it does before it waits, and while it looks at what it waits for.
    pause: Delta,
    look: Delta,
}

/// How a round ended.
#[derive(Clone, Copy, Debug)]
struct Report {
    round: u32,
    end: End,
    waited: Delta,
    looks: u32,
    switches: usize,
}

/// Nothing was done to the waiter in this round.
const NOT_YET: u32 = 0;
/// Something was done to it before it went to wait.
const EARLY: u32 = 1;
/// Something was done to it after that.
const LATE: u32 = 2;

/// What a waiter shares with its worker.
#[pin_data]
struct Desk {
    #[pin]
    goal: Goal,
    #[pin]
    orders: WaitQueue,
    #[pin]
    order: SpinLock<Order>,
    #[pin]
    reports: WaitQueue,
    #[pin]
    report: SpinLock<Report>,
    /// Whether the waiter allows signals.
    listens: AtomicFlag,
    /// The last round in which the waiter went to wait.
    entered: Atomic<u32>,
    aimed: Atomic<u32>,
}

impl Desk {
    fn new() -> Result<Arc<Self>> {
        let order = Order {
            round: 0,
            kind: Kind::Sleep,
            limit: Delta::ZERO,
            pause: Delta::ZERO,
            look: Delta::ZERO,
        };
        Arc::pin_init(
            pin_init!(Self {
                goal <- Goal::new(),
                orders <- new_wait_queue!(),
                order <- new_spinlock!(order),
                reports <- new_wait_queue!(),
                report <- new_spinlock!(Report::new(0, End::Expired)),
                listens: AtomicFlag::new(false),
                entered: Atomic::new(0),
                aimed: Atomic::new(NOT_YET),
            }),
            GFP_KERNEL,
        )
    }

    /// Notes whether the waiter went to wait in this round.
    fn take_aim(&self, round: u32) {
        let late = self.entered.load(Relaxed) == round;
        self.aimed.store(if late { LATE } else { EARLY }, Relaxed);
    }

    /// Ends the wait, unless it ends by itself. From any context, as [`Goal::reach`].
    fn end(&self, plan: &Plan, token: &StopToken) {
        if plan.stops() {
            Row::RequestStop.call(|| token.request_stop());
        }
        if plan.reaches() {
            self.goal.reach(plan.kind, plan.wake_all);
        }
    }

    /// Waits once for each order, until it is to stop.
    fn serve(&self, cx: &Current<'_>) {
        cx.allow_signal(Signal::USR1);
        self.listens.store(true, Relaxed);
        self.reports.wake_all();
        let mut done = 0;
        while !cx.should_stop() {
            let order = cx.wait(&self.orders, || {
                let order = self.order.lock();
                (order.round != done).then_some(*order)
            });
            if let Ok(order) = order {
                done = order.round;
                self.report(self.wait(cx, &order));
            }
        }
        // It may have been asked to stop before it saw the last order.
        let last = self.order.lock().round;
        if last != done {
            self.report(Report::new(last, End::Stopped));
        }
    }

    fn wait(&self, cx: &Current<'_>, order: &Order) -> Report {
        udelay(order.pause);
        let before = switches();
        let start = Instant::<Monotonic>::now();
        self.entered.store(order.round, Relaxed);
        let end = self.goal.wait(cx, order.kind, order.limit, order.look);
        Report {
            waited: start.elapsed(),
            looks: self.goal.looks(),
            switches: switches() - before,
            ..Report::new(order.round, end)
        }
    }

    fn report(&self, report: Report) {
        *self.report.lock() = report;
        self.reports.wake_all();
    }
}

impl Report {
    fn new(round: u32, end: End) -> Self {
        Self {
            round,
            end,
            waited: Delta::ZERO,
            looks: 0,
            switches: 0,
        }
    }
}

/// How often the calling task has given up its CPU.
fn switches() -> usize {
    // SAFETY: The calling task is there, and the number changes only when it sleeps.
    unsafe { (*KernelTask::current_raw()).nvcsw }
}
