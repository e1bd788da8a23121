// SPDX-License-Identifier: GPL-2.0

//! Closures that a worker runs once.

use crate::{
    compat::ESHUTDOWN,
    impl_has_work,
    lock_class::LockClass,
    new_work,
    sleep::LOOK_AGAIN,
    task::Exit,
    wait_queue::WaitQueue,
    work::{
        Work,
        WorkItem, //
    },
    worker::{
        Queue,
        WorkContext, //
    },
};
use kernel::{
    prelude::*,
    static_lock_class,
    str::CStr,
    sync::{
        Arc,
        Mutex, //
    },
};

/// The handle of a closure that a worker runs once. Made by [`Queue::run`].
///
/// Dropping it does not keep the closure from being run.
///
/// # Examples
///
/// ```
/// use kthread::Exit;
///
/// let worker = kthread::builder!("calculator")?.worker()?;
/// let job = worker.run(|_cx| 6 * 7)?;
/// assert_eq!(job.wait()?, Exit::Returned(42));
/// # Ok::<(), Error>(())
/// ```
pub struct Job<T> {
    state: Arc<State<T>>,
    queue: Queue,
}

/// What becomes of a closure.
#[pin_data]
struct State<T> {
    #[pin]
    exit: Mutex<Taken<T>>,
    #[pin]
    changes: WaitQueue,
}

/// How it ended, from then on until that is taken.
struct Taken<T>(Option<Exit<T>>);

/// The value is moved in and out, and never pinned.
impl<T> Unpin for Taken<T> {}

impl<T> State<T> {
    fn set(&self, exit: Exit<T>) {
        self.exit.lock().0 = Some(exit);
        self.changes.wake_all();
    }
}

/// The closure, as an item.
#[pin_data]
struct Closure<F, T> {
    closure: Option<F>,
    report: Report<T>,
    #[pin]
    work: Work<Self>,
}

impl_has_work! {
    impl{F, T} HasWork<Self> for Closure<F, T> { self.work }
}

/// Says what became of the closure, at the latest when it is dropped.
struct Report<T>(Option<Arc<State<T>>>);

impl<T> Drop for Report<T> {
    fn drop(&mut self) {
        if let Some(state) = self.0.take() {
            state.set(Exit::NeverRan);
        }
    }
}

impl<F, T> WorkItem for Closure<F, T>
where
    F: FnOnce(&mut WorkContext<'_>) -> T + Send + 'static,
    T: Send + 'static,
{
    type Pointer = Pin<KBox<Self>>;

    fn run(mut this: Pin<KBox<Self>>, cx: &mut WorkContext<'_>) {
        let item = this.as_mut().project();
        if let Some(closure) = item.closure.take() {
            let result = closure(cx);
            if let Some(state) = item.report.0.take() {
                state.set(Exit::Returned(result));
            }
        }
    }
}

impl Queue {
    /// Has the worker run a closure, after what is queued already.
    ///
    /// # Context
    ///
    /// Sleeps, as it allocates memory.
    ///
    /// # Errors
    ///
    /// - [`ENOMEM`] if memory is short.
    /// - [`ESHUTDOWN`] if the worker accepts nothing any more.
    /// - [`EXDEV`] if the closure belongs to another module than the worker does.
    ///
    /// # Examples
    ///
    /// See [`Job`].
    pub fn run<F, T>(&self, closure: F) -> Result<Job<T>>
    where
        F: FnOnce(&mut WorkContext<'_>) -> T + Send + 'static,
        T: Send + 'static,
    {
        // Drivers have copies of this function, but one key must have one name: that of a static.
        static EXIT: &CStr = c"Job::exit";
        static CHANGES: &CStr = c"Job::changes";

        const {
            // Both are moved over the stack of the thread, as those of a thread's own closure.
            assert!(
                size_of::<F>() <= 1024 && size_of::<T>() <= 1024,
                "the closure captures, or returns, more than 1024 bytes: box them"
            );
        };
        let state = Arc::pin_init(
            pin_init!(State {
                exit <- Mutex::new(Taken(None), EXIT, static_lock_class!()),
                changes <- WaitQueue::new(LockClass::new(CHANGES, static_lock_class!())),
            }),
            GFP_KERNEL,
        )?;
        let report = Report(Some(state.clone()));
        let item = KBox::pin_init(
            pin_init!(Closure {
                closure: Some(closure),
                report,
                work <- new_work!(),
            }),
            GFP_KERNEL,
        )?;
        self.enqueue(item)?;
        Ok(Job {
            state,
            queue: self.clone(),
        })
    }
}

impl<T> Job<T> {
    /// Waits until the closure has run, and returns what it did.
    ///
    /// It is [`Exit::NeverRan`] if the worker ended before, and [`Exit::Crashed`] if it crashed, be
    /// it in this closure or before.
    ///
    /// # Context
    ///
    /// Sleeps.
    ///
    /// # Errors
    ///
    /// [`EDEADLK`] from an item of the same worker.
    ///
    /// # Examples
    ///
    /// See [`Job`].
    pub fn wait(self) -> Result<Exit<T>> {
        match self.queue.about_to_wait() {
            // What it has left behind is there.
            Err(error) if error != ESHUTDOWN => return Err(error),
            _ => {}
        }
        loop {
            // The worker may be gone a moment after it has said what there was to say.
            let ended = self.queue.has_ended();
            let exit = || self.state.exit.lock().0.take();
            if let Some(exit) = self.state.changes.wait_timeout(LOOK_AGAIN, exit) {
                return Ok(exit);
            }
            if ended {
                return Ok(Exit::Crashed);
            }
        }
    }

    /// Says whether the closure has run, or never will.
    ///
    /// # Context
    ///
    /// Sleeps, but not for long.
    ///
    /// # Examples
    ///
    /// ```
    /// let worker = kthread::builder!("quick")?.worker()?;
    /// let job = worker.run(|_cx| ())?;
    /// worker.flush()?;
    /// assert!(job.is_finished());
    /// # Ok::<(), Error>(())
    /// ```
    pub fn is_finished(&self) -> bool {
        self.state.exit.lock().0.is_some() || self.queue.has_ended()
    }
}
