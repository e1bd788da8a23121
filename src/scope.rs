// SPDX-License-Identifier: GPL-2.0

//! Threads that borrow from the task that made them.

use crate::{
    registry,
    stack::KeptStack, //
};
use core::marker::PhantomData;

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
    // Invariance keeps `'scope` from shrinking, and what the threads borrow with it.
    _scope: PhantomData<&'scope mut &'scope ()>,
    _env: PhantomData<&'env mut &'env ()>,
    // The address has to be the scope's own.
    _not_zero_sized: u8,
}

impl Scope<'_, '_> {
    /// What the registry knows the scope by.
    pub(crate) fn address(&self) -> usize {
        core::ptr::from_ref(self).addr()
    }
}

/// Calls `body` with a scope for threads that borrow, and joins all of them before it returns.
///
/// As everywhere, a thread is asked to stop and joined when its handle is dropped, and so on an
/// early `?`; [`Task::join`](crate::Task::join) waits for what it returns. A handle that was
/// forgotten makes no difference: its thread is stopped and joined when `body` returns.
///
/// # Context
///
/// Sleeps, for as long as the threads take to notice that they are asked to stop.
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
    // What the threads borrow is on this stack. If `body` oopses, nobody joins them.
    let _stack = KeptStack::of_current();
    let scope = Scope {
        _scope: PhantomData,
        _env: PhantomData,
        _not_zero_sized: 0,
    };
    let result = body(&scope);
    registry::join_scope(scope.address());
    result
}
