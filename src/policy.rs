// SPDX-License-Identifier: GPL-2.0

//! How a thread is scheduled.

use crate::bindings;
use kernel::{
    error::to_result,
    prelude::*,
    task::{
        might_sleep,
        Task, //
    },
};

/// A nice value, from -20 (favoured) to 19.
///
/// # Examples
///
/// ```
/// use kthread::Nice;
///
/// assert!(Nice::new(19).is_ok());
/// assert_eq!(Nice::new(20), Err(EINVAL));
/// # Ok::<(), Error>(())
/// ```
///
/// # Invariants
///
/// The value is in the range above: the scheduler uses it as an index, unchecked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nice(i32);

impl Nice {
    /// Neither favoured nor disfavoured: 0.
    pub const DEFAULT: Self = Self(0);

    /// Checks a value.
    ///
    /// # Errors
    ///
    /// [`EINVAL`] if it is out of range.
    ///
    /// # Examples
    ///
    /// See [`Nice`].
    pub const fn new(value: i32) -> Result<Self> {
        if value < -20 || value > 19 {
            return Err(EINVAL);
        }
        // INVARIANT: Checked above.
        Ok(Self(value))
    }
}

/// A scheduling policy.
///
/// # Examples
///
/// ```
/// use kthread::Policy;
///
/// let task = kthread::builder!("urgent")?.policy(Policy::Fifo).run(|_cx| ())?;
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Shares the CPU with other normal tasks.
    Normal(Nice),
    /// Real-time, at the middle priority: runs before all normal tasks, until it sleeps. Which of
    /// two real-time threads is the more urgent is for the administrator to say.
    Fifo,
    /// Real-time, at the lowest priority: for those that just want to run before normal tasks.
    FifoLow,
}

impl Policy {
    /// Puts the policy in force.
    pub(crate) fn apply(self, task: &Task) -> Result {
        might_sleep();
        let (policy, nice, priority) = match self {
            Self::Normal(nice) => (bindings::SCHED_NORMAL, nice.0, 0),
            Self::Fifo => (bindings::SCHED_FIFO, 0, bindings::MAX_RT_PRIO / 2),
            Self::FifoLow => (bindings::SCHED_FIFO, 0, 1),
        };
        // SAFETY: The task is valid, and by the type invariant of `Nice` so is its value.
        to_result(unsafe { bindings::sched_set(task.as_ptr(), policy, nice, priority) })
    }
}
