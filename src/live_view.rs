// SPDX-License-Identifier: GPL-2.0

//! `/sys/kernel/debug/kthread`: what all threads of the crate do.

mod threads;
mod workers;

use kernel::{
    debugfs::{
        Dir,
        File, //
    },
    prelude::*, //
};

/// The files, for as long as they are to be seen.
#[pin_data]
pub(crate) struct LiveView {
    dir: Dir,
    #[pin]
    threads: File<()>,
    #[pin]
    workers: File<()>,
}

impl LiveView {
    pub(crate) fn new() -> impl PinInit<Self, Error> {
        try_pin_init!(Self {
            dir: Dir::new(c"kthread"),
            threads <- dir.read_callback_file(c"threads", (), &threads::show_all),
            workers <- dir.read_callback_file(c"workers", (), &workers::show_all),
        })
    }
}
