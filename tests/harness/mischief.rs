// SPDX-License-Identifier: GPL-2.0

//! Does one kind of mischief, chosen by a module parameter, when it is loaded.
//!
//! `make test` loads it to prove that it sees what it is there to see. The cases are
//! in `scripts/harness.py`.

use kernel::{
    prelude::*,
    sync::{
        new_spinlock,
        Arc,
        SpinLock, //
    },
    time::{
        delay::fsleep,
        Delta,
        Instant,
        Monotonic, //
    },
};

#[path = "../shared/hard_irq.rs"]
mod hard_irq;
#[path = "../shared/parameter.rs"]
mod parameter;

module! {
    type: Mischief,
    name: "kthread_mischief",
    authors: ["The kthread authors"],
    description: "Misbehaves on request, to prove that the test harness notices",
    license: "GPL",
    params: {
        mischief: i32 {
            default: 0,
            description: "What it does, by number",
        },
        seconds: i64 {
            default: 1800,
            description: "How long to hang, or to be busy",
        },
    },
}

struct Mischief;

impl kernel::Module for Mischief {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        let length = Delta::from_secs(parameter::value(&module_parameters::seconds));
        match parameter::value(&module_parameters::mischief) {
            0 => (),
            1 => return Err(ENODEV),
            2 => _ = kernel::warn_on!(true),
            3 => oops(),
            4 => fsleep(length),
            5 => leak()?,
            6 => sleep_in_atomic()?,
            7 => lock_in_hard_irq()?,
            8 => lock_up(length)?,
            _ => return Err(EINVAL),
        }
        Ok(Self)
    }
}

/// Writes where no memory is.
fn oops() {
    // SAFETY: None: this must fault. The first page is never mapped in the kernel.
    unsafe { core::ptr::without_provenance_mut::<u32>(16).write_volatile(0) };
}

/// Leaks several objects: a stale pointer on some stack may hide one from the scan.
fn leak() -> Result {
    for _ in 0..16 {
        KBox::leak(KBox::new([0u64; 32], GFP_KERNEL)?);
    }
    Ok(())
}

/// Allocates in a way that may sleep, with a spinlock held.
fn sleep_in_atomic() -> Result {
    let lock = KBox::pin_init(new_spinlock!(()), GFP_KERNEL)?;
    let _guard = lock.lock();
    KBox::new(0u32, GFP_KERNEL)?;
    Ok(())
}

/// Takes a lock that sleeps on PREEMPT_RT, where nothing sleeps.
fn lock_in_hard_irq() -> Result {
    let lock: Arc<SpinLock<()>> = Arc::pin_init(new_spinlock!(()), GFP_KERNEL)?;
    let pending = hard_irq::call_after(Delta::from_millis(1), move || {
        drop(lock.lock());
        None
    })?;
    fsleep(Delta::from_millis(100));
    drop(pending);
    Ok(())
}

/// Keeps its CPU from all others.
fn lock_up(length: Delta) -> Result {
    let lock = KBox::pin_init(new_spinlock!(()), GFP_KERNEL)?;
    let _guard = lock.lock();
    let start = Instant::<Monotonic>::now();
    while start.elapsed() < length {}
    Ok(())
}
