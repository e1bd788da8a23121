// SPDX-License-Identifier: GPL-2.0

//! How far a scenario is.

use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        Full,
        Relaxed, //
    },
    time::{
        Delta,
        Instant,
        Monotonic, //
    },
};
use kthread::{
    Exit,
    Task, //
};

/// How long one round may take.
const STUCK: Delta = Delta::from_secs(20);

pub(crate) struct Progress {
    pub(crate) name: &'static str,
    pub(crate) total: u32,
    done: Atomic<u32>,
}

impl Progress {
    pub(crate) fn new(name: &'static str, total: u32) -> Self {
        Self {
            name,
            total,
            done: Atomic::new(0),
        }
    }

    /// How many rounds are done.
    pub(crate) fn done(&self) -> u32 {
        self.done.load(Relaxed)
    }

    /// One more is done.
    pub(crate) fn add_one(&self) {
        let done = self.done.fetch_add(1, Full) + 1;
        if done.checked_rem(self.total.div_ceil(10)) == Some(0) || done == self.total {
            pr_info!("{}: {} of {} rounds\n", self.name, done, self.total);
        }
    }

    /// Joins a thread, and complains if it failed, and for as long as it takes if nobody gets on.
    pub(crate) fn finish(&self, mut task: Task<Result>) -> Result {
        let mut seen = self.done();
        let mut since = Instant::<Monotonic>::now();
        loop {
            task = match task.join_timeout(Delta::from_secs(1)) {
                Ok(exit) => return self.result_of(exit),
                Err(task) => task,
            };
            let done = self.done();
            if done != seen {
                (seen, since) = (done, Instant::now());
            } else if since.elapsed() > STUCK {
                // The marks make it an alarm.
                pr_err!("{}: stuck after {} rounds !!!\n", self.name, done);
                since = Instant::now();
            }
        }
    }

    fn result_of(&self, exit: Exit<Result>) -> Result {
        let result = match exit {
            Exit::Returned(result) => result,
            _ => Err(EIO),
        };
        result.inspect_err(|error| {
            pr_err!("{}: {:?} after {} rounds\n", self.name, error, self.done());
        })
    }
}
