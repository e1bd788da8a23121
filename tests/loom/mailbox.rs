// SPDX-License-Identifier: GPL-2.0

//! Two producers and a consumer, in every order in which their steps can be taken, with every value
//! that a load may then return.
//!
//! A wait queue wakes who is about to sleep as well as who sleeps; so does `park()` of loom, which
//! fails a test whose threads all sleep.

use crate::{
    atomic::LOADS_COUNT,
    ring::{
        Consumer,
        Ring,
        SendError, //
    }, //
};
use loom::{
    model::Builder,
    thread, //
};
use std::{
    mem::MaybeUninit,
    sync::{
        atomic::{
            AtomicUsize,
            Ordering::Relaxed, //
        },
        Arc, //
    },
};

/// What has happened. Its numbers are not of loom, which so knows of no order among them.
#[derive(Default)]
struct Tally {
    /// How often each value was dropped.
    dropped: [AtomicUsize; 6],
    /// How often the consumer was woken.
    woken: AtomicUsize,
    /// How often the consumer said that it would wait.
    waits: AtomicUsize,
}

struct Value {
    number: usize,
    tally: Arc<Tally>,
}

impl Drop for Value {
    fn drop(&mut self) {
        self.tally.dropped[self.number].fetch_add(1, Relaxed);
    }
}

/// A mailbox, whose consumer is the thread that makes it.
struct Mailbox<const N: usize> {
    ring: Box<Ring<Value, N>>,
    consumer: thread::Thread,
    tally: Arc<Tally>,
}

impl<const N: usize> Mailbox<N> {
    fn new() -> Arc<Self> {
        let mut ring = Box::new(MaybeUninit::uninit());
        // SAFETY: The box is valid for writes.
        unsafe { Ring::init(ring.as_mut_ptr()) };
        Arc::new(Self {
            // SAFETY: It was initialised.
            ring: unsafe { ring.assume_init() },
            consumer: thread::current(),
            tally: Arc::default(),
        })
    }

    fn value(&self, number: usize) -> Value {
        let tally = self.tally.clone();
        Value { number, tally }
    }

    fn send(&self, value: Value) -> Result<(), SendError<Value>> {
        if self.ring.push(value)? {
            self.tally.woken.fetch_add(1, Relaxed);
            self.consumer.unpark();
        }
        Ok(())
    }

    /// A thread that sends these values, one by one, and returns those that are refused.
    fn sender(self: &Arc<Self>, numbers: &'static [usize]) -> thread::JoinHandle<Vec<Value>> {
        let mailbox = self.clone();
        thread::spawn(move || {
            let values = numbers.iter().map(|&number| mailbox.value(number));
            values
                .filter_map(|value| mailbox.send(value).err())
                .map(SendError::into_inner)
                .collect()
        })
    }

    fn receive(&self, consumer: &mut Consumer<'_, Value, N>) -> Value {
        while !consumer.has_next() {
            self.tally.waits.fetch_add(1, Relaxed);
            thread::park();
        }
        consumer.pop().expect("there is a value")
    }

    /// To be called when all threads have ended, with what each of them sent, and with what came.
    fn check(self: Arc<Self>, sent: [&[usize]; 2], came: &[usize]) {
        let tally = self.tally.clone();
        drop(Arc::into_inner(self).expect("nobody else has it"));
        for numbers in sent {
            for &number in numbers {
                assert_eq!(tally.dropped[number].load(Relaxed), 1);
            }
            let of_one = came.iter().filter(|number| numbers.contains(number));
            assert!(of_one.is_sorted_by(|a, b| a < b), "{came:?}");
        }
        assert!(tally.woken.load(Relaxed) <= tally.waits.load(Relaxed));
    }
}

/// Explores what threads do: first with any number of preemptions.
///
/// Loom remembers the last load of a variable only, so a store that follows loads of two threads is
/// not tried before the first one. The second time loads count as changes, which keep their order;
/// then preemptions have to be few, for all orders of loads are tried as well.
fn model(threads: impl Fn() + Copy + Send + Sync + 'static) {
    loom::model(threads);
    LOADS_COUNT.set(true);
    let mut few = Builder::new();
    few.preemption_bound = Some(3);
    few.check(threads);
    LOADS_COUNT.set(false);
}

/// Each value comes, once, after those that its sender sent before, or is refused. Who waits for
/// one is woken.
fn explore<const N: usize>(first: &'static [usize], second: &'static [usize]) {
    model(move || {
        let mailbox = Mailbox::<N>::new();
        let senders = [mailbox.sender(first), mailbox.sender(second)];
        let mut consumer = mailbox.ring.consumer().expect("the only one");
        let all = first.len() + second.len();
        // As many as there is room for come in any case.
        let mut came = Vec::new();
        while came.len() < all.min(N) {
            came.push(mailbox.receive(&mut consumer).number);
        }
        let refused = senders.map(|sender| sender.join().expect("it returns").len());
        came.extend(consumer.batch().map(|value| value.number));
        drop(consumer);
        assert_eq!(came.len() + refused[0] + refused[1], all);
        mailbox.check([first, second], &came);
    });
}

#[test]
fn room_for_one() {
    explore::<1>(&[0, 1], &[2, 3]);
}

#[test]
fn room_for_two() {
    explore::<2>(&[0, 1], &[2]);
}

/// What is not refused comes, though the mailbox is closed meanwhile. The consumer takes so many.
fn explore_close<const N: usize>(first: &'static [usize], second: &'static [usize], takes: usize) {
    model(move || {
        let mailbox = Mailbox::<N>::new();
        let senders = [mailbox.sender(first), mailbox.sender(second)];
        let mut consumer = mailbox.ring.consumer().expect("the only one");
        let end = consumer.close();
        let mut came = Vec::new();
        while came.len() < takes && !consumer.is_at(end) {
            came.push(mailbox.receive(&mut consumer).number);
        }
        let left = !consumer.is_at(end);
        drop(consumer);
        assert!(mailbox.ring.is_closed());
        let refused = senders.map(|sender| sender.join().expect("it returns").len());
        let all = first.len() + second.len();
        assert!(left || came.len() + refused[0] + refused[1] == all);
        mailbox.check([first, second], &came);
    });
}

#[test]
fn close() {
    explore_close::<1>(&[0], &[2], usize::MAX);
    explore_close::<2>(&[0], &[2], usize::MAX);
}

/// What is neither refused nor taken is dropped with the mailbox.
#[test]
fn left_behind() {
    explore_close::<2>(&[0], &[2], 1);
}

/// There is one consumer at a time, and each goes on where the last one was.
#[test]
fn consumers_take_turns() {
    model(|| {
        let mailbox = Mailbox::<2>::new();
        let take = |mailbox: &Mailbox<2>| {
            let value = mailbox.ring.consumer().and_then(|mut it| it.pop());
            value.map(|value| value.number)
        };
        for number in [0, 1] {
            assert!(mailbox.send(mailbox.value(number)).is_ok());
        }
        let takers = [(); 2].map(|()| {
            let mailbox = mailbox.clone();
            thread::spawn(move || take(&mailbox))
        });
        let mut came: Vec<_> = takers
            .into_iter()
            .filter_map(|taker| taker.join().expect("it returns"))
            .collect();
        came.extend(take(&mailbox));
        came.sort();
        assert_eq!(came, [0, 1]);
        mailbox.check([&[0, 1], &[]], &came);
    });
}
