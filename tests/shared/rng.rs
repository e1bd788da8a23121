// SPDX-License-Identifier: GPL-2.0

//! Random numbers, and delays of random length.

use kernel::time::{
    delay::{
        fsleep,
        udelay, //
    },
    Delta, //
};

/// Longest delay, in microseconds.
const LONGEST: u32 = 50;

/// A xorshift generator.
pub(crate) struct Rng(u64);

impl Rng {
    /// Each stream of a seed has numbers of its own.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        // Two seeds that differ by one bit must differ by more here; from zero nothing would come.
        let mixed = (seed ^ stream.rotate_left(32)).wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        Self((mixed ^ (mixed >> 31)) | 1)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// A number below `limit`; zero if that is zero.
    pub(crate) fn below(&mut self, limit: u32) -> u32 {
        // CAST: Below `limit`, as the random number is below 2^32.
        (((self.next() >> 32) * u64::from(limit)) >> 32) as u32
    }

    /// `true` once in so many times.
    pub(crate) fn one_in(&mut self, times: u32) -> bool {
        self.below(times) == 0
    }

    /// A short time.
    pub(crate) fn delay(&mut self) -> Delta {
        Delta::from_micros(self.below(LONGEST + 1).into())
    }

    /// Nothing, or a short time in which the caller is busy, or asleep.
    pub(crate) fn pause(&mut self) {
        match self.below(4) {
            0 => udelay(self.delay()),
            1 => fsleep(self.delay()),
            _ => {}
        }
    }
}
