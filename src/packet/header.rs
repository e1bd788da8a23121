// SPDX-License-Identifier: GPL-2.0

//! The part of a packet that does not depend on types.

use super::{
    flags::{
        Flags,
        SERVES,
        STOP, //
    },
    hooks::Hooks, //
};
use crate::{
    bindings,
    builder::Plan,
    compat::raw_init,
    current::Current,
    lock_class::RunLock,
    once::read_once,
    owner::Owner,
    scope::OpenScope,
    state,
    wait_queue::WaitQueue,
    worker::Core, //
};
use core::{
    alloc::Layout,
    cell::UnsafeCell,
    panic::Location,
    ptr::NonNull, //
};
use kernel::{
    alloc::{
        allocator::Kmalloc,
        Allocator,
        NumaNode, //
    },
    prelude::*,
    str::CStr,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        atomic::{
            ordering::{
                Acquire,
                Full,
                Relaxed, //
            },
            Atomic,
            AtomicType, //
        },
        Arc,
        Refcount, //
    },
    task::{
        Pid,
        Task, //
    },
    types::Opaque, //
};

/// What a packet holds.
#[derive(Clone, Copy, PartialEq, Eq)]
#[repr(i32)]
pub(crate) enum Phase {
    /// The closure; it has not begun.
    Idle,
    /// Nothing; the closure runs, or crashed if the thread is gone.
    Running,
    /// The result.
    Returned,
    /// Nothing; the closure was dropped without having begun.
    NeverRan,
    /// Nothing; the result was moved out.
    Taken,
}

// SAFETY: `Phase` has the size and alignment of `i32`, and is only made from its own values.
unsafe impl AtomicType for Phase {
    type Repr = i32;
}

/// What only a packet's type knows.
#[derive(Clone, Copy)]
pub(super) struct Vtable {
    pub(super) run: unsafe fn(NonNull<c_void>, Current<'_>),
    pub(super) drop_closure: unsafe fn(NonNull<c_void>),
    pub(super) drop_result: unsafe fn(NonNull<c_void>),
}

/// The part of a packet that does not depend on the types of closure and result.
///
/// # Invariants
///
/// - `block` is the start of the `kmalloc()` allocation, a [`Packet`](super::Packet) that begins
///   with this header, and `vtable` is that of its type. A NUL-terminated string is at `name`.
/// - `task` is written once, before the header is shared with any other task.
/// - `joiner` is null, then a task that the header owns a reference to, then, when the thread has
///   been joined, the thread's own task.
/// - `place` is null, or points into code that the thread runs.
/// - `queue` is null, or what an `Arc` was turned into, until the thread was joined.
/// - `scope` is null, or there for as long as the thread is in the registry.
/// - `links` is initialised, and changed only under the lock of the registry.
/// - The thread's module is there until the thread is taken out of the registry, and until then
///   only the thread itself and `joiner` use `body`.
#[pin_data]
pub(crate) struct Header {
    refs: Refcount,
    pub(crate) flags: Flags,
    pub(super) phase: Atomic<Phase>,
    pub(super) joiner: Atomic<*mut bindings::task_struct>,
    pub(super) task: UnsafeCell<Option<ARef<Task>>>,
    /// One of the constants in [`state`](crate::state). Changed by the thread only.
    pub(super) activity: Atomic<u32>,
    /// Where the thread sleeps or waits, or null. Changed by the thread only.
    pub(super) place: Atomic<*mut Location<'static>>,
    /// Where other tasks wait for the thread to begin, park, end or be joined.
    #[pin]
    pub(crate) changes: WaitQueue,
    #[pin]
    pub(super) hooks: Hooks,
    #[pin]
    pub(super) body: RunLock,
    pub(super) owner: Owner,
    /// The scope that the thread may not outlive, or null.
    scope: *const OpenScope,
    /// What a worker's thread serves, or null.
    queue: Atomic<*mut Core>,
    name: NonNull<u8>,
    pub(super) block: NonNull<c_void>,
    pub(super) vtable: Vtable,
    #[pin]
    pub(crate) links: Opaque<bindings::list_head>,
}

// What each thread costs, besides closure, result and name: docs/design.md tells users.
#[cfg(all(
    CONFIG_SMP,
    not(any(CONFIG_DEBUG_SPINLOCK, CONFIG_DEBUG_LOCK_ALLOC, CONFIG_PREEMPT_RT))
))]
const _: () = assert!(size_of::<Header>() == 176);

// SAFETY: A header may be used and freed by any task: closure and result are `Send` (see
// `Packet::allocate`), and the other fields are, or are only used as the type invariants say.
unsafe impl Send for Header {}

// SAFETY: As above; shared state is atomic, immutable once shared, or under a lock.
unsafe impl Sync for Header {}

// SAFETY: Every header is in a packet, which `Packet::allocate` makes with a count of one, and
// which is freed when the count drops to zero.
unsafe impl AlwaysRefCounted for Header {
    #[inline(never)]
    fn inc_ref(&self) {
        self.refs.inc();
    }

    #[inline(never)]
    unsafe fn dec_ref(header: NonNull<Self>) {
        // SAFETY: The caller owns a reference, so the header is still there.
        if unsafe { header.as_ref() }.refs.dec_and_test() {
            // SAFETY: That was the last one.
            unsafe { Header::free(header) };
        }
    }
}

// What importers call, here and in the other files, is `inline(never)`: the call is what makes
// their modules depend on this one, which with all packets thus stays in memory for as long as a
// module that may hold a handle.
impl Header {
    /// Allocates a packet of the given layout, in which only the header is initialised.
    ///
    /// The caller must put the closure in, and see to it that `vtable` is that of the type.
    #[inline(never)]
    pub(super) fn allocate(
        layout: Layout,
        plan: &Plan,
        flags: u32,
        scope: *const OpenScope,
        vtable: Vtable,
    ) -> Result<NonNull<Self>> {
        let name = plan.name.bytes();
        let (layout, offset) = Layout::array::<u8>(name.len() + 1)
            .and_then(|tail| layout.extend(tail))
            .map_err(|_| ENOMEM)?;
        let block = Kmalloc::alloc(layout, GFP_KERNEL, NumaNode::NO_NODE)?.cast::<c_void>();
        // SAFETY: The layout has room for the name there.
        let name_in_packet = unsafe { block.cast::<u8>().add(offset) };
        // SAFETY: As above; the allocation is new, so they do not overlap.
        unsafe {
            name_in_packet.copy_from_nonoverlapping(NonNull::from(name).cast(), name.len());
            name_in_packet.add(name.len()).write(0);
        }
        let header = block.cast::<Self>();
        let init = pin_init!(Self {
            refs: Refcount::new(1),
            flags: Flags::new(flags),
            phase: Atomic::new(Phase::Idle),
            joiner: Atomic::new(core::ptr::null_mut()),
            task: UnsafeCell::new(None),
            activity: Atomic::new(state::RUNNING),
            place: Atomic::new(core::ptr::null_mut()),
            changes <- WaitQueue::new(crate::__lock_class!()),
            hooks <- Hooks::new(),
            body <- RunLock::new(plan.class),
            owner: plan.owner.clone(),
            scope,
            // INVARIANT: What an `Arc` was turned into, or null.
            queue: Atomic::new(
                plan.queue
                    .clone()
                    .map_or(core::ptr::null_mut(), |queue| Arc::into_raw(queue).cast_mut()),
            ),
            // INVARIANT: The allocation, and by the contract of this function the functions fit.
            name: name_in_packet,
            block,
            vtable,
            // INVARIANT: An initialised list head.
            links <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid for writes.
                unsafe { bindings::INIT_LIST_HEAD(slot) }
            }),
        });
        // SAFETY: The packet begins with its header, which is not moved until it is freed.
        unsafe { raw_init(header.as_ptr(), init) };
        Ok(header)
    }

    /// Frees the packet.
    ///
    /// # Safety
    ///
    /// Nobody may use the packet any more.
    #[inline(never)]
    pub(crate) unsafe fn free(header: NonNull<Self>) {
        // SAFETY: The header is valid, and by the safety requirements not used by anyone else.
        let block = unsafe { header.as_ref() }.block;
        // There was no thread to be joined.
        //
        // SAFETY: As above.
        drop(unsafe { header.as_ref() }.clear_queue());
        // SAFETY: As above; the packet begins with its header, which is not used again.
        unsafe { block.cast::<Self>().drop_in_place() };
        // SAFETY: By the type invariant `block` is the start of a `kmalloc()` allocation.
        unsafe { bindings::kfree(block.as_ptr()) };
    }

    /// Says whether the caller's reference is the only one.
    pub(crate) fn is_unique(&self) -> bool {
        self.refs.as_atomic().load(Acquire) == 1
    }

    /// The thread's task, if the thread was created.
    pub(crate) fn task(&self) -> Option<&Task> {
        // SAFETY: By the type invariant nobody writes to the field once the header is shared.
        unsafe { &*self.task.get() }.as_deref()
    }

    /// The thread's id; 0 if there is no thread.
    #[inline(never)]
    pub(crate) fn pid(&self) -> Pid {
        self.task().map_or(0, |task| task.pid())
    }

    /// The thread's whole name.
    #[inline(never)]
    pub(crate) fn name(&self) -> &CStr {
        // SAFETY: By the type invariant; the packet is not changed there.
        unsafe { CStr::from_char_ptr(self.name_ptr()) }
    }

    /// The name for C.
    pub(super) fn name_ptr(&self) -> *const c_char {
        self.name.as_ptr().cast()
    }

    /// Says whether the calling task is the thread.
    pub(crate) fn is_current(&self) -> bool {
        self.task()
            .is_some_and(|task| core::ptr::eq(task.as_ptr(), Task::current_raw()))
    }

    /// The packet of the calling task, if it is a thread of this crate.
    pub(crate) fn of_current<'a>() -> Option<&'a Self> {
        // SAFETY: The function has no requirements.
        let data = unsafe { bindings::current_data(Some(super::body::thread_main)) };
        // SAFETY: A thread that runs this function got its packet, which is there until the thread
        // is gone, and thus while it is not exiting.
        unsafe { data.cast::<Self>().as_ref() }
    }

    /// Says whether the code or the data of this packet belongs to `module`.
    ///
    /// # Safety
    ///
    /// `module` must be a valid module.
    pub(crate) unsafe fn belongs_to(&self, module: *const bindings::module) -> bool {
        // A closure's type may have been named, and its code compiled, by a module that is not the
        // one that asked for the thread: either of them must not leave first.
        self.owner.is(module)
            // SAFETY: By the safety requirements.
            || unsafe { bindings::within_module(self.vtable.run as usize as c_ulong, module) }
    }

    /// What the thread serves, if it is that of a worker.
    ///
    /// # Safety
    ///
    /// The thread must be in the registry for as long as the queue is used.
    pub(crate) unsafe fn queue(&self) -> Option<&Core> {
        // SAFETY: By the type invariant; who joins the thread gives the queue up after it has left
        // the registry.
        unsafe { self.queue.load(Relaxed).as_ref() }
    }

    /// Drops what is left in the queue that the thread served. It must be gone, be it that it
    /// crashed, or never have been there.
    ///
    /// Returns the queue, which the registry must not find any more when it is dropped.
    pub(super) fn clear_queue(&self) -> Option<Arc<Core>> {
        if read_once(&self.queue).is_null() {
            return None;
        }
        let queue = NonNull::new(self.queue.xchg(core::ptr::null_mut(), Full))?;
        // SAFETY: By the type invariant.
        let queue = unsafe { Arc::from_raw(queue.as_ptr()) };
        queue.clear();
        Some(queue)
    }

    /// Says whether the thread was made in this scope.
    pub(crate) fn is_in_scope(&self, scope: &OpenScope) -> bool {
        core::ptr::eq(self.scope, scope)
    }

    /// Counts the thread in its scope, or out of it.
    ///
    /// # Errors
    ///
    /// [`ENODEV`] if the scope takes no more threads.
    ///
    /// # Safety
    ///
    /// The thread must be in the registry or about to be, and the registry's lock must be held.
    pub(crate) unsafe fn count_in_scope(&self, change: i32) -> Result {
        // SAFETY: By the type invariant, as the thread is registered.
        unsafe { self.scope.as_ref() }.map_or(Ok(()), |scope| scope.count(change))
    }

    /// Takes back what the thread lent out from its stack, as it crashed. Called by the thread.
    pub(crate) fn crash(&self) {
        self.hooks.withdraw();
        if self.flags.any(SERVES) {
            // Nothing is accepted that would never run.
            self.flags.set(STOP);
        }
        // It waits nowhere any more.
        self.place.store(core::ptr::null_mut(), Relaxed);
    }
}
