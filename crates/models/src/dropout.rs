use burn::tensor::{Tensor, TensorData};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

/// Dropout (Srivastava et al. 2014), kept values scaled by 1/(1 − p). The mask depends only on
/// `seed`, `layer` and the position, not on the backend or on any global random state.
pub(crate) fn drop_out<const D: usize>(
    x: Tensor<D>,
    probability: f64,
    seed: Option<u64>,
    layer: u64,
) -> Tensor<D> {
    let Some(seed) = seed.filter(|_| probability > 0.0) else {
        return x;
    };
    let mut rng =
        Xoshiro256PlusPlus::seed_from_u64(seed ^ layer.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    let keep = (1.0 / (1.0 - probability)) as f32;
    let threshold = (probability * f64::from(u32::MAX)) as u32;
    let mask: Vec<f32> = (0..x.shape().num_elements())
        .map(|_| {
            if rng.random::<u32>() < threshold {
                0.0
            } else {
                keep
            }
        })
        .collect();
    let mask = Tensor::<D>::from_data(TensorData::new(mask, x.shape()), &x.device());
    x * mask
}
