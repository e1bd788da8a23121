// SPDX-License-Identifier: GPL-2.0

//! Items for a worker that are to run later.

use crate::{
    bindings,
    lock_class::LockClass,
    work::{
        HasWork,
        WorkItem,
        WorkItemPointer, //
    },
    worker::{
        init_work,
        unbind,
        Core, //
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

/// An item that can be queued after a delay, as a field of a struct that implements [`WorkItem`].
///
/// What is said of [`Work`](crate::Work) is true of it, too. An item whose delay is not over when
/// the worker's handle is dropped does not run: what it owns is dropped then.
///
/// It takes 80 bytes where a pointer takes 8, as C's `kthread_delayed_work` does, unless lockdep
/// watches its timer.
///
/// # Invariants
///
/// Those of [`Work`](crate::Work), and the timer is initialised.
///
/// # Examples
///
/// ```
/// use kernel::{sync::Arc, time::Delta};
/// use kthread::{impl_has_delayed_work, new_delayed_work, DelayedWork, WorkContext, WorkItem};
///
/// #[pin_data]
/// struct Watchdog {
///     #[pin]
///     work: DelayedWork<Self>,
/// }
///
/// impl_has_delayed_work! {
///     impl HasDelayedWork<Self> for Watchdog { self.work }
/// }
///
/// impl WorkItem for Watchdog {
///     type Pointer = Arc<Self>;
///
///     fn run(_this: Arc<Self>, _cx: &mut WorkContext<'_>) {
///         pr_warn!("nothing was heard for a second\n");
///     }
/// }
///
/// let watchdog = Arc::pin_init(
///     pin_init!(Watchdog { work <- new_delayed_work!("watchdog") }),
///     GFP_KERNEL,
/// )?;
/// let worker = kthread::builder!("watcher")?.worker()?;
/// worker.enqueue_delayed(watchdog.clone(), Delta::from_secs(1))?;
/// // Something was heard.
/// worker.mod_delayed(watchdog.clone(), Delta::from_secs(1))?;
/// assert!(watchdog.work.cancel()?.is_some());
/// # Ok::<(), Error>(())
/// ```
#[doc(alias = "kthread_delayed_work")]
#[pin_data(PinnedDrop)]
#[repr(C)]
pub struct DelayedWork<T: ?Sized, const ID: u64 = 0> {
    #[pin]
    work: Opaque<bindings::kthread_delayed_work>,
    _inner: PhantomData<fn(*mut T)>,
}

#[cfg(all(CONFIG_64BIT, not(CONFIG_LOCKDEP)))]
const _: () = assert!(size_of::<DelayedWork<()>>() == 80);

// SAFETY: An item may be used by any task, under the lock of its worker; there is no `T` in it.
unsafe impl<T: ?Sized, const ID: u64> Send for DelayedWork<T, ID> {}

// SAFETY: As above.
unsafe impl<T: ?Sized, const ID: u64> Sync for DelayedWork<T, ID> {}

/// Creates a [`DelayedWork`], whose timer has a lockdep class of its own, with a name.
///
/// # Examples
///
/// See [`DelayedWork`].
#[macro_export]
macro_rules! new_delayed_work {
    ($($name:literal)?) => {
        $crate::DelayedWork::new($crate::LockClass::new(
            ::kernel::optional_name!($($name)?),
            ::kernel::static_lock_class!(),
        ))
    };
}

impl<T: ?Sized, const ID: u64> DelayedWork<T, ID> {
    /// Creates an item. Use [`new_delayed_work!`](crate::new_delayed_work).
    #[doc(hidden)]
    pub fn new(class: LockClass) -> impl PinInit<Self>
    where
        T: WorkItem<ID>,
    {
        pin_init!(Self {
            // INVARIANT: With the function of `T::Pointer`, and in no queue.
            work <- Opaque::ffi_init(move |slot| {
                // SAFETY: `slot` is valid for writes.
                unsafe { init_delayed_work(slot, T::Pointer::run, class) }
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
        // SAFETY: By the safety requirement. The item is the first field.
        Opaque::cast_into(unsafe { &raw const (*work).work }).cast()
    }

    fn as_raw(&self) -> NonNull<bindings::kthread_work> {
        // SAFETY: It is in a reference; the item is the first field.
        unsafe { NonNull::new_unchecked(self.work.get().cast()) }
    }

    /// Runs the item now, if its delay is not over, and waits until it is neither queued nor
    /// running.
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
    /// See [`DelayedWork`].
    #[doc(alias = "kthread_flush_work")]
    pub fn flush(&self) -> Result {
        // SAFETY: The item is valid.
        let core = unsafe { Core::of(self.as_raw()) };
        // SAFETY: As above; it has a timer.
        core.map_or(Ok(()), |core| unsafe {
            core.flush_item(self.as_raw(), true)
        })
    }

    /// Takes the item out of the queue, or ends its delay, and waits if it is running; returns what
    /// it owned if it was queued or its delay not over.
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
    /// See [`DelayedWork`].
    #[doc(alias = "kthread_cancel_delayed_work_sync")]
    pub fn cancel(&self) -> Result<Option<T::Pointer>>
    where
        T: WorkItem<ID>,
    {
        // SAFETY: The item is valid.
        let Some(core) = (unsafe { Core::of(self.as_raw()) }) else {
            return Ok(None);
        };
        // SAFETY: The item is one with a timer.
        if unsafe { core.cancel(self.as_raw(), true, T::Pointer::lock_class()) }? {
            // SAFETY: By the type invariant; this was what took it out.
            Ok(Some(unsafe { T::Pointer::from_work(self.as_raw()) }))
        } else {
            Ok(None)
        }
    }
}

/// Initialises an item with a timer.
///
/// # Safety
///
/// `work` must be valid for writes.
#[inline(never)]
unsafe fn init_delayed_work(
    work: *mut bindings::kthread_delayed_work,
    function: unsafe extern "C" fn(*mut bindings::kthread_work),
    class: LockClass,
) {
    // SAFETY: By the safety requirement; name and key are static.
    unsafe {
        init_work(&raw mut (*work).work, function);
        bindings::timer_init_key(
            &raw mut (*work).timer,
            Some(bindings::kthread_delayed_work_timer_fn),
            bindings::TIMER_IRQSAFE,
            class.name().as_char_ptr(),
            class.key(),
        );
    }
}

#[pinned_drop]
impl<T: ?Sized, const ID: u64> PinnedDrop for DelayedWork<T, ID> {
    fn drop(self: Pin<&mut Self>) {
        // SAFETY: An item that is queued owns the struct, which is being dropped, so it is not; nor
        // is its timer armed or running.
        unsafe { unbind(self.as_raw()) };
    }
}

/// Says that a struct has a field of type [`DelayedWork<T, ID>`](DelayedWork), and where.
/// Implemented by [`impl_has_delayed_work!`](crate::impl_has_delayed_work).
///
/// # Examples
///
/// See [`DelayedWork`].
///
/// # Safety
///
/// The item of [`HasWork`] must be that of a field of type `DelayedWork<T, ID>`.
pub unsafe trait HasDelayedWork<T, const ID: u64 = 0>: HasWork<T, ID> {}

/// A pointer to a struct with an item that can be delayed.
///
/// # Examples
///
/// See [`DelayedWork`].
///
/// # Safety
///
/// The item must be that of a [`DelayedWork`].
pub unsafe trait DelayedWorkItemPointer<const ID: u64>: WorkItemPointer<ID> {}

// SAFETY: By the requirement of `HasDelayedWork`.
unsafe impl<P, const ID: u64> DelayedWorkItemPointer<ID> for P
where
    P: WorkItemPointer<ID> + core::ops::Deref,
    P::Target: HasDelayedWork<P::Target, ID> + WorkItem<ID, Pointer = P> + Sized,
{
}

/// Implements [`HasDelayedWork`], and [`HasWork`] with it.
///
/// # Examples
///
/// See [`DelayedWork`].
#[macro_export]
macro_rules! impl_has_delayed_work {
    ($(impl$({$($generics:tt)*})? HasDelayedWork<$work_type:ty $(, $id:tt)?> for $self:ty {
        self.$field:ident
    })*) => {$(
        // SAFETY: The item below is that of a field of that type.
        unsafe impl$(<$($generics)+>)?
            $crate::HasDelayedWork<$work_type $(, $id)?> for $self {}

        $crate::__impl_has_work! {
            DelayedWork [$($($generics)*)?] [$work_type $(, $id)?] $self { $field }
        }
    )*};
}
