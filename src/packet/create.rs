// SPDX-License-Identifier: GPL-2.0

//! Creating and starting a thread.

use super::{
    body::thread_main,
    flags::{
        ENDED,
        STOP, //
    },
    Header,
    Phase, //
};
use crate::{
    bindings,
    builder::Plan,
    name::Name,
    registry, //
};
use kernel::{
    error::from_err_ptr,
    prelude::*,
    sync::{
        aref::ARef,
        atomic::ordering::Acquire, //
    },
    task::{
        might_sleep,
        Task, //
    }, //
};

impl Header {
    /// Creates and wakes a thread for the closure of this packet.
    ///
    /// When it fails, the closure was dropped.
    #[inline(never)]
    pub(crate) fn create(header: ARef<Self>, plan: &Plan) -> Result<ARef<Self>> {
        if let Err(error) = header.create_task(plan) {
            header.discard_closure();
            return Err(error);
        }
        if let Err(error) = header
            .configure(plan)
            .and_then(|()| registry::add(header.clone()))
        {
            header.give_up();
            return Err(error);
        }
        header.wake_up();
        Ok(header)
    }

    /// Ends a thread that nobody else knows of and that was never woken.
    fn give_up(&self) {
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
        let name = self.name_ptr();
        let format = match plan.name {
            // C is faster with that.
            Name::Literal(_) => name,
            Name::Formatted(_) => c"%s".as_char_ptr(),
        };
        // SAFETY: Both strings are NUL-terminated and outlive the call; the format asks for one
        // string, or for nothing. The packet outlives the thread: the caller keeps a reference
        // until it is registered or joined, and then the registry does until it was joined.
        let task = from_err_ptr(unsafe {
            bindings::kthread_create_on_node(
                Some(thread_main),
                self.block.as_ptr(),
                node,
                format,
                name,
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

    /// Waits until the closure has begun, or until it is clear that it never will.
    #[inline(never)]
    pub(crate) fn wait_begun(&self) {
        might_sleep();
        self.wait_until(None, || {
            self.phase.load(Acquire) != Phase::Idle || self.flags.any(STOP | ENDED)
        });
    }

    #[inline(never)]
    pub(crate) fn wake_up(&self) {
        if let Some(task) = self.task() {
            task.wake_up();
        }
    }
}
