// SPDX-License-Identifier: GPL-2.0

//! The kinds of wait, and what they wait for.

use kernel::{
    new_mutex, new_spinlock,
    prelude::*,
    sync::{
        atomic::{
            Atomic,
            AtomicFlag,
            Full,
            Relaxed, //
        },
        Mutex,
        SpinLock, //
    },
    time::{
        delay::udelay,
        Delta,
        Instant, //
    },
};
use kthread::{
    new_event,
    new_wait_queue,
    Current,
    Event,
    Interrupted,
    Stopped,
    WaitQueue, //
};

/// A kind of wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Sleep,
    SleepUntil,
    Every,
    Wait,
    WaitExclusive,
    WaitTimeout,
    WaitLockedMutex,
    WaitLockedSpinLock,
    WaitEvent,
    WaitEventTimeout,
    SleepInterruptible,
    WaitInterruptible,
    WaitInterruptibleTimeout,
    ParkPoint,
    Plain,
    PlainTimeout,
    PlainInterruptible,
}

/// What ended a wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// It came to be what was waited for.
    Reached,
    /// The time was over.
    Expired,
    /// The thread was asked to stop.
    Stopped,
    /// There was a signal.
    Signalled,
}

impl From<Interrupted> for End {
    fn from(reason: Interrupted) -> Self {
        match reason {
            Interrupted::Stopped => Self::Stopped,
            Interrupted::Signal(_) => Self::Signalled,
        }
    }
}

impl Kind {
    pub(super) const ALL: [Self; 17] = [
        Self::Sleep,
        Self::SleepUntil,
        Self::Every,
        Self::Wait,
        Self::WaitExclusive,
        Self::WaitTimeout,
        Self::WaitLockedMutex,
        Self::WaitLockedSpinLock,
        Self::WaitEvent,
        Self::WaitEventTimeout,
        Self::SleepInterruptible,
        Self::WaitInterruptible,
        Self::WaitInterruptibleTimeout,
        Self::ParkPoint,
        Self::Plain,
        Self::PlainTimeout,
        Self::PlainInterruptible,
    ];

    /// Whether there is nothing that it waits for but the time.
    pub(super) fn is_sleep(self) -> bool {
        matches!(
            self,
            Self::Sleep | Self::SleepUntil | Self::Every | Self::SleepInterruptible
        )
    }

    /// Whether it ends after a while.
    pub(super) fn has_limit(self) -> bool {
        self.is_sleep()
            || matches!(
                self,
                Self::WaitTimeout
                    | Self::WaitEventTimeout
                    | Self::WaitInterruptibleTimeout
                    | Self::PlainTimeout
            )
    }

    /// Whether it is for tasks that are no threads of the crate: neither stopped nor parked.
    pub(super) fn is_plain(self) -> bool {
        matches!(
            self,
            Self::Plain | Self::PlainTimeout | Self::PlainInterruptible
        )
    }

    /// Whether a signal ends it.
    pub(super) fn is_interruptible(self) -> bool {
        matches!(
            self,
            Self::SleepInterruptible
                | Self::WaitInterruptible
                | Self::WaitInterruptibleTimeout
                | Self::PlainInterruptible
        )
    }

    /// Whether a lock has to be taken which is not for interrupts.
    pub(super) fn takes_lock(self) -> bool {
        matches!(self, Self::WaitLockedMutex | Self::WaitLockedSpinLock)
    }
}

/// What a thread waits for, in one round after the other.
#[pin_data]
pub(super) struct Goal {
    #[pin]
    queue: WaitQueue,
    #[pin]
    event: Event,
    #[pin]
    mutex: Mutex<bool>,
    #[pin]
    spinlock: SpinLock<bool>,
    reached: AtomicFlag,
    looks: Atomic<u32>,
}

impl Goal {
    pub(super) fn new() -> impl PinInit<Self> {
        pin_init!(Self {
            queue <- new_wait_queue!(),
            event <- new_event!(),
            mutex <- new_mutex!(false),
            spinlock <- new_spinlock!(false),
            reached: AtomicFlag::new(false),
            looks: Atomic::new(0),
        })
    }

    /// Begins a new round, when nobody waits.
    pub(super) fn reset(&self) {
        self.event.take();
        *self.mutex.lock() = false;
        *self.spinlock.lock() = false;
        self.reached.store(false, Relaxed);
        self.looks.store(0, Relaxed);
    }

    /// Whether it was reached in this round.
    pub(super) fn is_reached(&self) -> bool {
        self.reached.load(Relaxed)
    }

    /// How often a waiter has looked in this round.
    pub(super) fn looks(&self) -> u32 {
        self.looks.load(Relaxed)
    }

    /// Makes it come about, and wakes who waits for it. From any context, unless that kind of wait
    /// takes a lock.
    pub(super) fn reach(&self, kind: Kind, wake_all: bool) {
        self.reached.store(true, Relaxed);
        match kind {
            Kind::WaitEvent | Kind::WaitEventTimeout => return self.event.raise(),
            Kind::WaitLockedMutex => *self.mutex.lock() = true,
            Kind::WaitLockedSpinLock => *self.spinlock.lock() = true,
            _ => {}
        }
        if wake_all {
            self.queue.wake_all();
        } else {
            self.queue.wake_one();
        }
    }

    /// Waits for it. A look at it takes as long as `look` says, after which it may be out of date.
    pub(super) fn wait(&self, cx: &Current<'_>, kind: Kind, limit: Delta, look: Delta) -> End {
        let seen = |reached: bool| {
            self.looks.fetch_add(1, Full);
            if !reached && look > Delta::ZERO {
                udelay(look);
            }
            reached
        };
        let looks = || seen(self.is_reached());
        match kind {
            Kind::Sleep => cx.sleep(limit).map(|()| End::Expired),
            Kind::SleepUntil => cx
                .sleep_until(Instant::now() + limit)
                .map(|()| End::Expired),
            Kind::Every => cx.every(limit).wait(cx).map(|_| End::Expired),
            Kind::Wait => cx.wait(&self.queue, looks).map(|()| End::Reached),
            Kind::WaitExclusive => cx.wait_exclusive(&self.queue, looks).map(|()| End::Reached),
            Kind::WaitTimeout => cx.wait_timeout(&self.queue, limit, looks).map(if_some),
            Kind::WaitLockedMutex => cx
                .wait_locked(&self.queue, self.mutex.lock(), |reached| seen(*reached))
                .map(|_guard| End::Reached),
            Kind::WaitLockedSpinLock => cx
                .wait_locked(&self.queue, self.spinlock.lock(), |reached| seen(*reached))
                .map(|_guard| End::Reached),
            Kind::WaitEvent => cx.wait_event(&self.event).map(|()| End::Reached),
            Kind::WaitEventTimeout => cx
                .wait_event_timeout(&self.event, limit)
                .map(|raised| if_some(raised.then_some(()))),
            Kind::SleepInterruptible => {
                return cx
                    .sleep_interruptible(limit)
                    .map_or_else(End::from, |()| End::Expired)
            }
            Kind::WaitInterruptible => {
                return cx
                    .wait_interruptible(&self.queue, looks)
                    .map_or_else(End::from, |()| End::Reached)
            }
            Kind::WaitInterruptibleTimeout => {
                return cx
                    .wait_interruptible_timeout(&self.queue, limit, looks)
                    .map_or_else(End::from, if_some)
            }
            Kind::ParkPoint => self.spin(cx),
            Kind::Plain => {
                self.queue.wait(looks);
                Ok(End::Reached)
            }
            Kind::PlainTimeout => Ok(if_some(self.queue.wait_timeout(limit, looks))),
            Kind::PlainInterruptible => Ok(match self.queue.wait_interruptible(looks) {
                Ok(()) => End::Reached,
                Err(_) => {
                    cx.dequeue_signal();
                    End::Signalled
                }
            }),
        }
        .unwrap_or(End::Stopped)
    }

    /// Is busy until it comes about, and parks when asked to.
    fn spin(&self, cx: &Current<'_>) -> Result<End, Stopped> {
        while !self.is_reached() {
            if cx.should_stop() {
                return Err(Stopped);
            }
            cx.park_point();
            core::hint::spin_loop();
        }
        Ok(End::Reached)
    }
}

fn if_some(value: Option<()>) -> End {
    value.map_or(End::Expired, |()| End::Reached)
}
