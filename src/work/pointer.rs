// SPDX-License-Identifier: GPL-2.0

//! The pointers by which items are queued.

use super::{
    HasWork,
    WorkItem, //
};
use crate::{
    bindings,
    lock_class::LockClass,
    worker::{
        run_item,
        ItemType,
        WorkContext, //
    }, //
};
use core::ptr::NonNull;
use kernel::{
    prelude::*,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        Arc, //
    }, //
};

/// A pointer that owns a struct with an item.
///
/// # Examples
///
/// See [`Worker`](crate::Worker).
///
/// # Safety
///
/// [`from_work`](Self::from_work) must undo [`into_work`](Self::into_work), and `run` be what the
/// item was initialised with.
pub unsafe trait WorkItemPointer<const ID: u64>: Sized + Send + 'static {
    /// Leaves what the pointer owns to the item.
    fn into_work(self) -> NonNull<bindings::kthread_work>;

    /// Takes back what the pointer owned.
    ///
    /// # Safety
    ///
    /// The item must come from [`into_work`](Self::into_work), each time of which allows this once.
    unsafe fn from_work(work: NonNull<bindings::kthread_work>) -> Self;

    /// Runs the item.
    fn call(self, cx: &mut WorkContext<'_>);

    /// What lockdep knows that as.
    fn lock_class() -> LockClass;

    /// What the worker calls.
    ///
    /// # Safety
    ///
    /// As for [`from_work`](Self::from_work); only for the worker to call.
    unsafe extern "C" fn run(work: *mut bindings::kthread_work) {
        let item = const { &ItemType::of::<Self, ID>() };
        // SAFETY: By the safety requirements, and the item is valid.
        unsafe { run_item(NonNull::new_unchecked(work), item) };
    }
}

// SAFETY: `Arc::from_raw` undoes `Arc::into_raw`, and `HasWork` finds the item and back.
unsafe impl<T, const ID: u64> WorkItemPointer<ID> for Arc<T>
where
    T: WorkItem<ID, Pointer = Self> + HasWork<T, ID> + Send + Sync + 'static,
{
    fn into_work(self) -> NonNull<bindings::kthread_work> {
        // SAFETY: The struct is valid.
        unsafe { T::raw_get_work(Arc::into_raw(self).cast_mut()) }
    }

    unsafe fn from_work(work: NonNull<bindings::kthread_work>) -> Self {
        // SAFETY: By the safety requirement.
        unsafe { Arc::from_raw(T::work_container_of(work)) }
    }

    fn call(self, cx: &mut WorkContext<'_>) {
        T::run(self, cx);
    }

    fn lock_class() -> LockClass {
        T::lock_class()
    }
}

// SAFETY: `ARef::from_raw` undoes `ARef::into_raw`, and `HasWork` finds the item and back.
unsafe impl<T, const ID: u64> WorkItemPointer<ID> for ARef<T>
where
    T: WorkItem<ID, Pointer = Self> + HasWork<T, ID> + AlwaysRefCounted + Send + Sync + 'static,
{
    fn into_work(self) -> NonNull<bindings::kthread_work> {
        // SAFETY: The struct is valid.
        unsafe { T::raw_get_work(ARef::into_raw(self).as_ptr()) }
    }

    unsafe fn from_work(work: NonNull<bindings::kthread_work>) -> Self {
        // SAFETY: By the safety requirement; the struct of an item is not at null.
        unsafe { ARef::from_raw(NonNull::new_unchecked(T::work_container_of(work))) }
    }

    fn call(self, cx: &mut WorkContext<'_>) {
        T::run(self, cx);
    }

    fn lock_class() -> LockClass {
        T::lock_class()
    }
}

// SAFETY: `KBox::from_raw` undoes `KBox::into_raw`, and `HasWork` finds the item and back.
unsafe impl<T, const ID: u64> WorkItemPointer<ID> for Pin<KBox<T>>
where
    T: WorkItem<ID, Pointer = Self> + HasWork<T, ID> + Send + 'static,
{
    fn into_work(self) -> NonNull<bindings::kthread_work> {
        // SAFETY: The struct is not moved.
        let unpinned = unsafe { Pin::into_inner_unchecked(self) };
        // SAFETY: The struct is valid.
        unsafe { T::raw_get_work(KBox::into_raw(unpinned)) }
    }

    unsafe fn from_work(work: NonNull<bindings::kthread_work>) -> Self {
        // SAFETY: By the safety requirement. It was pinned before.
        unsafe { Pin::new_unchecked(KBox::from_raw(T::work_container_of(work))) }
    }

    fn call(self, cx: &mut WorkContext<'_>) {
        T::run(self, cx);
    }

    fn lock_class() -> LockClass {
        T::lock_class()
    }
}
