// SPDX-License-Identifier: GPL-2.0

//! Mailboxes.

use kernel::prelude::*;

#[kunit_tests(kthread_mailbox)]
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
    use kernel::{
        sync::{
            atomic::{
                Atomic,
                Relaxed, //
            },
            Arc, //
        },
        time::{
            delay::{
                fsleep,
                udelay, //
            },
            Delta, //
        },
    };
    use kthread::{
        new_mailbox,
        Exit,
        Mailbox,
        SendError,
        State,
        Stopped,
        Task, //
    };

    fn mailbox<T, const N: usize>() -> Result<Arc<Mailbox<T, N>>> {
        Arc::pin_init(new_mailbox!("test"), GFP_KERNEL)
    }

    /// A thread that adds up what it receives, and counts it.
    fn adder<const N: usize>(
        mailbox: &Arc<Mailbox<i32, N>>,
        received: &Counter,
        sum: &Counter,
    ) -> Result<Task<Result<(), Error>>> {
        let (mailbox, received, sum) = (mailbox.clone(), received.clone(), sum.clone());
        kthread::run!("adder", move |cx| {
            let mut receiver = mailbox.receiver()?;
            loop {
                for value in receiver.receive(&cx)? {
                    sum.add(value);
                    received.increment();
                }
            }
        })
    }

    /// Also when the positions inside wrap around.
    #[test]
    fn values_come_in_order() -> Result {
        let mailbox = mailbox::<_, 8>()?;
        let mut receiver = mailbox.receiver()?;
        for round in 0..100 {
            for i in 0..round % 9 {
                assert_eq!(mailbox.send(100 * round + i), Ok(()));
            }
            assert!(receiver.batch().eq((0..round % 9).map(|i| 100 * round + i)));
        }
        Ok(())
    }

    #[test]
    fn full_hands_back() -> Result {
        let mailbox = mailbox::<_, 4>()?;
        let mut receiver = mailbox.receiver()?;
        for round in 0..10 {
            for i in 0..4 {
                assert_eq!(mailbox.send((round, i)), Ok(()));
            }
            assert_eq!(mailbox.send((9, 9)), Err(SendError::Full((9, 9))));
            assert_eq!(receiver.batch().next(), Some((round, 0)));
            assert_eq!(mailbox.send((round, 4)), Ok(()));
            assert_eq!(Error::from(SendError::Full(())), EAGAIN);
            assert_eq!(SendError::Full(round).into_inner(), round);
            assert!(receiver.batch().eq((1..=4).map(|i| (round, i))));
        }
        Ok(())
    }

    #[test]
    fn room_for_one() -> Result {
        let mailbox = mailbox::<_, 1>()?;
        let mut receiver = mailbox.receiver()?;
        for i in 0..20 {
            assert_eq!(receiver.batch().next(), None);
            assert_eq!(mailbox.send(i), Ok(()));
            assert_eq!(mailbox.send(99), Err(SendError::Full(99)));
            assert_eq!(receiver.batch().next(), Some(i));
        }
        Ok(())
    }

    /// A value without a size, and one that is large.
    #[test]
    fn values_of_any_size() -> Result {
        let small = mailbox::<(), 4>()?;
        small.send(())?;
        small.send(())?;
        assert_eq!(small.receiver()?.batch().count(), 2);

        // More than a stack holds.
        let large = Arc::pin_init(new_mailbox!(), GFP_KERNEL)?;
        let large: Arc<Mailbox<[u64; 32], 512>> = large;
        for i in 0..512 {
            large.send([i; 32])?;
        }
        assert!(large.receiver()?.batch().eq((0..512).map(|i| [i; 32])));
        Ok(())
    }

    /// Sending goes on while the batch is taken: it ends nevertheless.
    #[test]
    fn batch_ends() -> Result {
        let mailbox = mailbox::<_, 4>()?;
        mailbox.send(0)?;
        let mut receiver = mailbox.receiver()?;
        let mut taken = 0;
        for value in receiver.batch().take(10) {
            taken += 1;
            assert_eq!(value + 1, taken);
            assert_eq!(mailbox.send(taken), Ok(()));
        }
        assert_eq!(taken, 4);
        assert!(receiver.batch().eq([4]));
        Ok(())
    }

    #[test]
    fn rest_stays_in_the_mailbox() -> Result {
        let mailbox = mailbox::<_, 4>()?;
        for i in 0..4 {
            mailbox.send(i)?;
        }
        let mut receiver = mailbox.receiver()?;
        let mut batch = receiver.batch();
        assert_eq!(batch.next(), Some(0));
        drop(batch);
        drop(receiver);
        assert!(mailbox.receiver()?.batch().eq([1, 2, 3]));
        Ok(())
    }

    #[test]
    fn closing() -> Result {
        let mailbox = mailbox::<_, 4>()?;
        for i in 0..3 {
            mailbox.send(i)?;
        }
        let mut rest = mailbox.receiver()?.close();
        assert_eq!(mailbox.send(3), Err(SendError::Closed(3)));
        assert_eq!(Error::from(SendError::Closed(())), EPIPE);
        assert_eq!(SendError::Closed(3).into_inner(), 3);
        assert_eq!(rest.next(), Some(0));
        assert_eq!(mailbox.receiver().err(), Some(EBUSY));
        assert!(rest.by_ref().eq([1, 2]));
        assert_eq!(rest.next(), None);
        drop(rest);
        // For good.
        assert_eq!(mailbox.send(4), Err(SendError::Closed(4)));
        assert_eq!(mailbox.receiver().err(), Some(EPIPE));
        Ok(())
    }

    #[test]
    fn values_are_dropped_once() -> Result {
        let dropped = Counter::new()?;
        let filled = || -> Result<Arc<Mailbox<CountsDrop, 4>>> {
            let mailbox = mailbox()?;
            for _ in 0..4 {
                mailbox.send(dropped.on_drop())?;
            }
            Ok(mailbox)
        };

        drop(filled()?);
        assert_eq!(dropped.get(), 4);

        let refused = filled()?;
        drop(refused.send(dropped.on_drop()));
        assert_eq!(dropped.get(), 5);
        drop(refused.receiver()?.batch().next());
        assert_eq!(dropped.get(), 6);
        drop(refused);
        assert_eq!(dropped.get(), 9);

        let closed = filled()?;
        let mut rest = closed.receiver()?.close();
        drop(rest.next());
        assert_eq!(dropped.get(), 10);
        drop(rest);
        assert_eq!(dropped.get(), 13);
        drop(closed.send(dropped.on_drop()));
        assert_eq!(dropped.get(), 14);
        drop(closed);
        assert_eq!(dropped.get(), 14);

        let forgotten = filled()?;
        core::mem::forget(forgotten.receiver()?.close());
        drop(forgotten);
        assert_eq!(dropped.get(), 18);
        Ok(())
    }

    #[test]
    fn one_receiver_at_a_time() -> Result {
        let mailbox = mailbox::<i32, 4>()?;
        let first = mailbox.receiver()?;
        assert_eq!(mailbox.receiver().err(), Some(EBUSY));
        drop(first);
        core::mem::forget(mailbox.receiver()?);
        assert_eq!(mailbox.receiver().err(), Some(EBUSY));
        Ok(())
    }

    #[test]
    fn stop_ends_the_wait() -> Result {
        let mailbox = mailbox::<i32, 4>()?;
        let (received, sum) = (Counter::new()?, Counter::new()?);
        let task = adder(&mailbox, &received, &sum)?;
        let waits = comes_to(&task, State::Waiting);
        let parked = task.park().is_ok();
        let exit = task.stop()?;

        assert!(waits);
        assert!(parked);
        assert!(exit == Exit::Returned(Err(Error::from(Stopped))));
        assert!(mailbox.receiver().is_ok());
        Ok(())
    }

    /// Though it is not received, it is not lost.
    #[test]
    fn stop_wins() -> Result {
        let mailbox = mailbox::<i32, 4>()?;
        mailbox.send(7)?;
        let task = kthread::run!("late", {
            let mailbox = mailbox.clone();
            move |cx| -> Result<_> {
                let mut receiver = mailbox.receiver()?;
                cx.stop_token().request_stop();
                let stopped = receiver.receive(&cx).is_err();
                Ok((stopped, receiver.close().next()))
            }
        })?;
        let exit = task.join()?;

        assert!(exit == Exit::Returned(Ok((true, Some(7)))));
        Ok(())
    }

    #[test]
    fn timeout() -> Result {
        let mailbox = mailbox::<i32, 4>()?;
        let task = kthread::run!("impatient", {
            let mailbox = mailbox.clone();
            move |cx| -> Result<_> {
                let mut receiver = mailbox.receiver()?;
                let limit = Delta::from_millis(5);
                let missed = receiver.receive_timeout(&cx, limit)?.next();
                mailbox.send(7)?;
                Ok((missed, receiver.receive_timeout(&cx, Delta::ZERO)?.next()))
            }
        })?;
        let exit = task.join()?;

        assert!(exit == Exit::Returned(Ok((None, Some(7)))));
        Ok(())
    }

    /// Wherever on the receiver's way into its sleep they come.
    #[test]
    fn sends_are_not_lost() -> Result {
        let mailbox = mailbox::<_, 4>()?;
        let (received, sum) = (Counter::new()?, Counter::new()?);
        let mut refused = mailbox.send(1).is_err();
        let task = adder(&mailbox, &received, &sum)?;
        let mut all = received.reaches(1);
        for i in 1..1000 {
            udelay(Delta::from_micros(i64::from(i % 30)));
            refused |= mailbox.send(1).is_err();
            all &= received.reaches(i + 1);
        }
        drop(task);

        assert!(all);
        assert!(!refused);
        assert_eq!(sum.get(), 1000);
        Ok(())
    }

    #[test]
    fn sent_from_hard_irq() -> Result {
        let mailbox = mailbox::<_, 4>()?;
        let (received, sum) = (Counter::new()?, Counter::new()?);
        let task = adder(&mailbox, &received, &sum)?;
        let mut all = true;
        for i in 1..=10 {
            let waits = comes_to(&task, State::Waiting);
            let mailbox = mailbox.clone();
            call_in_hard_irq(move || {
                let _ = mailbox.send(1);
                let _ = mailbox.send(10);
            })?;
            all &= waits && received.reaches(2 * i);
        }
        drop(task);

        assert!(all);
        assert_eq!(sum.get(), 110);
        Ok(())
    }

    /// What each sender did not get back comes, also what it sends just now.
    #[test]
    fn closing_races_with_sending() -> Result {
        for i in 0..200 {
            let mailbox = mailbox::<i32, 16>()?;
            let sent = Arc::new(Atomic::new(0), GFP_KERNEL)?;
            let mut senders = KVec::new();
            for _ in 0..3 {
                let (mailbox, sent) = (mailbox.clone(), sent.clone());
                let sender = kthread::run!("sender", move |cx| loop {
                    match mailbox.send(1) {
                        Ok(()) => sent.fetch_add(1, Relaxed),
                        Err(SendError::Closed(_)) => break true,
                        Err(SendError::Full(_)) if cx.should_stop() => break false,
                        Err(SendError::Full(_)) => {
                            cx.cond_resched();
                            0
                        }
                    };
                })?;
                senders.push(sender, GFP_KERNEL)?;
            }
            let mut receiver = mailbox.receiver()?;
            let mut received = 0;
            let begun = eventually(|| sent.load(Relaxed) > 0);
            for _ in 0..i % 20 {
                received += receiver.batch().sum::<i32>();
            }
            received += receiver.close().sum::<i32>();
            let mut closed = true;
            for sender in senders {
                closed &= sender.join()? == Exit::Returned(true);
            }

            assert!(begun);
            assert!(closed);
            assert_eq!(received, sent.load(Relaxed));
        }
        Ok(())
    }

    /// Whoever is behind takes what has piled up as one batch.
    #[test]
    fn receiver_may_be_busy() -> Result {
        let mailbox = mailbox::<_, 64>()?;
        let (received, sum) = (Counter::new()?, Counter::new()?);
        let batches = Counter::new()?;
        let task = kthread::run!("slow", {
            let (mailbox, received) = (mailbox.clone(), received.clone());
            let (sum, batches) = (sum.clone(), batches.clone());
            move |cx| -> Result<(), Error> {
                let mut receiver = mailbox.receiver()?;
                loop {
                    let batch = receiver.receive(&cx)?;
                    batches.increment();
                    // Others send meanwhile.
                    cx.sleep(Delta::from_millis(20))?;
                    for value in batch {
                        sum.add(value);
                        received.increment();
                    }
                }
            }
        })?;
        let waits = comes_to(&task, State::Waiting);
        for _ in 0..50 {
            mailbox.send(1)?;
        }
        let all = received.reaches(50);
        fsleep(Delta::from_millis(5));
        let batches = batches.get();
        drop(task);

        assert!(waits);
        assert!(all);
        assert_eq!(sum.get(), 50);
        assert!((1..=2).contains(&batches));
        Ok(())
    }
}
