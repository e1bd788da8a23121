// SPDX-License-Identifier: GPL-2.0

//! Does one kind of mischief, chosen by a module parameter, when it is loaded.
//!
//! `make test` loads it to prove that it sees what it is there to see. The cases are
//! in `scripts/harness.py`.

use kernel::{
    prelude::*,
    sync::new_spinlock,
    time::{
        delay::fsleep,
        Delta, //
    },
};

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
            description: "0 none, 1 fail to load, 2 WARN, 3 oops, 4 hang, 5 leak, 6 atomic sleep",
        },
        seconds: i64 {
            default: 1800,
            description: "How long to hang",
        },
    },
}

struct Mischief;

impl kernel::Module for Mischief {
    fn init(_module: &'static ThisModule) -> Result<Self> {
        match parameter::value(&module_parameters::mischief) {
            0 => (),
            1 => return Err(ENODEV),
            2 => _ = kernel::warn_on!(true),
            3 => oops(),
            4 => fsleep(Delta::from_secs(parameter::value(
                &module_parameters::seconds,
            ))),
            5 => leak()?,
            6 => sleep_in_atomic()?,
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
