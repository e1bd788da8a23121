// SPDX-License-Identifier: GPL-2.0

//! Measures an operation, and logs what came out.

use crate::{
    clock,
    module_parameters,
    parameter, //
};
use kernel::{
    fmt,
    prelude::*, //
};

/// That a line of the log has room for.
const MOST_ROUNDS: usize = 50;

/// Until caches of the kernel, such as those of stacks, are filled.
const WARM_UP: usize = 3;

/// Measures one round, which does something `count` times.
pub(crate) fn measure(name: &str, count: usize, mut round: impl FnMut() -> Result) -> Result {
    let mut taken = [0; MOST_ROUNDS];
    let most = usize::try_from(parameter::value(&module_parameters::rounds))?.min(MOST_ROUNDS);
    for _ in 0..WARM_UP {
        round()?;
    }
    for taken in &mut taken[..most] {
        let start = clock::now();
        round()?;
        *taken = clock::now() - start;
    }
    pr_info!("{} x{}:{}\n", name, count, Rounds(&taken[..most]));
    Ok(())
}

struct Rounds<'a>(&'a [u64]);

impl fmt::Display for Rounds<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|taken| write!(f, " {taken}"))
    }
}
