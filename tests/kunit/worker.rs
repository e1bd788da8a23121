// SPDX-License-Identifier: GPL-2.0

//! Workers and their items.

use kernel::prelude::*;

#[kunit_tests(kthread_worker)]
mod tests {
    use super::*;
    use crate::{
        support::{
            comes_to,
            eventually,
            Counter,
            CountsDrop, //
        },
        timer::call_in_hard_irq, //
    };
    use core::ptr::NonNull;
    use kernel::{
        bindings,
        cpu::CpuId,
        new_condvar, new_mutex,
        sync::{
            aref::{
                ARef,
                AlwaysRefCounted, //
            },
            Arc,
            CondVar,
            Mutex,
            Refcount, //
        },
        time::{
            delay::fsleep,
            Delta,
            Instant,
            Monotonic, //
        },
    };
    use kthread::{
        __private::{
            this_module_needs_the_kthread_that_it_was_built_with as plan_for,
            EDEADLK,
            ESHUTDOWN, //
        },
        impl_has_work,
        new_event,
        new_work,
        Current,
        EnqueueError,
        Event,
        Exit,
        LockClass,
        Owner,
        Policy,
        Signal,
        State,
        Stopped,
        Work,
        WorkContext,
        WorkItem,
        Worker, //
    };

    const FOREVER: Delta = Delta::from_secs(3600);

    fn worker() -> Result<Worker> {
        kthread::builder!("worker")?.worker()
    }

    /// What the items of a test have done.
    #[pin_data]
    struct Log {
        #[pin]
        entries: Mutex<KVec<u32>>,
    }

    impl Log {
        fn new() -> Result<Arc<Self>> {
            let init = pin_init!(Self {
                entries <- new_mutex!(KVec::new()),
            });
            Arc::pin_init(init, GFP_KERNEL)
        }

        fn add(&self, entry: u32) {
            let _ = self.entries.lock().push(entry, GFP_KERNEL);
        }

        fn take(&self) -> KVec<u32> {
            core::mem::take(&mut *self.entries.lock())
        }
    }

    /// What runs on a worker can do whatever its thread can.
    #[test]
    fn items_run_as_the_thread() -> Result {
        let worker = worker()?;
        let exit = worker
            .run(|cx| {
                let shared = cx.pid();
                let current: &mut Current<'_> = cx;
                (shared, current.pid())
            })?
            .wait();
        let (name, pid) = (worker.name() == c"worker", worker.pid());
        drop(worker);

        assert!(name);
        assert!(exit == Ok(Exit::Returned((pid, pid))));
        Ok(())
    }

    type Body = fn(&Item, &mut WorkContext<'_>);

    #[pin_data]
    struct Item {
        number: u32,
        log: Arc<Log>,
        runs: Counter,
        body: Body,
        /// Something that the body may take.
        #[pin]
        pocket: Mutex<Option<Worker>>,
        #[pin]
        work: Work<Self>,
        _drop: CountsDrop,
    }

    impl_has_work! {
        impl HasWork<Self> for Item { self.work }
    }

    impl WorkItem for Item {
        type Pointer = Arc<Self>;

        fn run(this: Arc<Self>, cx: &mut WorkContext<'_>) {
            this.log.add(this.number);
            this.runs.increment();
            (this.body)(&this, cx);
            if this.number == AGAIN {
                let _ = cx.queue().enqueue(this);
            }
        }
    }

    /// Added to the runs by one that begins when the worker is about to end.
    const LATE: i32 = 1 << 24;

    /// The number of items that queue themselves again.
    const AGAIN: u32 = 99;

    /// What the items of a test share.
    struct Makes {
        log: Arc<Log>,
        runs: Counter,
        drops: Counter,
    }

    impl Makes {
        fn new() -> Result<Self> {
            Ok(Self {
                log: Log::new()?,
                runs: Counter::new()?,
                drops: Counter::new()?,
            })
        }

        fn item(&self, number: u32, body: Body) -> Result<Arc<Item>> {
            Arc::pin_init(
                pin_init!(Item {
                    number,
                    log: self.log.clone(),
                    runs: self.runs.clone(),
                    body,
                    pocket <- new_mutex!(None),
                    work <- new_work!(),
                    _drop: self.drops.on_drop(),
                }),
                GFP_KERNEL,
            )
        }
    }

    fn nothing(_: &Item, _: &mut WorkContext<'_>) {}

    fn linger(_: &Item, _: &mut WorkContext<'_>) {
        fsleep(Delta::from_millis(20));
    }

    #[test]
    fn items_run_in_order() -> Result {
        let makes = Makes::new()?;
        let worker = worker()?;
        for number in 0..50 {
            worker.enqueue(makes.item(number, nothing)?)?;
        }
        let flushed = worker.flush();
        let ran = makes.log.take();
        drop(worker);

        assert_eq!(flushed, Ok(()));
        assert_eq!(ran.len(), 50);
        assert!(ran.iter().copied().eq(0..50));
        assert_eq!(makes.drops.get(), 50);
        Ok(())
    }

    #[test]
    fn item_is_queued_once() -> Result {
        let makes = Makes::new()?;
        let worker = worker()?;
        worker.enqueue(makes.item(0, linger)?)?;
        let item = makes.item(1, nothing)?;
        let first = worker.enqueue(item.clone()).map_err(Error::from);
        let second = worker.enqueue(item.clone());
        let pending = matches!(second, Err(EnqueueError::Pending(_)));
        drop(second);
        let flushed = worker.flush();
        let again = worker.enqueue(item.clone()).map_err(Error::from);
        drop(worker);

        assert_eq!(first.and(flushed).and(again), Ok(()));
        assert!(pending);
        assert!(makes.log.take().iter().copied().eq([0, 1, 1]));
        assert_eq!(makes.drops.get(), 1);
        drop(item);
        assert_eq!(makes.drops.get(), 2);
        Ok(())
    }

    /// H64, H65: nothing is done with a worker that is gone, but to say so.
    #[test]
    fn closed_worker_accepts_nothing() -> Result {
        let makes = Makes::new()?;
        let worker = worker()?;
        let queue = worker.queue();
        let used = makes.item(1, nothing)?;
        queue.enqueue(used.clone())?;
        drop(worker);
        let unused = makes.item(2, nothing)?;
        let refused = queue.enqueue(unused);
        let closed = matches!(&refused, Err(EnqueueError::Closed(item)) if item.number == 2);
        let kept = makes.drops.get();
        drop(refused);

        assert!(closed && queue.is_closed());
        assert_eq!(kept, 0);
        assert_eq!(makes.drops.get(), 1);
        assert!(matches!(
            queue.enqueue(used.clone()),
            Err(EnqueueError::Closed(_))
        ));
        assert_eq!(queue.flush(), Err(ESHUTDOWN));
        assert_eq!(used.work.flush(), Err(ESHUTDOWN));
        assert!(used.work.cancel()?.is_none());
        assert_eq!(makes.runs.get(), 1);
        Ok(())
    }

    /// H66: an item stays with the worker that it was queued on first.
    #[test]
    fn item_has_one_worker() -> Result {
        let makes = Makes::new()?;
        let (one, two) = (worker()?, worker()?);
        let item = makes.item(1, nothing)?;
        one.enqueue(item.clone())?;
        let flushed = one.flush();
        let refused = two.enqueue(item.clone());
        let other = matches!(refused, Err(EnqueueError::OtherWorker(_)));
        let back = refused.err().map(EnqueueError::into_inner);
        let same = back.is_some_and(|back| Arc::ptr_eq(&back, &item));
        let error = two.enqueue(item).map_err(Error::from);
        drop((one, two));

        assert_eq!(flushed, Ok(()));
        assert!(other && same);
        assert_eq!(error, Err(EINVAL));
        assert_eq!(makes.runs.get(), 1);
        Ok(())
    }

    /// What code that is built into the kernel has as its module.
    // SAFETY: Null stands for the kernel.
    static KERNEL: ThisModule = unsafe { ThisModule::from_ptr(core::ptr::null_mut()) };

    /// H92: an item whose module may leave before the worker's is refused.
    #[test]
    fn item_of_another_module_is_refused() -> Result {
        let makes = Makes::new()?;
        // SAFETY: The kernel is there for longer than the thread.
        let owner = unsafe { Owner::new(&KERNEL) };
        let class = LockClass::new(c"foreign", kernel::static_lock_class!());
        let worker = plan_for(owner, class, fmt!("foreign"))?.worker()?;
        let refused = worker.enqueue(makes.item(1, nothing)?);
        let other = matches!(refused, Err(EnqueueError::OtherModule(_)));
        let error = refused.map_err(Error::from);
        drop(worker);

        assert!(other);
        assert_eq!(error, Err(EXDEV));
        assert_eq!((makes.runs.get(), makes.drops.get()), (0, 1));
        Ok(())
    }

    #[test]
    fn flush_waits_for_one() -> Result {
        let makes = Makes::new()?;
        let worker = worker()?;
        let item = makes.item(1, linger)?;
        worker.enqueue(makes.item(0, linger)?)?;
        worker.enqueue(item.clone())?;
        worker.enqueue(makes.item(2, linger)?)?;
        let start = Instant::<Monotonic>::now();
        let flushed = item.work.flush();
        let took = start.elapsed();
        let ran = makes.runs.get();
        let idle = item.work.flush();
        drop(worker);

        assert_eq!(flushed.and(idle), Ok(()));
        assert!(took >= Delta::from_millis(39));
        assert!((2..=3).contains(&ran));
        Ok(())
    }

    /// What is queued is given back, and what runs is waited for.
    #[test]
    fn cancel_tells_who_owns() -> Result {
        let makes = Makes::new()?;
        let worker = worker()?;
        let slow = makes.item(0, linger)?;
        let item = makes.item(1, nothing)?;
        let unqueued = item.work.cancel()?.is_none();
        worker.enqueue(slow.clone())?;
        worker.enqueue(item.clone())?;
        let started = makes.runs.reaches(1);
        let given = item.work.cancel()?;
        let ran = makes.runs.get();
        let start = Instant::<Monotonic>::now();
        let running = slow.work.cancel()?.is_none();
        let took = start.elapsed();
        let flushed = worker.flush();
        let same = given.is_some_and(|given| Arc::ptr_eq(&given, &item));
        drop(worker);

        assert!(unqueued && started && same && running);
        assert_eq!(flushed, Ok(()));
        assert_eq!(ran, 1);
        assert!(took >= Delta::from_millis(5));
        assert_eq!(makes.runs.get(), 1);
        Ok(())
    }

    /// H67: an item that always queues itself again keeps neither cancel nor drop from ending.
    #[test]
    fn self_requeueing_item_ends() -> Result {
        let makes = Makes::new()?;
        let worker = worker()?;
        let item = makes.item(AGAIN, |item, cx| {
            if cx.should_stop() {
                item.runs.add(LATE);
            }
        })?;
        worker.enqueue(item.clone())?;
        let runs = makes.runs.reaches(100);
        item.work.cancel()?;
        let after = makes.runs.get();
        fsleep(Delta::from_millis(5));
        let stays = makes.runs.get() == after;

        worker.enqueue(item.clone())?;
        let runs_again = makes.runs.reaches(after + 100);
        let start = Instant::<Monotonic>::now();
        drop(worker);
        let took = start.elapsed();

        assert!(runs && stays && runs_again);
        assert!(took < Delta::from_secs(5));
        // At most the run that was queued already begins.
        assert!(makes.runs.get() / LATE <= 1);
        drop(item);
        assert_eq!(makes.drops.get(), 1);
        Ok(())
    }

    /// A lock to be opened, for whoever waits for that.
    #[pin_data]
    struct Gate {
        #[pin]
        open: Mutex<bool>,
        #[pin]
        changed: CondVar,
    }

    /// As for a thread: who drops the handle ends interruptible waits of the kernel's own.
    #[test]
    fn drop_ends_foreign_waits() -> Result {
        let gate = Arc::pin_init(
            pin_init!(Gate {
                open <- new_mutex!(false),
                changed <- new_condvar!(),
            }),
            GFP_KERNEL,
        )?;
        let worker = worker()?;
        let job = worker.run({
            let gate = gate.clone();
            move |_cx| {
                let mut open = gate.open.lock();
                let mut interrupted = false;
                while !*open && !interrupted {
                    interrupted = gate.changed.wait_interruptible(&mut open);
                }
                interrupted
            }
        })?;
        fsleep(Delta::from_millis(20));
        let dropper = kthread::run!("dropper", move |_cx| drop(worker))?;
        let dropper = dropper.join_timeout(Delta::from_secs(10));
        *gate.open.lock() = true;
        gate.changed.notify_all();
        let ended = dropper.is_ok();
        drop(dropper);
        let exit = job.wait()?;

        assert!(ended);
        assert_eq!(exit, Exit::Returned(true));
        Ok(())
    }

    /// H68: what would wait for itself is refused.
    #[test]
    fn waiting_for_oneself_is_refused() -> Result {
        let makes = Makes::new()?;
        let worker = worker()?;
        let item = makes.item(1, |item, cx| {
            if cx.queue().flush() == Err(EDEADLK) {
                item.runs.add(10);
            }
            if item.work.flush() == Err(EDEADLK) {
                item.runs.add(100);
            }
            if item.work.cancel().is_err_and(|error| error == EDEADLK) {
                item.runs.add(1000);
            }
        })?;
        worker.enqueue(item)?;
        let flushed = worker.flush();
        drop(worker);

        assert_eq!(flushed, Ok(()));
        assert_eq!(makes.runs.get(), 1111);
        Ok(())
    }

    /// H69: an item may drop the handle of its own worker; what is queued by then still runs.
    #[test]
    fn item_drops_its_worker() -> Result {
        let makes = Makes::new()?;
        let worker = worker()?;
        let queue = worker.queue();
        let item = makes.item(1, |item, _cx| {
            fsleep(Delta::from_millis(5));
            drop(item.pocket.lock().take());
        })?;
        worker.enqueue(item.clone())?;
        worker.enqueue(makes.item(2, nothing)?)?;
        *item.pocket.lock() = Some(worker);
        let closed = eventually(|| queue.is_closed());
        let ran = makes.runs.reaches(2);
        let gone = eventually(|| queue.flush() == Err(ESHUTDOWN));
        drop((item, queue));

        assert!(closed && ran && gone);
        assert_eq!(makes.drops.get(), 2);
        Ok(())
    }

    /// All that was accepted runs before the drop of the handle returns, however early that is.
    #[test]
    fn drop_runs_what_is_queued() -> Result {
        let makes = Makes::new()?;
        let mut accepted = 0;
        for round in 0..200 {
            let worker = worker()?;
            for _ in 0..round % 4 {
                worker.enqueue(makes.item(0, nothing)?)?;
                accepted += 1;
            }
        }

        assert_eq!(makes.runs.get(), accepted);
        assert_eq!(makes.drops.get(), accepted);
        Ok(())
    }

    /// The waits of an item end when the worker is to end.
    #[test]
    fn closing_ends_waits() -> Result {
        let makes = Makes::new()?;
        let worker = worker()?;
        let item = makes.item(1, |item, cx| {
            if cx.sleep(FOREVER) == Err(Stopped) && cx.should_stop() {
                item.runs.add(10);
            }
        })?;
        worker.enqueue(item)?;
        let sleeps = eventually(|| worker.state() == State::Sleeping);
        let idle = self::worker()?;
        let waits = eventually(|| idle.state() == State::Waiting);
        drop(worker);

        assert!(sleeps && waits);
        assert_eq!(makes.runs.get(), 11);
        Ok(())
    }

    /// What runs while the worker ends is not taken for something that has a signal.
    #[test]
    fn rest_can_still_wait() -> Result {
        let worker = worker()?;
        let first = worker.run(|cx| {
            let _ = cx.sleep(FOREVER);
            eventually(|| kernel::current!().signal_pending())
        })?;
        let rest = worker.run(|_cx| kernel::current!().signal_pending())?;
        let begun = eventually(|| worker.state() == State::Sleeping);
        drop(worker);

        assert!(begun);
        assert!(first.wait()? == Exit::Returned(true));
        assert!(rest.wait()? == Exit::Returned(false));
        Ok(())
    }

    /// A closure is run once, and what it returns is waited for, or that it will not.
    #[test]
    fn closures_are_jobs() -> Result {
        let drops = Counter::new()?;
        let worker = worker()?;
        let queue = worker.queue();
        let owned = drops.on_drop();
        let job = worker.run(move |cx| {
            fsleep(Delta::from_millis(5));
            drop(owned);
            let inner = cx.queue().run(|_cx| ());
            inner.map(|inner| inner.wait())
        })?;
        let early = job.is_finished();
        let exit = job.wait()?;
        let (owned, ran) = (drops.on_drop(), Counter::new()?);
        drop(worker.run({
            let ran = ran.clone();
            move |_cx| {
                ran.increment();
                drop(owned);
            }
        })?);
        drop(worker);
        let owned = drops.on_drop();
        let late = queue.run(move |_cx| drop(owned));

        assert!(!early);
        assert!(matches!(exit, Exit::Returned(Ok(Err(error))) if error == EDEADLK));
        assert_eq!(ran.get(), 1);
        assert!(late.is_err_and(|error| error == ESHUTDOWN));
        assert_eq!(drops.get(), 3);
        Ok(())
    }

    #[test]
    fn queued_from_hard_irq() -> Result {
        let makes = Makes::new()?;
        let worker = worker()?;
        let (queue, item) = (worker.queue(), makes.item(1, nothing)?);
        call_in_hard_irq(move || {
            let _ = queue.enqueue(item.clone());
        })?;
        let ran = makes.runs.reaches(1);
        drop(worker);

        assert!(ran);
        assert_eq!(makes.drops.get(), 1);
        Ok(())
    }

    /// Signals that an item allows are not for those that come after it.
    #[test]
    fn signals_end_with_the_item() -> Result {
        let worker = worker()?;
        let first = worker.run(|cx| {
            cx.allow_signal(Signal::KILL);
            // SAFETY: The current task is there.
            unsafe { bindings::send_sig(9, current!().as_ptr(), 1) };
            cx.signal_pending()
        })?;
        let second = worker.run(|cx| cx.signal_pending())?;
        let exits = (first.wait()?, second.wait()?);
        drop(worker);

        assert!(exits == (Exit::Returned(true), Exit::Returned(false)));
        Ok(())
    }

    #[pin_data]
    struct Ringer {
        event: Arc<Event>,
        #[pin]
        work: Work<Self>,
    }

    impl_has_work! {
        impl HasWork<Self> for Ringer { self.work }
    }

    impl WorkItem for Ringer {
        type Pointer = Pin<KBox<Self>>;

        fn run(this: Pin<KBox<Self>>, _cx: &mut WorkContext<'_>) {
            this.event.raise();
        }
    }

    /// Once an item is queued, it may be gone: with its worker, before the sender goes on.
    #[test]
    fn sender_leaves_the_item_alone() -> Result {
        let cpu = CpuId::current();
        let event = Arc::pin_init(new_event!(), GFP_KERNEL)?;
        let worker = kthread::builder!("worker")?
            .bind(cpu)
            .policy(Policy::Fifo)
            .worker()?;
        let queue = worker.queue();
        let dropper = kthread::builder!("dropper")?
            .bind(cpu)
            .policy(Policy::FifoLow)
            .create({
                let event = event.clone();
                move |cx| {
                    let _ = cx.wait_event(&event);
                    drop(worker);
                }
            })?
            .start_and_wait();
        let waits = comes_to(&dropper, State::Waiting);
        let sender = kthread::builder!("sender")?
            .bind(cpu)
            .run(move |_cx| -> Result {
                let ringer = pin_init!(Ringer { event, work <- new_work!() });
                queue.enqueue(KBox::pin_init(ringer, GFP_KERNEL)?)?;
                Ok(())
            })?;
        let sent = comes_to(&sender, State::Ended);
        let dropped = comes_to(&dropper, State::Ended);
        let exit = sender.stop()?;
        drop(dropper);

        assert!(waits && sent && dropped);
        assert!(exit == Exit::Returned(Ok(())));
        Ok(())
    }

    #[pin_data]
    struct Boxed {
        runs: Counter,
        #[pin]
        work: Work<Self, 7>,
        _drop: CountsDrop,
    }

    impl_has_work! {
        impl HasWork<Self, 7> for Boxed { self.work }
    }

    impl WorkItem<7> for Boxed {
        type Pointer = Pin<KBox<Self>>;

        fn run(this: Pin<KBox<Self>>, cx: &mut WorkContext<'_>) {
            this.runs.increment();
            if this.runs.get() == 1 {
                let _ = cx.queue().enqueue::<_, 7>(this);
            }
        }
    }

    /// H76, H77: a box is freed by its own run, or given back.
    #[test]
    fn boxes_are_items() -> Result {
        let (runs, drops) = (Counter::new()?, Counter::new()?);
        let boxed = || -> Result<Pin<KBox<Boxed>>> {
            let (runs, _drop) = (runs.clone(), drops.on_drop());
            KBox::pin_init(
                pin_init!(Boxed {
                    runs,
                    work <- new_work!(),
                    _drop,
                }),
                GFP_KERNEL,
            )
        };
        let worker = worker()?;
        let queue = worker.queue();
        worker.enqueue(boxed()?).map_err(Error::from)?;
        let flushed = worker.flush();
        drop(worker);
        let refused = queue.enqueue(boxed()?);
        let kept = drops.get();
        drop(refused);

        assert_eq!(flushed, Ok(()));
        assert_eq!(runs.get(), 2);
        assert_eq!(kept, 1);
        assert_eq!(drops.get(), 2);
        Ok(())
    }

    /// Has its own count of references.
    #[pin_data]
    struct Counted {
        count: Refcount,
        runs: Counter,
        #[pin]
        work: Work<Self>,
        _drop: CountsDrop,
    }

    impl Counted {
        fn new(runs: &Counter, drops: &Counter) -> Result<ARef<Self>> {
            let init = pin_init!(Self {
                count: Refcount::new(1),
                runs: runs.clone(),
                work <- new_work!(),
                _drop: drops.on_drop(),
            });
            let counted = KBox::pin_init(init, GFP_KERNEL)?;
            // SAFETY: It is not moved until it is dropped.
            let counted = unsafe { Pin::into_inner_unchecked(counted) };
            // SAFETY: Its count is 1, which stands for this reference.
            Ok(unsafe { ARef::from_raw(NonNull::from(KBox::leak(counted))) })
        }
    }

    // SAFETY: It is there until its count is 0.
    unsafe impl AlwaysRefCounted for Counted {
        fn inc_ref(&self) {
            self.count.inc();
        }

        unsafe fn dec_ref(counted: NonNull<Self>) {
            // SAFETY: The caller gives up a reference, so there is one.
            if unsafe { counted.as_ref() }.count.dec_and_test() {
                // SAFETY: It was made as a box, and that was the last reference.
                drop(unsafe { KBox::from_raw(counted.as_ptr()) });
            }
        }
    }

    impl_has_work! {
        impl HasWork<Self> for Counted { self.work }
    }

    impl WorkItem for Counted {
        type Pointer = ARef<Self>;

        fn run(this: ARef<Self>, cx: &mut WorkContext<'_>) {
            this.runs.increment();
            if this.runs.get() == 1 {
                let _ = cx.queue().enqueue(this);
            }
        }
    }

    /// H76: a reference is given up by the item's own run, or given back.
    #[test]
    fn counted_structs_are_items() -> Result {
        let (runs, drops) = (Counter::new()?, Counter::new()?);
        let worker = worker()?;
        let item = Counted::new(&runs, &drops)?;
        worker.enqueue(item.clone()).map_err(Error::from)?;
        let flushed = worker.flush();
        let queue = worker.queue();
        drop(worker);
        let kept = drops.get();
        drop(item);
        let freed = drops.get();
        let refused = queue.enqueue(Counted::new(&runs, &drops)?);
        let handed_back = drops.get() == freed;
        drop(refused);

        assert_eq!(flushed, Ok(()));
        assert_eq!(runs.get(), 2);
        assert_eq!((kept, freed), (0, 1));
        assert!(handed_back);
        assert_eq!(drops.get(), 2);
        Ok(())
    }
}
