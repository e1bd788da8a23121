// SPDX-License-Identifier: GPL-2.0

//! The block of memory that a thread and its owner share.
//!
//! A [`Packet`] holds the closure, a place for its result, and a [`Header`] that does not depend on
//! their types. All but the thin generic shell in this file works on the header.
//!
//! # Who drops what
//!
//! The [`Phase`] says what the packet holds. While a thread may run, only the thread changes it:
//! `Idle` to `Running` as it takes the closure out, `Running` to `Returned` as it puts the result
//! in. When the thread is gone, the one task that joined it drops a closure that is still there
//! (`Idle` to `NeverRan`), before it lets go of the registry, and thus while the module that the
//! closure's code belongs to is still mapped. The result is moved out by the owner of the handle
//! (`Returned` to `Taken`); when the registry joins, because the module leaves, it drops the result
//! at the same point. A thread whose handle is gone drops both itself.
//!
//! The memory itself holds nothing of the module when the last reference goes, and is freed
//! without its help.

use crate::{
    builder::Plan,
    current::Current,
    scope::OpenScope, //
};
use core::{
    alloc::Layout,
    cell::UnsafeCell,
    mem::MaybeUninit,
    ptr::NonNull, //
};
use kernel::{
    prelude::*,
    sync::aref::ARef, //
};

mod body;
mod create;
mod disown;
pub(crate) mod flags;
mod freeze;
mod header;
mod hooks;
mod join;
mod observe;
mod park;
mod schedule;
mod signals;
mod stop;

use self::header::Vtable;
pub(crate) use self::{
    header::{
        Header,
        Phase, //
    },
    join::is_dead, //
};

/// The part of a packet that the owner of a handle knows the type of.
#[repr(C)]
pub(crate) struct Shared<T> {
    header: Header,
    result: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Shared<T> {
    /// Moves the result out of a packet.
    ///
    /// # Safety
    ///
    /// `header` must be in a packet with a result of type `T`, which the caller has claimed.
    pub(crate) unsafe fn read_result(header: &Header) -> T {
        // SAFETY: By the invariant of `Header` the block is a packet, which begins with `Self`.
        let result = unsafe { &raw const (*header.block.cast::<Self>().as_ptr()).result };
        // SAFETY: By the safety requirements the result is there and ours; it is read once.
        unsafe { (*UnsafeCell::raw_get(result)).assume_init_read() }
    }
}

/// One thread's closure, the place for its result, and their header.
#[repr(C)]
pub(crate) struct Packet<F, T> {
    shared: Shared<T>,
    closure: UnsafeCell<MaybeUninit<F>>,
}

impl<F, T> Packet<F, T>
where
    F: FnOnce(Current<'_>) -> T + Send,
    T: Send,
{
    /// Allocates a packet for `closure`, with these flags set.
    ///
    /// # Safety
    ///
    /// What the types borrow must outlive `scope`, which must be there until
    /// [`registry::join_scope`](crate::registry::join_scope) was called for it. If `scope` is null,
    /// they must borrow nothing.
    pub(crate) unsafe fn allocate(
        plan: &Plan,
        flags: u32,
        scope: *const OpenScope,
        closure: F,
    ) -> Result<ARef<Header>> {
        const {
            // Both are moved over the stack of the thread, which has as little as 16 KiB.
            assert!(
                size_of::<F>() <= 1024 && size_of::<T>() <= 1024,
                "the closure captures, or returns, more than 1024 bytes: box them"
            );
            assert!(
                align_of::<F>() <= 64 && align_of::<T>() <= 64,
                "the closure captures, or returns, something aligned to more than 64 bytes: box it"
            );
        };
        let header = Header::allocate(Layout::new::<Self>(), plan, flags, scope, Self::VTABLE)?;
        let packet = header.cast::<Self>().as_ptr();
        // SAFETY: The allocation has the layout of a packet, and nobody else knows it.
        unsafe { (&raw mut (*packet).closure).write(UnsafeCell::new(MaybeUninit::new(closure))) };
        // SAFETY: We hand over the one reference that the header was made with.
        Ok(unsafe { ARef::from_raw(header) })
    }

    const VTABLE: Vtable = Vtable {
        run: Self::run,
        drop_closure: Self::drop_closure,
        drop_result: Self::drop_result,
    };

    /// Runs the closure, and keeps what it returns.
    ///
    /// # Safety
    ///
    /// `block` must be a packet of this type that holds its closure, which the caller has claimed.
    unsafe fn run(block: NonNull<c_void>, current: Current<'_>) {
        let packet = block.cast::<Self>().as_ptr();
        // SAFETY: By the safety requirements the closure is there and ours; it is read once.
        let closure =
            unsafe { (*UnsafeCell::raw_get(&raw const (*packet).closure)).assume_init_read() };
        let result = closure(current);
        // SAFETY: The place for the result is only used by this thread while it runs.
        unsafe { (*UnsafeCell::raw_get(&raw const (*packet).shared.result)).write(result) };
    }

    /// Drops the closure.
    ///
    /// # Safety
    ///
    /// `block` must be a packet of this type that holds its closure, which the caller has claimed.
    unsafe fn drop_closure(block: NonNull<c_void>) {
        let packet = block.cast::<Self>().as_ptr();
        // SAFETY: By the safety requirements.
        unsafe { (*UnsafeCell::raw_get(&raw const (*packet).closure)).assume_init_drop() };
    }

    /// Drops the result.
    ///
    /// # Safety
    ///
    /// `block` must be a packet of this type that holds its result, which the caller has claimed.
    unsafe fn drop_result(block: NonNull<c_void>) {
        let packet = block.cast::<Self>().as_ptr();
        // SAFETY: By the safety requirements.
        unsafe { (*UnsafeCell::raw_get(&raw const (*packet).shared.result)).assume_init_drop() };
    }
}
