//! Batches cut at random, from a seed: boundaries carry no meaning, and tests hold us to it.

use rand::{Rng, SeedableRng};
use rand_pcg::Pcg64Mcg;

/// A stream of batch sizes.
pub(super) struct Cuts {
    random: Pcg64Mcg,
}

impl Cuts {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: Pcg64Mcg::seed_from_u64(seed) }
    }

    /// The next size, from 1 to `most`; small ones are as likely as large ones.
    pub(super) fn next(&mut self, most: usize) -> usize {
        let bits = self.random.random_range(0..=most.max(1).ilog2());
        self.random.random_range(1..=(2usize << bits).min(most.max(1)))
    }
}
