//! The passes compiled for each set of instructions, and the choice among them.

use super::geometry::Geometry;
use super::squares::Image;
use super::{backward, forward};
#[cfg(target_arch = "x86_64")]
use crate::simd::{Avx2, Avx512, Avx512Narrow};
use crate::simd::{Float, Instructions, Lanes, Plain};

/// A number type with kernels: f32 by the best instructions of the processor, f64 by plain code.
pub(super) trait Convolve: Float {
    /// See [`forward::forward`].
    fn forward(
        geometry: &Geometry,
        inputs: forward::Inputs<'_, Self>,
    ) -> Option<forward::Results<Self>>;
    /// See [`backward::backward`].
    fn backward(
        geometry: &Geometry,
        inputs: backward::Inputs<'_, Self>,
    ) -> Option<backward::Gradients<Self>>;
}

/// The two passes over one image, compiled for one set of instructions.
macro_rules! compiled {
    ($module:ident, $lanes:ty, $($feature:literal),*) => {
        mod $module {
            use super::*;
            type T = <$lanes as Lanes>::T;
            $(#[target_feature(enable = $feature)])*
            pub(super) unsafe fn forward(
                image: &Image<'_, $lanes>,
                worker: &mut forward::Worker<T>,
                index: usize,
            ) {
                // SAFETY: only called where the features above are there.
                unsafe { forward::one_image::<$lanes>(image, worker, index) }
            }
            $(#[target_feature(enable = $feature)])*
            pub(super) unsafe fn backward(
                part: &backward::Part<'_, $lanes>,
                worker: &mut backward::Worker<T>,
                index: usize,
            ) -> bool {
                // SAFETY: only called where the features above are there.
                unsafe { backward::one_image::<$lanes>(part, worker, index) }
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
#[rustfmt::skip]
compiled!(avx512_narrow, Avx512Narrow, "avx512f", "avx512bw", "avx512dq", "avx512vl", "avx2", "fma");

/// Calls a pass with its function for the instructions in use; `channels` so few that they leave
/// more than half of a 16-lane vector empty take one of 8.
macro_rules! by_instructions {
    ($channels:expr, $pass:ident($geometry:expr, $inputs:expr)) => {
        match Instructions::current() {
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 if $channels > 8 => {
                $pass::$pass($geometry, $inputs, avx512::$pass)
            }
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx512 => $pass::$pass($geometry, $inputs, avx512_narrow::$pass),
            #[cfg(target_arch = "x86_64")]
            Instructions::Avx2 => $pass::$pass($geometry, $inputs, avx2::$pass),
            _ => $pass::$pass($geometry, $inputs, plain_f32::$pass),
        }
    };
}

impl Convolve for f32 {
    fn forward(
        geometry: &Geometry,
        inputs: forward::Inputs<'_, f32>,
    ) -> Option<forward::Results<f32>> {
        by_instructions!(geometry.channels_out, forward(geometry, inputs))
    }

    fn backward(
        geometry: &Geometry,
        inputs: backward::Inputs<'_, f32>,
    ) -> Option<backward::Gradients<f32>> {
        let run = geometry.channels_in * geometry.kernel[1];
        by_instructions!(run, backward(geometry, inputs))
    }
}

impl Convolve for f64 {
    fn forward(
        geometry: &Geometry,
        inputs: forward::Inputs<'_, f64>,
    ) -> Option<forward::Results<f64>> {
        forward::forward(geometry, inputs, plain_f64::forward)
    }

    fn backward(
        geometry: &Geometry,
        inputs: backward::Inputs<'_, f64>,
    ) -> Option<backward::Gradients<f64>> {
        backward::backward(geometry, inputs, plain_f64::backward)
    }
}
