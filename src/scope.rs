// SPDX-License-Identifier: GPL-2.0

//! Threads that borrow from the task that made them.

use crate::{
    crash::Section,
    registry, //
};
use core::marker::PhantomData;
use kernel::{
    prelude::*,
    sync::atomic::{
        AtomicFlag,
        Relaxed, //
    },
};

/// A scope for threads that borrow from outside of it.
///
/// Made by [`scope()`]; threads are made in it by [`Builder::run_scoped`].
///
/// # Examples
///
/// See [`scope()`].
///
/// [`Builder::run_scoped`]: crate::Builder::run_scoped
pub struct Scope<'scope, 'env: 'scope> {
    open: OpenScope,
    // Invariance keeps `'scope` from shrinking, and what the threads borrow with it.
    _scope: PhantomData<&'scope mut &'scope ()>,
    _env: PhantomData<&'env mut &'env ()>,
}

impl Scope<'_, '_> {
    /// What the scope's threads know it by.
    pub(crate) fn open(&self) -> &OpenScope {
        &self.open
    }
}

/// The part of a scope that does not depend on lifetimes.
pub(crate) struct OpenScope {
    /// Counts the threads of the scope that are in the registry.
    section: Section,
    /// Whether the scope takes no more threads.
    closed: AtomicFlag,
}

/// Calls `body` with a scope for threads that borrow, and joins all of them before it returns.
///
/// As everywhere, a thread is asked to stop and joined when its handle is dropped, and so on an
/// early `?`; [`Task::join`](crate::Task::join) waits for what it returns. A handle that was
/// forgotten makes no difference: its thread is stopped and joined when `body` returns.
///
/// # Context
///
/// Sleeps, for as long as the threads take to notice that they are asked to stop. If the calling
/// task oopses while the scope has threads, the kernel panics: they use memory that goes with the
/// task. In a KUnit case, assert outside of the scope: a failed assertion ends the task in the same
/// way, unseen.
///
/// # Examples
///
/// ```
/// use kthread::Exit;
///
/// let numbers = [1, 2, 3, 4];
/// let sum = kthread::scope(|s| -> Result<i32> {
///     let (low, high) = numbers.split_at(2);
///     let low = kthread::builder!("low")?.run_scoped(s, |_cx| low.iter().sum::<i32>())?;
///     let high = kthread::builder!("high")?.run_scoped(s, |_cx| high.iter().sum::<i32>())?;
///     match (low.join()?, high.join()?) {
///         (Exit::Returned(low), Exit::Returned(high)) => Ok(low + high),
///         _ => Err(EIO),
///     }
/// })?;
/// assert_eq!(sum, 10);
/// # Ok::<(), Error>(())
/// ```
pub fn scope<'env, F, R>(body: F) -> R
where
    F: for<'scope> FnOnce(&'scope Scope<'scope, 'env>) -> R,
{
    let scope = Scope {
        open: OpenScope {
            section: Section::new(c"a task oopsed in a scope whose threads use its stack", 0),
            closed: AtomicFlag::new(false),
        },
        _scope: PhantomData,
        _env: PhantomData,
    };
    scope.open.section.enter();
    let result = body(&scope);
    registry::join_scope(&scope.open);
    scope.open.section.leave();
    result
}

impl OpenScope {
    /// Counts a thread in, or out. The registry's lock must be held.
    ///
    /// # Errors
    ///
    /// [`ENODEV`] if the scope is closed.
    pub(crate) fn count(&self, change: i32) -> Result {
        if change > 0 && self.closed.load(Relaxed) {
            return Err(ENODEV);
        }
        self.section.lend(change);
        Ok(())
    }

    /// Takes no more threads from now on.
    pub(crate) fn close(&self) {
        self.closed.store(true, Relaxed);
    }
}
