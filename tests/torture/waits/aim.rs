// SPDX-License-Identifier: GPL-2.0

//! Doing something about when another task does something else.

use crate::rng::Rng;
use kernel::time::Delta;

const SHORTEST: u32 = 500;
const LONGEST: u32 = 300_000;

/// Delays, in nanoseconds, that are as often too short as too long, whatever machine this runs on.
pub(super) struct Aim(u32);

impl Aim {
    pub(super) const fn new() -> Self {
        Self(20_000)
    }

    /// The next delay: half of the middle to one and a half.
    pub(super) fn delay(&self, rng: &mut Rng) -> Delta {
        Delta::from_nanos((self.0 / 2 + rng.below(self.0)).into())
    }

    /// Takes into account whether the last one was too short.
    pub(super) fn learn(&mut self, too_short: bool) {
        let step = self.0 / 16;
        let next = if too_short {
            self.0 + step
        } else {
            self.0 - step
        };
        self.0 = next.clamp(SHORTEST, LONGEST);
    }
}
