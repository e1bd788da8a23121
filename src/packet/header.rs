// SPDX-License-Identifier: GPL-2.0

//! The part of a packet that does not depend on types: starting, stopping and joining a thread.

use super::ended::Ended;
use crate::{
    bindings,
    builder::Plan,
    current::Current,
    owner::Owner,
    registry, //
};
use core::{
    alloc::Layout,
    cell::UnsafeCell,
    ptr::NonNull, //
};
use kernel::{
    alloc::{
        allocator::Kmalloc,
        Allocator,
        NumaNode, //
    },
    error::from_err_ptr,
    prelude::*,
    sync::{
        aref::{
            ARef,
            AlwaysRefCounted, //
        },
        atomic::{
            ordering::{
                Acquire,
                Full,
                Relaxed,
                Release, //
            },
            Atomic,
            AtomicFlag,
            AtomicType, //
        },
        Completion,
        Refcount, //
    },
    task::{
        might_sleep,
        Pid,
        Task, //
    },
    time::Delta,
    types::Opaque, //
};

/// What a packet holds, and how far its thread has come.
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

/// The part of a packet that does not depend on the types of closure and result.
///
/// # Invariants
///
/// - `block` is the start of the `kmalloc()` allocation, a [`Packet`](super::Packet) that begins
///   with this header, and `run` and `discard` are those of its type.
/// - `task` is written once, before the header is shared with any other task.
/// - `links` is initialised, and changed only under the lock of the registry.
#[pin_data]
pub(crate) struct Header {
    refs: Refcount,
    phase: Atomic<Phase>,
    stop: AtomicFlag,
    /// Null, then the task that joins the thread, then, when that is done, the thread itself.
    joiner: Atomic<*mut bindings::task_struct>,
    #[pin]
    ended: Ended,
    #[pin]
    joined: Completion,
    task: UnsafeCell<Option<ARef<Task>>>,
    owner: Owner,
    pub(super) block: NonNull<c_void>,
    run: unsafe fn(NonNull<c_void>, Current<'_>),
    discard: unsafe fn(NonNull<c_void>, Phase),
    #[pin]
    pub(crate) links: Opaque<bindings::list_head>,
}

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

// What importers call is `inline(never)`: the call is what makes their modules depend on this one,
// which with all packets thus stays in memory for as long as a module that may hold a handle.
impl Header {
    /// Allocates a packet of the given layout, in which only the header is initialised.
    ///
    /// The caller must put the closure in, and see to it that `run` and `discard` are those of the
    /// packet's type.
    #[inline(never)]
    pub(super) fn allocate(
        layout: Layout,
        owner: Owner,
        run: unsafe fn(NonNull<c_void>, Current<'_>),
        discard: unsafe fn(NonNull<c_void>, Phase),
    ) -> Result<NonNull<Self>> {
        let block = Kmalloc::alloc(layout, GFP_KERNEL, NumaNode::NO_NODE)?.cast::<c_void>();
        let header = block.cast::<Self>();
        let init = pin_init!(Self {
            refs: Refcount::new(1),
            phase: Atomic::new(Phase::Idle),
            stop: AtomicFlag::new(false),
            joiner: Atomic::new(core::ptr::null_mut()),
            ended <- Ended::new(),
            joined <- Completion::new(),
            task: UnsafeCell::new(None),
            owner,
            // INVARIANT: The allocation, and by the contract of this function the functions fit.
            block,
            run,
            discard,
            // INVARIANT: An initialised list head.
            links <- Opaque::ffi_init(|slot| {
                // SAFETY: `slot` is valid for writes.
                unsafe { bindings::INIT_LIST_HEAD(slot) }
            }),
        });
        // SAFETY: The packet begins with its header, which is not moved until it is freed.
        unsafe { ::pin_init::raw_init(header.as_ptr(), init) };
        Ok(header)
    }

    /// Creates a thread for the closure of this packet, asleep until [`start`](Self::start).
    ///
    /// When it fails, the closure was dropped.
    #[inline(never)]
    pub(crate) fn create(header: ARef<Self>, plan: &Plan) -> Result<ARef<Self>> {
        if let Err(error) = header.create_task(plan) {
            header.discard_closure();
            return Err(error);
        }
        if let Err(error) = header.configure(plan) {
            header.abandon();
            return Err(error);
        }
        registry::add(header.clone());
        Ok(header)
    }

    /// Ends a thread that nobody else knows of and that was never woken.
    fn abandon(&self) {
        self.stop.store(true, Release);
        if let Some(task) = self.task() {
            // SAFETY: `task` is a kthread that we own a reference to, and this is the only call for
            // it: the packet is not registered and has no handle.
            unsafe { bindings::kthread_stop(task.as_ptr()) };
        }
        self.discard_closure();
    }

    fn create_task(&self, plan: &Plan) -> Result {
        let node = match plan.node {
            None => bindings::NUMA_NO_NODE,
            // A node that is not online has no memory to look for.
            //
            // SAFETY: The function looks the number up in a mask, whose size it is checked against.
            Some(node) if unsafe { bindings::node_is_online(node) } => node as i32,
            Some(_) => return Err(EINVAL),
        };
        // The name is an argument, never the format: it may hold a `%`.
        //
        // SAFETY: Both strings are NUL-terminated and outlive the call, and `%s` asks for exactly
        // one string. The packet outlives the thread: the registry keeps a reference until the
        // thread was joined.
        let task = from_err_ptr(unsafe {
            bindings::kthread_create_on_node(
                Some(thread_main),
                self.block.as_ptr(),
                node,
                c"%s".as_char_ptr(),
                plan.name.as_char_ptr(),
            )
        })?;
        // SAFETY: The thread was created and sleeps until it is woken for the first time, so its
        // `task_struct` is there. `Task` is a transparent wrapper around it.
        let task = ARef::from(unsafe { &*task.cast::<Task>() });
        // INVARIANT: The thread sleeps, and nobody else knows this header yet.
        // SAFETY: For the same reason nobody else accesses the field.
        unsafe { *self.task.get() = Some(task) };
        Ok(())
    }

    /// Settles what has to be settled before the thread runs.
    fn configure(&self, plan: &Plan) -> Result {
        let Some(task) = self.task() else {
            return Ok(());
        };
        // SAFETY: The thread was created and not woken, and this is called once.
        unsafe { plan.placement.apply(task) }?;
        plan.policy.map_or(Ok(()), |policy| policy.apply(task))
    }

    /// Wakes a created thread for the first time.
    #[inline(never)]
    pub(crate) fn start(&self) {
        self.wake_up();
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
            || unsafe { bindings::within_module(self.run as usize as c_ulong, module) }
    }

    /// Says whether the thread was asked to stop.
    #[inline]
    pub(crate) fn should_stop(&self) -> bool {
        self.stop.load(Acquire)
    }

    /// Asks the thread to stop. Never sleeps.
    #[inline(never)]
    pub(crate) fn request_stop(&self) {
        self.stop.store(true, Release);
        // A full barrier orders the store before the look at the task's state: pairs with the one
        // in `set_current_state()` of the thread, so one of the two sees the other.
        self.wake_up();
    }

    fn wake_up(&self) {
        if let Some(task) = self.task() {
            task.wake_up();
        }
    }

    /// Stops the thread and waits until it is gone.
    ///
    /// # Errors
    ///
    /// [`EDEADLK`] where waiting would never end: from the thread itself, which is then asked to
    /// stop all the same, and from the closure's own `drop`, called below.
    #[inline(never)]
    pub(crate) fn join(&self) -> Result {
        self.join_and(|| {}).map(|_| ())
    }

    /// Like [`join`](Self::join), but drops a result that is there; returns whether this call was
    /// the one that joined the thread. Otherwise the result is for the one that did.
    pub(crate) fn reap(&self) -> Result<bool> {
        self.join_and(|| self.discard_result())
    }

    /// Joins the thread, and calls `last` while its module is still kept from leaving.
    fn join_and(&self, last: impl FnOnce()) -> Result<bool> {
        might_sleep();
        self.request_stop();

        let Some(task) = self.task() else {
            return Ok(false);
        };
        if self.is_current() {
            return Err(EDEADLK);
        }
        let current = Task::current_raw();
        // The completion that `kthread_stop()` waits for is good for one waiter.
        if let Err(joiner) = self.joiner.cmpxchg(core::ptr::null_mut(), current, Full) {
            if core::ptr::eq(joiner, current) {
                return Err(EDEADLK);
            }
            self.joined.wait_for_completion();
            return Ok(false);
        }
        // SAFETY: `task` is a kthread that we own a reference to, and by the claim above this is
        // the only call for it.
        unsafe { bindings::kthread_stop(task.as_ptr()) };

        self.discard_closure();
        last();
        // SAFETY: Only the task that claimed the join removes the packet.
        let registered = unsafe { registry::remove(self) };
        if self.phase.load(Relaxed) == Phase::Running {
            // What the crashed closure lent out may still point into the packet.
            registry::keep(registered);
        }
        self.ended.tell();
        self.joiner.store(task.as_ptr(), Release);
        self.joined.complete_all();
        Ok(true)
    }

    /// Says whether the thread has ended, or will without running any more of the closure.
    #[inline(never)]
    pub(crate) fn has_ended(&self) -> bool {
        self.ended.was_told() || self.is_dead()
    }

    /// Says whether the thread's task is dead, be it that it crashed and so could not tell.
    fn is_dead(&self) -> bool {
        self.task().is_some_and(|task| {
            // SAFETY: The task is valid. The field is one word, which C changes under a lock and
            // reads without.
            unsafe { (&raw const (*task.as_ptr()).exit_state).read_volatile() != 0 }
        })
    }

    /// Waits, for as long as `limit` or without one, until the thread has ended without being asked
    /// to; returns whether it has.
    ///
    /// # Errors
    ///
    /// [`EDEADLK`] from the thread itself.
    #[inline(never)]
    pub(crate) fn wait_ended(&self, limit: Option<Delta>) -> Result<bool> {
        might_sleep();
        if self.is_current() {
            return Err(EDEADLK);
        }
        Ok(self.ended.wait(limit, || self.is_dead()))
    }

    fn is_current(&self) -> bool {
        self.task()
            .is_some_and(|task| core::ptr::eq(task.as_ptr(), Task::current_raw()))
    }

    /// Drops a closure that has not begun. Its thread must be gone, or never have been there.
    fn discard_closure(&self) {
        if self
            .phase
            .cmpxchg(Phase::Idle, Phase::NeverRan, Full)
            .is_ok()
        {
            // SAFETY: The packet holds the closure, and by the change of phase it is ours to drop.
            unsafe { (self.discard)(self.block, Phase::Idle) };
        }
    }

    /// Takes the result out of the packet's care: on success it is the caller's to move or drop.
    ///
    /// # Errors
    ///
    /// The phase, if the packet holds no result.
    #[inline(never)]
    pub(crate) fn claim_result(&self) -> Result<(), Phase> {
        self.phase
            .cmpxchg(Phase::Returned, Phase::Taken, Full)
            .map(|_| ())
    }

    /// Drops the result, if it is there.
    fn discard_result(&self) {
        if self.claim_result().is_ok() {
            // SAFETY: The packet holds the result, and it was just claimed.
            unsafe { (self.discard)(self.block, Phase::Returned) };
        }
    }

    /// Says whether the caller's reference is the only one.
    pub(crate) fn is_unique(&self) -> bool {
        self.refs.as_atomic().load(Acquire) == 1
    }

    /// Frees the packet.
    ///
    /// # Safety
    ///
    /// Nobody may use the packet any more.
    pub(crate) unsafe fn free(header: NonNull<Self>) {
        // SAFETY: The header is valid, and by the safety requirements not used by anyone else.
        let block = unsafe { header.as_ref() }.block;
        // SAFETY: As above; the packet begins with its header, which is not used again.
        unsafe { block.cast::<Self>().drop_in_place() };
        // SAFETY: By the type invariant `block` is the start of a `kmalloc()` allocation.
        unsafe { bindings::kfree(block.as_ptr()) };
    }
}

/// Where each thread of the crate begins.
///
/// # Safety
///
/// `data` must be the packet of the calling thread.
unsafe extern "C" fn thread_main(data: *mut c_void) -> c_int {
    // SAFETY: By the safety requirements `data` is a packet, which begins with its header. The
    // registry keeps it until the thread is gone.
    let header = unsafe { &*data.cast::<Header>() };

    if !header.should_stop() {
        header.phase.store(Phase::Running, Relaxed);
        // SAFETY: The packet held the closure, and only its own thread gets here, once.
        unsafe { (header.run)(header.block, Current::new(header)) };
        header.phase.store(Phase::Returned, Release);
    }
    header.ended.tell();
    0
}
