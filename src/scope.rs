// SPDX-License-Identifier: GPL-2.0

//! Threads that borrow from the task that made them.

use crate::{
    bindings,
    raw_list::RawList,
    registry, //
};
use core::marker::PhantomData;
use kernel::{
    prelude::*,
    sync::atomic::{
        Atomic,
        AtomicFlag,
        Relaxed, //
    },
    task::Task,
    types::Opaque, //
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

/// The part of a scope that does not depend on lifetimes. It is on the stack of its task.
#[repr(C)]
pub(crate) struct OpenScope {
    links: Opaque<bindings::list_head>,
    task: *mut bindings::task_struct,
    /// How many threads of the scope are in the registry. Changed under the registry's lock only.
    threads: Atomic<i32>,
    /// Whether the scope takes no more threads.
    closed: AtomicFlag,
}

// SAFETY: `links` is changed under the list's lock only, `task` does not change.
unsafe impl Sync for OpenScope {}

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
/// task.
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
            links: Opaque::uninit(),
            task: Task::current_raw(),
            threads: Atomic::new(0),
            closed: AtomicFlag::new(false),
        },
        _scope: PhantomData,
        _env: PhantomData,
    };
    scope.open.enter();
    let result = body(&scope);
    scope.open.leave();
    result
}

/// All open scopes.
struct Scopes(Opaque<RawList>);

// SAFETY: The list has a lock.
unsafe impl Sync for Scopes {}

static SCOPES: Scopes = Scopes(Opaque::uninit());

/// Prepares the list of scopes.
///
/// # Safety
///
/// Must be called exactly once, before anything else of this file.
pub(crate) unsafe fn init() {
    // SAFETY: The static is valid for writes, not moved, and by the safety requirements not in use.
    unsafe { ::pin_init::raw_init(SCOPES.0.get(), RawList::new()) };
}

fn scopes() -> &'static RawList {
    // SAFETY: `init` was called when the crate was loaded.
    unsafe { &*SCOPES.0.get() }
}

impl OpenScope {
    #[inline(never)]
    fn enter(&self) {
        // SAFETY: The entry is in no list, and stays valid until `leave` or `crash` takes it out.
        // The head is initialised, and the lock is held.
        scopes().locked(|list| unsafe { bindings::list_add_tail(self.links.get(), list) });
    }

    /// Counts a thread in, or out. The registry's lock must be held.
    ///
    /// # Errors
    ///
    /// [`ENODEV`] if the scope is closed.
    pub(crate) fn count(&self, change: i32) -> Result {
        if change > 0 && self.closed.load(Relaxed) {
            return Err(ENODEV);
        }
        self.threads.fetch_add(change, Relaxed);
        Ok(())
    }

    /// Takes no more threads from now on.
    pub(crate) fn close(&self) {
        self.closed.store(true, Relaxed);
    }

    #[inline(never)]
    fn leave(&self) {
        registry::join_scope(self);
        // SAFETY: `enter` put the entry into the list, and the lock is held.
        scopes().locked(|_| unsafe { bindings::list_del_init(self.links.get()) });
    }
}

/// Takes out the scopes of the calling task, which oopses.
///
/// Their threads borrow from its stack, and nothing can keep them from it in time.
pub(crate) fn crash() {
    let lent = scopes().locked(|list| {
        // SAFETY: The head is initialised, and the lock is held.
        let mut entry = unsafe { (*list).next };
        while entry != list {
            // SAFETY: All entries are the first field of a scope that is open.
            let scope = unsafe { &*entry.cast::<OpenScope>() };
            // SAFETY: As above.
            entry = unsafe { (*entry).next };
            if core::ptr::eq(scope.task, Task::current_raw()) {
                if scope.threads.load(Relaxed) > 0 {
                    return true;
                }
                // SAFETY: The entry is in the list, and the lock is held.
                unsafe { bindings::list_del_init(scope.links.get()) };
            }
        }
        false
    });
    if lent {
        // SAFETY: The message is a string without conversions.
        unsafe {
            bindings::panic(
                c"a task oopsed in a kthread::scope, whose threads use its stack".as_char_ptr(),
            )
        };
    }
}
