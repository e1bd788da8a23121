// SPDX-License-Identifier: GPL-2.0

//! How often what was done, and what has been going on for too long.

use kernel::{
    bindings,
    current,
    prelude::*,
    sync::atomic::{
        Acquire,
        Atomic,
        Full,
        Relaxed,
        Release, //
    },
    time::Delta, //
};

/// Whether this is a kernel that checks each access, or each lock.
pub(crate) const SLOW: bool = cfg!(CONFIG_KASAN) || cfg!(CONFIG_PROVE_LOCKING);

macro_rules! rows {
    ($($row:ident $name:literal,)+) => {
        /// What is counted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(crate) enum Row {
            $($row,)+
        }

        const ALL: &[(Row, &str)] = &[$((Row::$row, $name),)+];
        const ROWS: usize = ALL.len();
    };
}

rows! {
    Slice "slice of time",
    Starved "given up: no memory",
    // Operations.
    Create "create",
    Run "run",
    Start "start",
    StartAndWait "start and wait",
    DropCreated "drop unstarted",
    RequestStop "request stop",
    Stop "stop",
    Drop "drop",
    Join "join",
    JoinTimeout "join with timeout",
    Detach "detach",
    Forget "forget",
    Park "park",
    ParkTimeout "park with timeout",
    Unpark "unpark",
    WakeUp "wake up",
    SetPolicy "set policy",
    SetAffinity "set affinity",
    SendSignal "send signal",
    Look "state, name, cpu",
    Hook "hook",
    Scope "scope",
    WaitReached "wait: reached",
    WaitExpired "wait: time over",
    WaitStopped "wait: stopped",
    WaitSignalled "wait: interrupted",
    WaitTaken "wait until taken",
    NoRoom "send, no room",
    Receive "receive",
    Worker "make worker",
    DropWorker "drop worker",
    Enqueue "enqueue",
    EnqueueDelayed "enqueue with delay",
    ModDelayed "change delay",
    Cancel "cancel",
    CancelDelayed "cancel delay",
    Flush "flush queue",
    FlushItem "flush item",
    RunJob "run job",
    WaitForJob "wait for job",
    Register "register per CPU",
    Unregister "unregister per CPU",
    WakePerCpu "wake per CPU",
    Spawn "helper: spawn",
    StartHelper "helper: start",
    Status "helper: status",
    // Outcomes.
    Made "closures made",
    Ran "closures that ran",
    NeverRan "closures that never ran",
    Dropped "closures dropped",
    Queued "items queued",
    ItemRan "items that ran",
    HandedBack "items handed back",
    ItemDropped "items dropped",
    Sent "values sent",
    Received "values received",
    Left "values left",
    AimedEarly "wait: told before it",
    AimedLate "wait: told meanwhile",
    Given "things given",
    Taken "things taken",
    HookCalled "hooks called",
    Setup "per CPU: set up",
    ParkedCpu "per CPU: parked",
    UnparkedCpu "per CPU: unparked",
    Cleanup "per CPU: cleaned up",
}

/// How often.
struct Count {
    begun: Atomic<u64>,
    ended: Atomic<u64>,
    refused: Atomic<u64>,
}

static COUNTS: [Count; ROWS] = [const {
    Count {
        begun: Atomic::new(0),
        ended: Atomic::new(0),
        refused: Atomic::new(0),
    }
}; ROWS];

impl Row {
    fn count(self) -> &'static Count {
        &COUNTS[self as usize]
    }

    /// Counts what is not waited for.
    pub(crate) fn add(self, times: u32) {
        self.count().begun.fetch_add(times.into(), Full);
        self.count().ended.fetch_add(times.into(), Full);
    }

    /// How often it was done.
    pub(crate) fn done(self) -> u64 {
        self.count().ended.load(Relaxed)
    }

    /// Does it, which must not take for ever.
    pub(crate) fn call<R>(self, what: impl FnOnce() -> R) -> R {
        self.count().begun.fetch_add(1, Full);
        let call = Call::begin(self);
        let result = what();
        drop(call);
        self.count().ended.fetch_add(1, Full);
        result
    }

    /// Does it, which may be refused.
    pub(crate) fn attempt<T, E>(self, what: impl FnOnce() -> Result<T, E>) -> Result<T, E> {
        self.call(what).inspect_err(|_| {
            self.count().refused.fetch_add(1, Full);
        })
    }
}

/// Prints all rows, and checks that what must be equal is.
pub(crate) fn check() -> Result {
    pr_info!("{:<24} {:>10} {:>10}\n", "", "times", "refused");
    for (row, name) in ALL {
        let count = row.count();
        let (ended, refused) = (count.ended.load(Relaxed), count.refused.load(Relaxed));
        pr_info!("{:<24} {:>10} {:>10}\n", name, ended, refused);
        ensure!(
            count.begun.load(Relaxed) == ended,
            "not each {} has ended\n",
            name
        );
    }
    equal("closures", &[Row::Made], &[Row::Dropped])?;
    equal("closures", &[Row::Made], &[Row::Ran, Row::NeverRan])?;
    let ends = [Row::ItemRan, Row::HandedBack, Row::ItemDropped];
    equal("items", &[Row::Queued], &ends)?;
    equal("values", &[Row::Sent], &[Row::Received, Row::Left])?;
    equal("things", &[Row::Given], &[Row::Taken])?;
    equal("threads of CPUs", &[Row::Setup], &[Row::Cleanup])
}

fn equal(what: &str, left: &[Row], right: &[Row]) -> Result {
    let sum = |rows: &[Row]| -> u64 { rows.iter().map(|row| row.done()).sum() };
    ensure!(
        sum(left) == sum(right),
        "{}: {} in {:?}, and {} in {:?}\n",
        what,
        sum(left),
        left,
        sum(right),
        right
    );
    Ok(())
}

/// How long something may take.
pub(crate) const STUCK: Delta = Delta::from_secs(if SLOW { 120 } else { 40 });

/// Something that goes on.
struct Call {
    /// Which row, and one more; zero if this is free.
    row: Atomic<u32>,
    pid: Atomic<i32>,
    since: Atomic<i64>,
}

static CALLS: [Call; 256] = [const {
    Call {
        row: Atomic::new(0),
        pid: Atomic::new(0),
        since: Atomic::new(0),
    }
}; 256];

impl Call {
    /// Notes that it begins, if there is room.
    fn begin(row: Row) -> Option<Ended<'static>> {
        let pid = current!().pid();
        // CAST: Any number will do.
        let first = pid as usize;
        let call = (first..first + CALLS.len())
            .map(|i| &CALLS[i % CALLS.len()])
            .find(|call| call.row.cmpxchg(0, u32::MAX, Full).is_ok())?;
        call.pid.store(pid, Relaxed);
        call.since.store(now(), Relaxed);
        // CAST: There are few rows.
        call.row.store(row as u32 + 1, Release);
        Some(Ended(call))
    }
}

/// Notes that it has ended.
struct Ended<'a>(&'a Call);

impl Drop for Ended<'_> {
    fn drop(&mut self) {
        self.0.row.store(0, Release);
    }
}

fn now() -> i64 {
    // SAFETY: Reading the clock has no requirements.
    unsafe { bindings::ktime_get() }
}

/// Complains about what takes too long.
pub(crate) fn complain() {
    for call in &CALLS {
        let row = call.row.load(Acquire);
        let since = call.since.load(Relaxed);
        let Some((_, name)) = ALL.get((row as usize).wrapping_sub(1)) else {
            continue;
        };
        if now() - since > STUCK.as_nanos() && call.row.load(Acquire) == row {
            // The marks make it an alarm.
            let pid = call.pid.load(Relaxed);
            pr_err!("stuck: \"{}\" by thread {} does not end !!!\n", name, pid);
            call.since.store(now(), Relaxed);
        }
    }
}
