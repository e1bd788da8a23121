// SPDX-License-Identifier: GPL-2.0

//! Waiting for a condition, and waking those who do.

use crate::{
    bindings,
    lock_class::LockClass,
    raw_list::RawList,
    sleep::{
        after,
        Sleep,
        Slept, //
    },
};
use core::convert::Infallible;
use kernel::{
    prelude::*,
    sync::atomic::{
        ordering::{
            Acquire,
            Full,
            Relaxed, //
        },
        Atomic,
        AtomicFlag, //
    },
    task::{
        might_sleep,
        Task, //
    },
    time::Delta,
    types::Opaque, //
};

/// A queue of tasks, each of which waits for a condition of its own.
///
/// Threads of this crate wait by [`Current::wait`](crate::Current::wait) and its relatives, which a
/// request to stop ends; other tasks by the methods below. Whoever may have made a condition true
/// calls [`wake_all`](Self::wake_all) afterwards.
///
/// A wake-up is never lost: if it comes between the look at the condition and the sleep, the waiter
/// looks again. A condition may sleep, take locks and return a value; it is never called while the
/// waiter is in the queue. (One that wakes its own queue has itself called again at once.)
///
/// # Examples
///
/// ```
/// use kernel::sync::{atomic::{Atomic, Relaxed}, Arc};
/// use kthread::{new_wait_queue, WaitQueue};
///
/// #[pin_data]
/// struct Bell {
///     rings: Atomic<i32>,
///     #[pin]
///     queue: WaitQueue,
/// }
///
/// let bell = Arc::pin_init(
///     pin_init!(Bell {
///         rings: Atomic::new(0),
///         queue <- new_wait_queue!("bell"),
///     }),
///     GFP_KERNEL,
/// )?;
/// let sleeper = kthread::run!("sleeper", {
///     let bell = bell.clone();
///     move |cx| cx.wait(&bell.queue, || bell.rings.load(Relaxed) > 0)
/// })?;
/// bell.rings.store(1, Relaxed);
/// bell.queue.wake_all();
/// assert!(sleeper.join()? == kthread::Exit::Returned(Ok(())));
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "wait_queue_head")]
#[doc(alias = "swait_queue_head")]
#[pin_data]
pub struct WaitQueue {
    /// How often the queue was woken. Who is about to sleep looks whether it has changed.
    wakes: Atomic<usize>,
    /// Those who sleep: the exclusive ones come last.
    #[pin]
    sleepers: RawList,
}

/// An entry of the queue. It is on the stack of its task, and taken out by who wakes that, or by
/// itself if nobody did.
#[repr(C)]
struct Sleeper {
    links: Opaque<bindings::list_head>,
    task: *mut bindings::task_struct,
    exclusive: bool,
    freezable: bool,
    /// Whether it was the one that an exclusive wake-up went to. Changed under the lock only.
    picked: AtomicFlag,
}

impl Sleeper {
    /// Says whether the task is frozen. It must be in the queue.
    fn is_frozen(&self) -> bool {
        // SAFETY: The task is there. This is a word that C changes at any time.
        let state = unsafe { (&raw const (*self.task).__state).read_volatile() };
        state & bindings::TASK_FROZEN != 0
    }
}

/// Creates a [`WaitQueue`], with a lockdep class of its own and the name that lockdep knows it by.
///
/// # Examples
///
/// See [`WaitQueue`].
#[macro_export]
macro_rules! new_wait_queue {
    ($($name:literal)?) => {
        $crate::WaitQueue::new($crate::LockClass::new(
            ::kernel::optional_name!($($name)?),
            ::kernel::static_lock_class!(),
        ))
    };
}

/// What a condition returns: whether it holds, and maybe a value.
///
/// `bool` is for conditions without a value, `Option` for those with one, such as a resource that
/// was taken.
///
/// # Examples
///
/// See [`WaitQueue`].
pub trait Outcome {
    /// The value.
    type Value;

    /// The value, if the condition holds.
    fn into_value(self) -> Option<Self::Value>;
}

impl Outcome for bool {
    type Value = ();

    fn into_value(self) -> Option<()> {
        self.then_some(())
    }
}

impl<T> Outcome for Option<T> {
    type Value = T;

    fn into_value(self) -> Option<T> {
        self
    }
}

impl WaitQueue {
    /// Creates a queue. Use [`new_wait_queue!`](crate::new_wait_queue).
    #[doc(hidden)]
    pub fn new(class: LockClass) -> impl PinInit<Self> {
        pin_init!(Self {
            wakes: Atomic::new(0),
            sleepers <- RawList::new(class),
        })
    }

    /// Has all waiters look at their conditions.
    ///
    /// # Context
    ///
    /// Any but NMI. Does not sleep; takes raw spinlocks only.
    ///
    /// # Examples
    ///
    /// See [`WaitQueue`].
    #[doc(alias = "wake_up_all")]
    pub fn wake_all(&self) {
        self.wake(usize::MAX);
    }

    /// Has one of the exclusive waiters look at its condition, and all others.
    ///
    /// # Context
    ///
    /// That of [`wake_all`](Self::wake_all).
    ///
    /// # Examples
    ///
    /// See [`Current::wait_exclusive`](crate::Current::wait_exclusive).
    #[doc(alias = "wake_up")]
    pub fn wake_one(&self) {
        self.wake(1);
    }

    /// Wakes so many exclusive waiters, and all others.
    #[inline(never)]
    fn wake(&self, exclusive: usize) {
        // A full barrier orders the caller's change before this, and this before the look at the
        // queue: pairs with the one in `set_current_state()`, so that either the waiter sees the
        // number change or the waker sees the waiter.
        self.wakes.fetch_add(1, Full);
        if !self.sleepers.is_empty() {
            self.wake_sleepers(exclusive);
        }
    }

    /// Does so. A function of its own, as most often there is nobody.
    #[inline(never)]
    fn wake_sleepers(&self, mut exclusive: usize) {
        self.sleepers.locked(|list| {
            // SAFETY: The head is initialised, and the lock is held.
            let mut entry = unsafe { (*list).next };
            while entry != list && exclusive > 0 {
                // SAFETY: All entries are the first field of a sleeper, which is there for as long
                // as it is in the list.
                let sleeper = unsafe { &*entry.cast::<Sleeper>() };
                // SAFETY: As above.
                entry = unsafe { (*entry).next };
                // SAFETY: The task is there, as it does not go on while its entry is in the list.
                let woken = unsafe { bindings::wake_up_process(sleeper.task) } != 0;
                // One that is frozen will look when it is not, which may be too late for others.
                // Asked now, as one that was woken is not frozen before it has left the queue.
                let frozen = sleeper.freezable && sleeper.is_frozen();
                if woken && !frozen {
                    if sleeper.exclusive {
                        sleeper.picked.store(true, Relaxed);
                        exclusive -= 1;
                    }
                    // SAFETY: The entry is in the list, and the lock is held. The sleeper is not
                    // used any more after this.
                    unsafe { bindings::list_del_init_careful(sleeper.links.get()) };
                }
            }
        });
    }

    /// Waits for the condition, until `give_up` returns a reason not to.
    ///
    /// After a sleep that lasted until `sleep.until` the condition is looked at once more; then
    /// `None` is returned.
    pub(crate) fn wait_until<C: Outcome, E>(
        &self,
        sleep: &Sleep<'_>,
        mut condition: impl FnMut() -> C,
        mut give_up: impl FnMut() -> Result<(), E>,
    ) -> Result<Option<C::Value>, E> {
        might_sleep();
        let mut expired = false;
        loop {
            let seen = self.wakes.load(Acquire);
            // First of all, as the wake-up that ended the sleep may have gone to nobody else.
            if let Some(value) = condition().into_value() {
                return Ok(Some(value));
            }
            give_up()?;
            if expired {
                return Ok(None);
            }
            expired = self.sleep(seen, sleep);
        }
    }

    /// Sleeps until the queue is woken, unless it was since `seen`; returns whether the time is
    /// over.
    #[inline(never)]
    fn sleep(&self, seen: usize, sleep: &Sleep<'_>) -> bool {
        let sleeper = Sleeper {
            links: Opaque::uninit(),
            task: Task::current_raw(),
            exclusive: sleep.exclusive,
            freezable: sleep.is_freezable(),
            picked: AtomicFlag::new(false),
        };
        let links = sleeper.links.get();
        // SAFETY: The links are in no list, and the entry stays valid until it is taken out below:
        // what comes until then cannot oops. The head is initialised, and the lock is held.
        self.sleepers.locked(|list| unsafe {
            if sleep.exclusive {
                bindings::list_add_tail(links, list);
            } else {
                bindings::list_add(links, list);
            }
        });
        let slept = sleep.sleep(|| self.wakes.load(Acquire) != seen || sleep.is_asked());
        // SAFETY: The entry is initialised. Who takes it out does nothing with it afterwards.
        if !unsafe { bindings::list_empty_careful(links) } {
            // SAFETY: The entry is in the list, or was just taken out; the lock is held.
            self.sleepers
                .locked(|_| unsafe { bindings::list_del_init(links) });
        }
        if slept == Slept::NotAtAll && sleeper.picked.load(Relaxed) {
            // The wake-up went to a waiter that was awake because of another one.
            self.wake_one();
        }
        match slept {
            // One that always finds itself woken, as looking takes long, looks at the clock.
            Slept::NotAtAll => sleep.is_over(),
            Slept::UntilWoken => false,
            Slept::UntilTime => true,
        }
    }

    /// Waits until the condition holds, and returns its value.
    ///
    /// For tasks that are no threads of this crate.
    ///
    /// # Context
    ///
    /// Sleeps, uninterruptibly, so no spinlock may be held.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::sync::atomic::{Atomic, Relaxed};
    /// use kthread::new_wait_queue;
    ///
    /// let queue = KBox::pin_init(new_wait_queue!(), GFP_KERNEL)?;
    /// let ready = Atomic::new(0);
    /// kthread::scope(|s| -> Result {
    ///     let _task = kthread::builder!("setter")?.run_scoped(s, |_cx| {
    ///         ready.store(7, Relaxed);
    ///         queue.wake_all();
    ///     })?.join()?;
    ///     queue.wait(|| ready.load(Relaxed) == 7);
    ///     Ok(())
    /// })?;
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "wait_event")]
    pub fn wait<C: Outcome>(&self, mut condition: impl FnMut() -> C) -> C::Value {
        loop {
            let sleep = Sleep::new(bindings::TASK_UNINTERRUPTIBLE);
            if let Ok(Some(value)) = self.wait_until(&sleep, &mut condition, never) {
                return value;
            }
        }
    }

    /// Waits until the condition holds, but no longer than `limit`; returns its value if it does.
    ///
    /// For tasks that are no threads of this crate. The wait is at least as long as asked for, and
    /// up to 50 µs longer; a negative limit counts as zero.
    ///
    /// # Context
    ///
    /// Sleeps, uninterruptibly, so no spinlock may be held.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::time::Delta;
    /// use kthread::new_wait_queue;
    ///
    /// let queue = KBox::pin_init(new_wait_queue!(), GFP_KERNEL)?;
    /// assert!(queue.wait_timeout(Delta::from_millis(1), || false).is_none());
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "wait_event_timeout")]
    pub fn wait_timeout<C: Outcome>(
        &self,
        limit: Delta,
        condition: impl FnMut() -> C,
    ) -> Option<C::Value> {
        self.wait_until_time(after(limit), condition)
    }

    /// Waits until the condition holds, but no longer than until a time; returns its value if it
    /// does.
    pub(crate) fn wait_until_time<C: Outcome>(
        &self,
        until: i64,
        condition: impl FnMut() -> C,
    ) -> Option<C::Value> {
        let sleep = Sleep {
            until: Some(until),
            ..Sleep::new(bindings::TASK_UNINTERRUPTIBLE)
        };
        self.wait_until(&sleep, condition, never).unwrap_or(None)
    }

    /// Waits like [`wait`](Self::wait), as one of those of whom [`wake_one`](Self::wake_one) wakes
    /// one.
    ///
    /// # Context
    ///
    /// Sleeps, uninterruptibly, so no spinlock may be held.
    ///
    /// # Examples
    ///
    /// ```
    /// use kthread::new_wait_queue;
    ///
    /// let queue = KBox::pin_init(new_wait_queue!(), GFP_KERNEL)?;
    /// assert_eq!(queue.wait_exclusive(|| Some(7)), 7);
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "wait_event_exclusive_cmd")]
    pub fn wait_exclusive<C: Outcome>(&self, mut condition: impl FnMut() -> C) -> C::Value {
        loop {
            let mut sleep = Sleep::new(bindings::TASK_UNINTERRUPTIBLE);
            sleep.exclusive = true;
            if let Ok(Some(value)) = self.wait_until(&sleep, &mut condition, never) {
                return value;
            }
        }
    }

    /// Waits until the condition holds, and returns its value, or until there is a signal.
    ///
    /// For what a user-space process calls.
    ///
    /// # Context
    ///
    /// Sleeps, interruptibly, so no spinlock may be held.
    ///
    /// # Errors
    ///
    /// [`ERESTARTSYS`] if there is a signal for the calling task, and the condition does not hold.
    ///
    /// # Examples
    ///
    /// ```
    /// use kthread::new_wait_queue;
    ///
    /// let queue = KBox::pin_init(new_wait_queue!(), GFP_KERNEL)?;
    /// assert_eq!(queue.wait_interruptible(|| Some(7))?, 7);
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "wait_event_interruptible")]
    pub fn wait_interruptible<C: Outcome>(
        &self,
        mut condition: impl FnMut() -> C,
    ) -> Result<C::Value> {
        loop {
            let sleep = Sleep::new(bindings::TASK_INTERRUPTIBLE);
            if let Some(value) = self.wait_until(&sleep, &mut condition, no_signal)? {
                return Ok(value);
            }
        }
    }

    /// Waits like [`wait_interruptible`](Self::wait_interruptible), but no longer than `limit`;
    /// returns the condition's value if it holds.
    ///
    /// # Context
    ///
    /// Sleeps, interruptibly, so no spinlock may be held.
    ///
    /// # Errors
    ///
    /// Those of [`wait_interruptible`](Self::wait_interruptible).
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::time::Delta;
    /// use kthread::new_wait_queue;
    ///
    /// let queue = KBox::pin_init(new_wait_queue!(), GFP_KERNEL)?;
    /// let late = queue.wait_interruptible_timeout(Delta::from_millis(1), || false)?;
    /// assert!(late.is_none());
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "wait_event_interruptible_timeout")]
    pub fn wait_interruptible_timeout<C: Outcome>(
        &self,
        limit: Delta,
        condition: impl FnMut() -> C,
    ) -> Result<Option<C::Value>> {
        let sleep = Sleep {
            until: Some(after(limit)),
            ..Sleep::new(bindings::TASK_INTERRUPTIBLE)
        };
        self.wait_until(&sleep, condition, no_signal)
    }
}

/// A wait that a signal to the calling task ends.
fn no_signal() -> Result {
    if current!().signal_pending() {
        Err(ERESTARTSYS)
    } else {
        Ok(())
    }
}

/// A wait that nothing ends early.
fn never() -> Result<(), Infallible> {
    Ok(())
}
