// SPDX-License-Identifier: GPL-2.0

//! What it costs to wait: for another thread, for an interrupt, for a while.

use crate::{
    clock,
    hard_irq,
    measure::measure, //
};
use kernel::{
    prelude::*,
    sync::{
        atomic::{
            Acquire,
            Atomic,
            Release, //
        },
        Arc, //
    },
    time::Delta, //
};
use kthread::{
    new_event,
    new_wait_queue,
    Current,
    Stopped,
    WaitQueue, //
};

const COUNT: usize = 100;

/// A table with two players, one of whom has the ball.
#[pin_data]
struct Table {
    #[pin]
    ping: WaitQueue,
    #[pin]
    pong: WaitQueue,
    ball: Atomic<i32>,
}

/// Plays the ball back.
fn pong(cx: &Current<'_>, table: &Table) -> Result<(), Stopped> {
    loop {
        cx.wait(&table.pong, || table.ball.load(Acquire) != 0)?;
        table.ball.store(0, Release);
        table.ping.wake_all();
    }
}

pub(crate) fn measure_all(cx: &Current<'_>) -> Result {
    let table = Arc::pin_init(
        pin_init!(Table {
            ping <- new_wait_queue!("ping"),
            pong <- new_wait_queue!("pong"),
            ball: Atomic::new(0),
        }),
        GFP_KERNEL,
    )?;
    let task = kthread::run!("pong", {
        let table = table.clone();
        move |cx| pong(&cx, &table)
    })?;
    measure("ping_pong", COUNT, || {
        for _ in 0..COUNT {
            table.ball.store(1, Release);
            table.pong.wake_all();
            cx.wait(&table.ping, || table.ball.load(Acquire) == 0)
                .map_err(interrupted)?;
        }
        Ok(())
    })?;
    drop(task);

    clock::soaking(|| measure_idling(cx))
}

/// In between nothing else happens.
fn measure_idling(cx: &Current<'_>) -> Result {
    let event = Arc::pin_init(new_event!("interrupt"), GFP_KERNEL)?;
    measure("event_from_irq", COUNT, || {
        for _ in 0..COUNT {
            hard_irq::raise(&event);
            cx.wait_event(&event).map_err(interrupted)?;
        }
        Ok(())
    })?;
    measure("sleep", COUNT, || {
        for _ in 0..COUNT {
            cx.sleep(Delta::from_micros(100)).map_err(interrupted)?;
        }
        Ok(())
    })
}

/// Nobody stops the thread that measures.
fn interrupted(_: Stopped) -> Error {
    EINTR
}
