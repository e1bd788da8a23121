// SPDX-License-Identifier: GPL-2.0

//! A bounded ring with many producers and one consumer, without a lock.
//!
//! A producer claims a position by moving `tail` on, writes its value into the slot there, and
//! publishes it by exchanging the slot's state. The consumer takes the value of the slot at `head`
//! and moves `head` on. If there is none it leaves a note in the state of that very slot, which the
//! producer of the value finds when it publishes: that one has to wake the consumer, and no other.
//!
//! Only atomics and `Opaque` are used of the kernel, because `tests/loom` compiles this file too.
//!
//! # Positions and states
//!
//! Positions are even and wrap around; the lowest bit of `tail` says that the ring is closed. The
//! state of the slot that position `p` belongs to is
//!
//! - `p + 1`: it holds the value of `p`,
//! - `p + 2`: it is empty, and the consumer waits for the value of `p`,
//! - anything else, left from the lap before: it is empty.
//!
//! Neither of the first two is what a lap before leaves, which is at most `p - 1`, also if a lap is
//! one position long. (A producer would take one position for another if `tail` wrapped around
//! completely between two steps of its, which takes `usize::MAX / 2` values.)
//!
//! # Ordering
//!
//! 1. *A value is whole when it is taken.* The producer writes it before it exchanges the state
//!    (`Release`); the consumer reads the state (`Acquire`) before the value.
//! 2. *A value is not overwritten.* The consumer reads it before it moves `head` on (`Release`); a
//!    producer reads `head` (`Acquire`) before it writes, and writes at `p` only if it saw `head`
//!    beyond `p` less a lap.
//! 3. *A value is refused only if the ring was full.* A producer reads `tail` first (`Acquire`),
//!    and so a `head` at least as new as what those producers saw that moved `tail` up to there
//!    (`Release`). If `tail` is old the difference may be negative; then the claim fails, and the
//!    producer looks again.
//! 4. *Who waits is woken.* Note and publication are read-modify-write operations on one word, so
//!    one of them comes first. If it is the publication, the consumer cannot leave its note, and
//!    there is a value. If it is the note, the exchange returns it. This needs no barrier. A value
//!    further on, of a producer that was faster, does not matter: the consumer cannot take it yet.
//! 5. *Closing is exact.* The bit is in the word that a claim replaces, so no position is claimed
//!    after it was set; what was claimed before is what setting it returns.
//! 6. *The role of the consumer is handed on whole.* It is given back with `Release` and taken with
//!    `Acquire`, so the next one sees `head` as the last one left it.
//!
//! Between claim and publication a producer moves a value and nothing else: no code of a user is
//! called that could panic or sleep there, and so each claimed position is published.

use core::marker::PhantomData;
use kernel::{
    sync::atomic::{
        Acquire,
        Atomic,
        Relaxed,
        Release, //
    },
    types::Opaque, //
};

/// What positions count in.
const STEP: usize = 2;

/// The bit in `tail` that says that the ring is closed.
const CLOSED: usize = 1;

/// Why a value was not accepted, and the value.
///
/// # Examples
///
/// See [`Mailbox::send`](crate::Mailbox::send).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError<T> {
    /// There is no room.
    Full(T),
    /// Nothing is accepted any more.
    Closed(T),
}

impl<T> SendError<T> {
    /// The value.
    ///
    /// # Examples
    ///
    /// See [`Mailbox::send`](crate::Mailbox::send).
    pub fn into_inner(self) -> T {
        match self {
            Self::Full(value) | Self::Closed(value) => value,
        }
    }
}

struct Slot<T> {
    state: Atomic<usize>,
    value: Opaque<T>,
}

/// See the [module](self).
///
/// # Invariants
///
/// Those slots of the positions from `head` to `tail` hold a value whose state says so; no other.
pub(crate) struct Ring<T, const N: usize> {
    /// The next position to be claimed.
    tail: Atomic<usize>,
    /// The next position to be taken. Changed by the consumer only.
    head: Atomic<usize>,
    /// How many consumers there are: none or one.
    consumers: Atomic<usize>,
    slots: [Slot<T>; N],
}

// SAFETY: A value is moved in by one task and moved out by another, and never shared.
unsafe impl<T: Send, const N: usize> Sync for Ring<T, N> {}

impl<T, const N: usize> Ring<T, N> {
    /// The first position. Positions soon wrap around, so that tests see it. It is more than a lap
    /// before zero, which is the state that the slots begin with.
    const FIRST: usize = (2 * Self::LAP).wrapping_neg();

    /// So many positions later it is the turn of the same slot again.
    const LAP: usize = {
        assert!(
            N.is_power_of_two(),
            "the capacity of a mailbox must be a power of two"
        );
        STEP * N
    };

    /// Initialises an empty ring in place.
    ///
    /// # Safety
    ///
    /// `ring` must be valid for writes.
    pub(crate) unsafe fn init(ring: *mut Self) {
        // INVARIANT: From `head` to `tail` there is nothing.
        //
        // SAFETY: By the safety requirement.
        unsafe {
            (&raw mut (*ring).tail).write(Atomic::new(Self::FIRST));
            (&raw mut (*ring).head).write(Atomic::new(Self::FIRST));
            (&raw mut (*ring).consumers).write(Atomic::new(0));
        }
        for index in 0..N {
            // SAFETY: By the safety requirement; the index is below `N`.
            unsafe {
                let slot = (&raw mut (*ring).slots).cast::<Slot<T>>().add(index);
                (&raw mut (*slot).state).write(Atomic::new(0));
                (&raw mut (*slot).value).write(Opaque::uninit());
            }
        }
    }

    /// Adds a value, unless the ring is full or closed; says whether the consumer waits for just
    /// this one and has to be woken.
    #[inline]
    pub(crate) fn push(&self, value: T) -> Result<bool, SendError<T>> {
        let position = loop {
            let tail = self.tail.load(Acquire);
            if tail & CLOSED != 0 {
                return Err(SendError::Closed(value));
            }
            let taken = tail.wrapping_sub(self.head.load(Acquire));
            // CAST: A difference of positions that are close to each other.
            if taken as isize >= Self::LAP as isize {
                return Err(SendError::Full(value));
            }
            let next = tail.wrapping_add(STEP);
            if self.tail.cmpxchg(tail, next, Release).is_ok() {
                break tail;
            }
        };
        let slot = self.slot(position);
        // SAFETY: The position is this producer's. The consumer has taken what was in the slot, and
        // does not look at it again until the state says so.
        unsafe { slot.value.get().write(value) };
        // INVARIANT: The slot holds a value now.
        let state = slot.state.xchg(full(position), Release);
        Ok(state == awaited(position))
    }

    /// The one consumer, if there is none yet.
    pub(crate) fn consumer(&self) -> Option<Consumer<'_, T, N>> {
        let alone = self.consumers.cmpxchg(0, 1, Acquire).is_ok();
        alone.then_some(Consumer { ring: self })
    }

    /// Says whether the ring is closed.
    pub(crate) fn is_closed(&self) -> bool {
        self.tail.load(Relaxed) & CLOSED != 0
    }

    /// Takes the next value, if it is there.
    ///
    /// # Safety
    ///
    /// The caller must be the only one who takes, and `head` the ring's.
    #[inline]
    unsafe fn pop(&self, head: usize) -> Option<T> {
        let slot = self.slot(head);
        if slot.state.load(Acquire) != full(head) {
            return None;
        }
        // SAFETY: By the type invariant there is a value, and by the safety requirement nobody else
        // takes it.
        let value = unsafe { slot.value.get().read() };
        // INVARIANT: The slot, which holds nothing now, is not between `head` and `tail` any more.
        self.head.store(head.wrapping_add(STEP), Release);
        Some(value)
    }

    #[inline]
    fn slot(&self, position: usize) -> &Slot<T> {
        &self.slots[position / STEP % N]
    }
}

impl<T, const N: usize> Drop for Ring<T, N> {
    fn drop(&mut self) {
        // SAFETY: The reference is exclusive.
        while let Some(value) = unsafe { self.pop(self.head.load(Relaxed)) } {
            drop(value);
        }
    }
}

/// The state of a slot that holds the value of `position`.
#[inline]
fn full(position: usize) -> usize {
    position.wrapping_add(1)
}

/// The state of a slot without a value, while the consumer waits for that of `position`.
#[inline]
fn awaited(position: usize) -> usize {
    position.wrapping_add(2)
}

/// The right to take values out of a ring.
///
/// # Invariants
///
/// There is only one for each ring.
pub(crate) struct Consumer<'a, T, const N: usize> {
    ring: &'a Ring<T, N>,
}

impl<T, const N: usize> Consumer<'_, T, N> {
    /// Takes the next value, if it is there.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<T> {
        // SAFETY: By the type invariant, and this is borrowed exclusively.
        unsafe { self.ring.pop(self.ring.head.load(Relaxed)) }
    }

    /// Says whether the next value is there. If not, whoever adds it is told to wake the consumer.
    pub(crate) fn has_next(&mut self) -> bool {
        let head = self.ring.head.load(Relaxed);
        let state = &self.ring.slot(head).state;
        let seen = state.load(Relaxed);
        if seen == full(head) {
            return true;
        }
        // This fails only if the value has come in between.
        seen != awaited(head) && state.cmpxchg(seen, awaited(head), Relaxed).is_err()
    }

    /// What is there now, and at most what the ring can hold.
    pub(crate) fn batch(&mut self) -> Batch<'_, T, N> {
        let head = self.ring.head.load(Relaxed);
        // INVARIANT: The consumer is borrowed for as long.
        Batch {
            ring: self.ring,
            head,
            end: head.wrapping_add(Ring::<T, N>::LAP),
            _consumer: PhantomData,
        }
    }

    /// Closes the ring, which must be open, and returns the position behind the last value.
    pub(crate) fn close(&mut self) -> usize {
        self.ring.tail.fetch_add(CLOSED, Relaxed)
    }

    /// Says whether all values before that position were taken.
    pub(crate) fn is_at(&self, end: usize) -> bool {
        self.ring.head.load(Relaxed) == end
    }
}

impl<T, const N: usize> Drop for Consumer<'_, T, N> {
    fn drop(&mut self) {
        self.ring.consumers.store(0, Release);
    }
}

/// The values that are in a mailbox, the oldest first: an iterator.
///
/// It gives what is there when it is asked for it, but no more values than the mailbox can hold, so
/// that it ends though more are sent meanwhile. What is not taken from it stays in the mailbox.
///
/// # Invariants
///
/// Nobody else takes values while this is there, and `head` is the ring's.
///
/// # Examples
///
/// See [`Receiver::batch`](crate::Receiver::batch).
#[must_use = "what is not taken from it stays in the mailbox"]
pub struct Batch<'a, T, const N: usize> {
    ring: &'a Ring<T, N>,
    head: usize,
    end: usize,
    _consumer: PhantomData<&'a mut Consumer<'a, T, N>>,
}

impl<T, const N: usize> Iterator for Batch<'_, T, N> {
    type Item = T;

    #[inline]
    fn next(&mut self) -> Option<T> {
        if self.head == self.end {
            return None;
        }
        // SAFETY: By the type invariant.
        let value = unsafe { self.ring.pop(self.head) }?;
        // INVARIANT: The ring's was moved on, too.
        self.head = self.head.wrapping_add(STEP);
        Some(value)
    }
}
