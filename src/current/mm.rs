// SPDX-License-Identifier: GPL-2.0

//! Borrowing the address space of a process.

use super::Current;
use crate::bindings;
use kernel::{
    mm::{
        Mm,
        MmWithUser, //
    },
    sync::aref::ARef,
    task::might_sleep,
    types::NotThreadSafe, //
};

impl Current<'_> {
    /// Calls `body` in the address space of a process; returns what it does, or `None` if the
    /// process is gone, and its memory with it.
    ///
    /// In `body`, and only there, [`UserSlice`](kernel::uaccess::UserSlice) reads and writes the
    /// memory of that process. The memory stays for as long as that takes, even if the process
    /// ends. Within it there can be no second address space: `body` gets a shared reference to
    /// `self`.
    ///
    /// A thread that lives long keeps an `ARef<Mm>`, which does not keep the memory.
    ///
    /// # Context
    ///
    /// Sleeps. If the process has ended meanwhile, its memory is freed here. How long an access in
    /// `body` takes may be up to the process, which can serve its page faults itself; a stop of the
    /// thread waits for that.
    ///
    /// # Examples
    ///
    /// ```
    /// use kernel::{mm::Mm, sync::aref::ARef, uaccess::{UserPtr, UserSlice}};
    ///
    /// /// Starts a thread that counts in the memory of the calling process, at that address.
    /// fn count_for_caller(counter: usize) -> Result<kthread::Task<Result>> {
    ///     let mm: ARef<Mm> = current!().mm().map(|mm| ARef::from(&**mm)).ok_or(EINVAL)?;
    ///     kthread::run!("counter", move |mut cx| {
    ///         let mut count = 0u32;
    ///         while cx.sleep(kernel::time::Delta::from_millis(100)).is_ok() {
    ///             count += 1;
    ///             let written = cx.with_mm(&mm, |_cx| {
    ///                 let slice = UserSlice::new(UserPtr::from_addr(counter), size_of::<u32>());
    ///                 slice.writer().write(&count)
    ///             });
    ///             match written {
    ///                 Some(written) => written?,
    ///                 // The process has ended.
    ///                 None => break,
    ///             }
    ///         }
    ///         Ok(())
    ///     })
    /// }
    /// # Ok::<(), Error>(())
    /// ```
    #[doc(alias = "kthread_use_mm")]
    #[doc(alias = "kthread_unuse_mm")]
    #[doc(alias = "mmget_not_zero")]
    pub fn with_mm<R, F>(&mut self, mm: &Mm, body: F) -> Option<R>
    where
        F: FnOnce(&Self) -> R + Send,
        R: Send,
    {
        // `Send` keeps out, and in, what belongs to the task with the one address space or the
        // other, such as `CurrentTask`.
        let _borrowed = BorrowedMm::new(mm)?;
        Some(body(self))
    }
}

/// While it is there, the calling thread works in an address space.
///
/// # Invariants
///
/// It is the only one of its thread, which is a kthread.
///
/// A thread that oopses gives back a reference to the address space that it is in, as a process
/// does: so there has to be one for each thread, whatever keeps the memory besides.
struct BorrowedMm {
    mm: ARef<MmWithUser>,
    _not_send: NotThreadSafe,
}

impl BorrowedMm {
    /// The caller must be a thread of this crate, and own the only `Current` of it exclusively.
    #[inline(never)]
    fn new(mm: &Mm) -> Option<Self> {
        might_sleep();
        let mm = mm.mmget_not_zero()?;
        // SAFETY: The memory is there, as we own a reference; the thread is a kthread and, by the
        // contract of this function, in no other address space.
        unsafe { bindings::kthread_use_mm(mm.as_raw()) };
        // INVARIANT: As above.
        Some(Self {
            mm,
            _not_send: NotThreadSafe,
        })
    }
}

impl Drop for BorrowedMm {
    #[inline(never)]
    fn drop(&mut self) {
        // SAFETY: By the type invariant the thread is in this address space.
        unsafe { bindings::kthread_unuse_mm(self.mm.as_raw()) };
    }
}
