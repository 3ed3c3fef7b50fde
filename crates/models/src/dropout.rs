use burn::tensor::Tensor;

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

/// Seeds of consecutive steps differ in their last bits only: spreads them over all bits
/// (SplitMix64, Steele et al. 2014).
fn mixed(seed: u64, layer: u64) -> u64 {
    let mut z = seed.wrapping_add((layer + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15));
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
