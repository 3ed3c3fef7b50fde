//! Convolution, bias, ReLU and 2×2 max-pool as one operation on plain slices.

mod backward;
mod forward;
mod geometry;
mod layout;
mod stream;
mod winograd;

pub(crate) use forward::Results;
pub use geometry::{Epilogue, Geometry};
pub(crate) use layout::transpose_to;

pub(crate) use backward::{Gradients, Inputs, ReluPoolMask, unpool};

#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512, Avx512Narrow};
use crate::simd::{Float, Instructions, Lanes, Plain};

/// A number type with kernels: f32 by the best instructions of the processor, f64 by plain code.
pub(crate) trait Convolve: Float {
    /// See [`forward::forward`].
    fn forward(
        geometry: &Geometry,
        images: &[Self],
        weights: &[Self],
        bias: Option<&[Self]>,
        marks: bool,
    ) -> Option<Results<Self>>;
    /// See [`backward::backward`].
    fn backward(geometry: &Geometry, inputs: Inputs<'_, Self>) -> Option<Gradients<Self>>;
}

/// The two passes over one image, compiled for one set of instructions.
macro_rules! compiled {
    ($module:ident, $lanes:ty, $($feature:literal),*) => {
        mod $module {
            use super::*;
            $(#[target_feature(enable = $feature)])*
            pub(super) unsafe fn forward(
                shared: &forward::Image<'_, $lanes>,
                scratch: &mut forward::Scratch<<$lanes as Lanes>::T>,
                image: &[<$lanes as Lanes>::T],
                outputs: forward::Outputs<<$lanes as Lanes>::T>,
            ) {
                // SAFETY: only called where the features above are there.
                unsafe { forward::one_image::<$lanes>(shared, scratch, image, outputs) }
            }
            $(#[target_feature(enable = $feature)])*
            pub(super) unsafe fn backward(
                part: &backward::Part<'_, $lanes>,
                worker: &mut backward::Worker<<$lanes as Lanes>::T>,
                index: usize,
                target: Option<*mut <$lanes as Lanes>::T>,
            ) -> bool {
                // SAFETY: only called where the features above are there.
                unsafe { backward::one_image::<$lanes>(part, worker, index, target) }
            }
        }
    };
}
compiled!(plain_f32, Plain<f32>,);
compiled!(plain_f64, Plain<f64>,);
#[cfg(target_arch = "x86_64")]
compiled!(avx2, Avx2, "avx2", "fma");
#[cfg(target_arch = "x86_64")]
compiled!(
    avx512, Avx512, "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx2", "fma"
);
#[cfg(target_arch = "x86_64")]
compiled!(
    avx512_narrow,
    Avx512Narrow,
    "avx512f",
    "avx512bw",
    "avx512dq",
    "avx512vl",
    "avx2",
    "fma"
);

/// Whether so few channels leave more than half of a 16-lane vector empty.
fn narrow(channels: usize) -> bool {
    channels <= 8
}

impl Convolve for f32 {
    fn forward(
        geometry: &Geometry,
        images: &[f32],
        weights: &[f32],
        bias: Option<&[f32]>,
        marks: bool,
    ) -> Option<Results<f32>> {
        match Instructions::current() {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 if !narrow(geometry.channels_out) => {
                forward::forward(geometry, images, weights, bias, marks, avx512::forward)
            }
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => forward::forward(
                geometry,
                images,
                weights,
                bias,
                marks,
                avx512_narrow::forward,
            ),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => {
                forward::forward(geometry, images, weights, bias, marks, avx2::forward)
            }
            _ => forward::forward(geometry, images, weights, bias, marks, plain_f32::forward),
        }
    }

    fn backward(geometry: &Geometry, inputs: Inputs<'_, f32>) -> Option<Gradients<f32>> {
        match Instructions::current() {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 if !narrow(geometry.channels_in * geometry.kernel[1]) => {
                backward::backward(geometry, inputs, avx512::backward)
            }
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => backward::backward(geometry, inputs, avx512_narrow::backward),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => backward::backward(geometry, inputs, avx2::backward),
            _ => backward::backward(geometry, inputs, plain_f32::backward),
        }
    }
}

impl Convolve for f64 {
    fn forward(
        geometry: &Geometry,
        images: &[f64],
        weights: &[f64],
        bias: Option<&[f64]>,
        marks: bool,
    ) -> Option<Results<f64>> {
        forward::forward(geometry, images, weights, bias, marks, plain_f64::forward)
    }

    fn backward(geometry: &Geometry, inputs: Inputs<'_, f64>) -> Option<Gradients<f64>> {
        backward::backward(geometry, inputs, plain_f64::backward)
    }
}
