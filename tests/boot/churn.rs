// SPDX-License-Identifier: GPL-2.0

//! Creates and drops threads, and counts what becomes of their closures.

use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            Full,
            Relaxed, //
        },
        Arc, //
    },
};

#[path = "../shared/parameter.rs"]
mod parameter;

module! {
    type: Churn,
    name: "kthread_churn",
    authors: ["The kthread authors"],
    description: "Creates and drops threads",
    license: "GPL",
    params: {
        rounds: u32 {
            default: 10000,
            description: "How many threads to create",
        },
    },
}

struct Churn;

/// Counts its drop. Owns memory, so that a leak would be seen.
struct Probe(KBox<Arc<Atomic<u32>>>);

impl Drop for Probe {
    fn drop(&mut self) {
        self.0.fetch_add(1, Full);
    }
}

impl kernel::Module for Churn {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let rounds = parameter::value(&module_parameters::rounds);
        let dropped = Arc::new(Atomic::new(0), GFP_KERNEL)?;
        let ran = Arc::new(Atomic::new(0u32), GFP_KERNEL)?;
        for _ in 0..rounds {
            let probe = Probe(KBox::new(dropped.clone(), GFP_KERNEL)?);
            let ran = ran.clone();
            drop(kthread::run!("churn", move |_cx| {
                ran.fetch_add(1, Full);
                drop(probe);
            })?);
        }
        pr_info!(
            "{} threads, {} ran, {} closures dropped\n",
            rounds,
            ran.load(Relaxed),
            dropped.load(Relaxed)
        );
        if dropped.load(Relaxed) != rounds || ran.load(Relaxed) > rounds {
            return Err(EINVAL);
        }
        Ok(Self)
    }
}
