use burn::tensor::Tensor;
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};

/// Distance between the states of two layers, that of two numbers of SplitMix64.
const GOLDEN: u64 = 0x9E37_79B9_7F4A_7C15;

/// Dropout in training; `None` for inference. The mask depends only on `seed`, `layer` and the
/// position, not on the backend or on any global random state.
pub(crate) fn drop_out<const D: usize>(
    x: Tensor<D>,
    probability: f64,
    seed: Option<u64>,
    layer: u64,
) -> Tensor<D> {
    match seed {
        Some(seed) => burn_fused_cpu::dropout(x, probability, mixed(seed, layer)),
        None => x,
    }
}

/// Seeds of consecutive steps differ in their last bits only: spreads them over all bits.
fn mixed(seed: u64, layer: u64) -> u64 {
    SplitMix64::seed_from_u64(seed.wrapping_add(layer.wrapping_mul(GOLDEN))).next_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_mixed_as_in_every_run_so_far() {
        // The finalizer of SplitMix64 (Steele et al. 2014) of seed + (layer + 1) · GOLDEN.
        for (seed, layer, expected) in [
            (0, 0, 0xE220_A839_7B1D_CDAF),
            (42, 1, 0x28EF_E333_B266_F103),
            (43, 1000, 0x12AA_40A8_F1DF_7F66),
            (u64::MAX, 1001, 0x2D8A_68A5_E226_40B7),
        ] {
            assert_eq!(mixed(seed, layer), expected);
        }
    }
}
