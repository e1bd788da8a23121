// SPDX-License-Identifier: GPL-2.0

//! Stacks that outlive a crash.

use crate::bindings;
use kernel::{
    task::Task,
    types::NotThreadSafe, //
};

/// Keeps the stack of the calling task from being freed when the task oopses.
///
/// An oops ends a task without running its destructors, and its stack is freed: what it lent to
/// others, as an entry in a list or a borrow in another thread, would dangle. Under this guard
/// stack and `task_struct` are left behind instead.
pub(crate) struct KeptStack(NotThreadSafe);

impl KeptStack {
    #[inline(never)]
    pub(crate) fn of_current() -> Self {
        // SAFETY: The current task has a stack.
        unsafe { bindings::keep_stack(Task::current_raw()) };
        Self(NotThreadSafe)
    }
}

impl Drop for KeptStack {
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: `of_current` kept the stack of this task, as the guard cannot be sent to another.
        unsafe { bindings::unkeep_stack(Task::current_raw()) };
    }
}
