// SPDX-License-Identifier: GPL-2.0

//! Stands in for `kernel::sync::atomic`.

use loom::sync::atomic::{
    AtomicUsize,
    Ordering, //
};
use std::cell::Cell;

thread_local! {
    /// Whether the next atomics tell loom of each load as of a change: see `mailbox::model`.
    pub static LOADS_COUNT: Cell<bool> = const { Cell::new(false) };
}

pub struct Acquire;
pub struct Relaxed;
pub struct Release;

/// An ordering of the kernel in terms of the language.
pub trait Order {
    const ORDER: Ordering;
}

impl Order for Acquire {
    const ORDER: Ordering = Ordering::Acquire;
}

impl Order for Relaxed {
    const ORDER: Ordering = Ordering::Relaxed;
}

impl Order for Release {
    const ORDER: Ordering = Ordering::Release;
}

pub struct Atomic<T> {
    value: AtomicUsize,
    loads: Option<AtomicUsize>,
    _type: std::marker::PhantomData<T>,
}

impl Atomic<usize> {
    pub fn new(value: usize) -> Self {
        Self {
            value: AtomicUsize::new(value),
            loads: LOADS_COUNT.get().then(|| AtomicUsize::new(0)),
            _type: std::marker::PhantomData,
        }
    }

    #[track_caller]
    pub fn load<O: Order>(&self, _: O) -> usize {
        if let Some(loads) = &self.loads {
            loads.swap(0, Ordering::Relaxed);
        }
        self.value.load(O::ORDER)
    }

    #[track_caller]
    pub fn store<O: Order>(&self, value: usize, _: O) {
        self.value.store(value, O::ORDER);
    }

    #[track_caller]
    pub fn xchg<O: Order>(&self, value: usize, _: O) -> usize {
        self.value.swap(value, O::ORDER)
    }

    /// One that fails orders nothing.
    #[track_caller]
    pub fn cmpxchg<O: Order>(&self, old: usize, new: usize, _: O) -> Result<usize, usize> {
        self.value
            .compare_exchange(old, new, O::ORDER, Ordering::Relaxed)
    }

    #[track_caller]
    pub fn fetch_add<O: Order>(&self, value: usize, _: O) -> usize {
        self.value.fetch_add(value, O::ORDER)
    }
}
