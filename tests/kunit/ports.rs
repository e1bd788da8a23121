// SPDX-License-Identifier: GPL-2.0

//! Ports of C code that uses kthread workers.

pub(crate) mod ptp_clock;
pub(crate) mod vblank_work;
