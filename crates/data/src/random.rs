//! Independent generators for the many uses of one seed.

use rand::{Rng, SeedableRng};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};

/// The step of SplitMix64's state from one output to the next (Steele, Lea and Flood 2014).
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A seed for each `number` under one seed: output `number` of SplitMix64, which spreads
/// consecutive numbers over all bits.
pub(crate) fn mix(seed: u64, number: u64) -> u64 {
    seed ^ SplitMix64::seed_from_u64(number.wrapping_mul(STEP)).next_u64()
}

/// An independent generator for each `number` under one seed.
pub(crate) fn stream(seed: u64, number: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(mix(seed, number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_mixed_as_splitmix64_does() {
        // The first outputs of the reference implementation (Vigna) for the seed 0.
        for (number, output) in [(0, 0xE220_A839_7B1D_CDAF), (1, 0x6E78_9E6A_A1B9_65F4)] {
            assert_eq!(mix(0, number), output);
            assert_eq!(mix(77, number), output ^ 77);
        }
    }
}
