// SPDX-License-Identifier: GPL-2.0

//! Items for a worker.

mod pointer;

pub use self::pointer::WorkItemPointer;

use crate::{
    bindings,
    lock_class::LockClass,
    worker::{
        init_work,
        unbind,
        Core,
        WorkContext, //
    },
};
use core::{
    marker::PhantomData,
    ptr::NonNull, //
};
use kernel::{
    prelude::*,
    types::Opaque, //
};

/// What is done when an item is run.
///
/// As in [`kernel::workqueue`]; `ID` tells several items of one struct apart.
///
/// # Examples
///
/// See [`Worker`](crate::Worker).
pub trait WorkItem<const ID: u64 = 0> {
    /// The pointer by which the struct is queued: [`Arc<Self>`](kernel::sync::Arc),
    /// [`ARef<Self>`](kernel::sync::aref::ARef) or `Pin<KBox<Self>>`.
    type Pointer: WorkItemPointer<ID>;

    /// Called by the worker's thread, once for each time that the item was queued.
    fn run(this: Self::Pointer, cx: &mut WorkContext<'_>);
}

/// An item, as a field of a struct that implements [`WorkItem`].
///
/// The first worker that it is queued on is the only one that it can be queued on.
///
/// It takes 40 bytes where a pointer takes 8, as C's `kthread_work` does.
///
/// # Invariants
///
/// `work` is initialised with the function of `T::Pointer`. If it is queued, it owns the struct
/// that it is in, by what a `T::Pointer` was turned into.
///
/// # Examples
///
/// See [`Worker`](crate::Worker).
#[doc(alias = "kthread_work")]
#[pin_data(PinnedDrop)]
#[repr(C)]
pub struct Work<T: ?Sized, const ID: u64 = 0> {
    #[pin]
    work: Opaque<bindings::kthread_work>,
    _inner: PhantomData<fn(*mut T)>,
}

#[cfg(CONFIG_64BIT)]
const _: () = assert!(size_of::<Work<()>>() == 40);

// SAFETY: An item may be used by any task, under the lock of its worker; there is no `T` in it.
unsafe impl<T: ?Sized, const ID: u64> Send for Work<T, ID> {}

// SAFETY: As above.
unsafe impl<T: ?Sized, const ID: u64> Sync for Work<T, ID> {}

/// Creates a [`Work`].
///
/// # Examples
///
/// See [`Worker`](crate::Worker).
#[macro_export]
macro_rules! new_work {
    () => {
        $crate::Work::new()
    };
}

impl<T: ?Sized, const ID: u64> Work<T, ID> {
    /// Creates an item. Use [`new_work!`](crate::new_work).
    #[doc(hidden)]
    pub fn new() -> impl PinInit<Self>
    where
        T: WorkItem<ID>,
    {
        pin_init!(Self {
            // INVARIANT: With the function of `T::Pointer`, and in no queue.
            work <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid for writes.
                unsafe { init_work(slot, T::Pointer::run) }
            }),
            _inner: PhantomData,
        })
    }

    /// The C item.
    ///
    /// # Safety
    ///
    /// The pointer must not dangle; it need not be initialised.
    #[doc(hidden)]
    pub unsafe fn raw_get(work: *const Self) -> *mut bindings::kthread_work {
        // SAFETY: By the safety requirement.
        Opaque::cast_into(unsafe { &raw const (*work).work })
    }

    fn as_raw(&self) -> NonNull<bindings::kthread_work> {
        // SAFETY: It is in a reference.
        unsafe { NonNull::new_unchecked(self.work.get()) }
    }

    /// Waits until the item is neither queued nor running.
    ///
    /// # Context
    ///
    /// Sleeps.
    ///
    /// # Errors
    ///
    /// - [`EDEADLK`] from the worker's own thread.
    /// - [`ESHUTDOWN`] if the worker is gone.
    ///
    /// # Examples
    ///
    /// See [`Worker`](crate::Worker).
    #[doc(alias = "kthread_flush_work")]
    pub fn flush(&self) -> Result {
        // SAFETY: The item is valid.
        let core = unsafe { Core::of(self.as_raw()) };
        // SAFETY: As above; it has no timer.
        core.map_or(Ok(()), |core| unsafe {
            core.flush_item(self.as_raw(), false)
        })
    }

    /// Takes the item out of the queue, and waits if it is running; returns what it owned if it
    /// was queued.
    ///
    /// An item that queues itself again cannot while this waits.
    ///
    /// # Context
    ///
    /// Sleeps.
    ///
    /// # Errors
    ///
    /// [`EDEADLK`] from the item itself.
    ///
    /// # Examples
    ///
    /// See [`Worker`](crate::Worker).
    #[doc(alias = "kthread_cancel_work_sync")]
    pub fn cancel(&self) -> Result<Option<T::Pointer>>
    where
        T: WorkItem<ID>,
    {
        // SAFETY: The item is valid.
        let Some(core) = (unsafe { Core::of(self.as_raw()) }) else {
            return Ok(None);
        };
        // SAFETY: The item is valid, and has no timer.
        if unsafe { core.cancel(self.as_raw(), false, T::Pointer::lock_class()) }? {
            // SAFETY: By the type invariant; it is not queued any more, and this was what took it
            // out.
            Ok(Some(unsafe { T::Pointer::from_work(self.as_raw()) }))
        } else {
            Ok(None)
        }
    }
}

#[pinned_drop]
impl<T: ?Sized, const ID: u64> PinnedDrop for Work<T, ID> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: An item that is queued owns the struct, which is being dropped, so it is not.
        unsafe { unbind(self.as_raw()) };
    }
}

/// Says that a struct has a field of type [`Work<T, ID>`](Work), and where. Implemented by
/// [`impl_has_work!`](crate::impl_has_work).
///
/// # Examples
///
/// See [`Worker`](crate::Worker).
///
/// # Safety
///
/// The two functions must be inverse to each other, and `raw_get_work` return the item of a field
/// of type `Work<T, ID>`.
pub unsafe trait HasWork<T, const ID: u64 = 0> {
    /// The item of a struct.
    ///
    /// # Safety
    ///
    /// The pointer must point to a valid struct.
    unsafe fn raw_get_work(ptr: *mut Self) -> NonNull<bindings::kthread_work>;

    /// The struct of an item.
    ///
    /// # Safety
    ///
    /// The item must be the one of a valid struct of this type.
    unsafe fn work_container_of(work: NonNull<bindings::kthread_work>) -> *mut Self;

    /// What lockdep knows the run of the item as. Called under the registry's lock as well, so it
    /// may do nothing but name a class.
    #[doc(hidden)]
    fn lock_class() -> LockClass;
}

/// Implements [`HasWork`].
///
/// # Examples
///
/// See [`Worker`](crate::Worker).
#[macro_export]
macro_rules! impl_has_work {
    ($(impl$({$($generics:tt)*})? HasWork<$work_type:ty $(, $id:tt)?> for $self:ty {
        self.$field:ident
    })*) => {$(
        $crate::__impl_has_work! {
            Work [$($($generics)*)?] [$work_type $(, $id)?] $self { $field }
        }
    )*};
}

/// Implements [`HasWork`] for a struct with a [`Work`], or a `DelayedWork`.
#[doc(hidden)]
#[macro_export]
macro_rules! __impl_has_work {
    ($kind:ident [$($generics:tt)*] [$work_type:ty $(, $id:tt)?] $self:ty { $field:ident }) => {
        // SAFETY: Both functions name the same field, whose type is checked.
        unsafe impl<$($generics)*> $crate::HasWork<$work_type $(, $id)?> for $self {
            #[inline]
            unsafe fn raw_get_work(ptr: *mut Self) -> $crate::__private::RawWork {
                let work: *mut $crate::$kind<$work_type $(, $id)?> =
                    // SAFETY: The pointer points to a valid struct.
                    unsafe { &raw mut (*ptr).$field };
                // SAFETY: The field is in that struct, hence not null.
                unsafe { ::core::ptr::NonNull::new_unchecked($crate::$kind::raw_get(work)) }
            }

            #[inline]
            unsafe fn work_container_of(work: $crate::__private::RawWork) -> *mut Self {
                // SAFETY: The item is at the start of such a field in a struct.
                unsafe {
                    ::kernel::container_of!(
                        work.as_ptr().cast::<$crate::$kind<$work_type $(, $id)?>>(),
                        Self,
                        $field
                    )
                }
            }

            fn lock_class() -> $crate::LockClass {
                // A static, as other modules have copies of this function if the struct is generic,
                // and to lockdep one key must have one name.
                static NAME: &::kernel::str::CStr = ::kernel::c_str!(::core::concat!(
                    ::core::stringify!($self),
                    ".",
                    ::core::stringify!($field)
                ));
                $crate::LockClass::new(NAME, ::kernel::static_lock_class!())
            }
        }
    };
}
