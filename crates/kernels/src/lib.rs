//! Fused operations for training on a plain CPU, given to Burn as a backend extension.
//!
//! Convolution, bias, ReLU and pooling as one operation; batch normalization and ReLU as another;
//! dense layers; dropout; Adam in one pass.
//! One set of kernels on plain slices serves Burn's `flex` and `ndarray`; every other backend, and
//! sizes that the kernels do not cover, take Burn's own operations, with the same results.
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor};
//! use burn_fused_cpu::{Implementation, Epilogue, conv_block, conv_block_implementation};
//!
//! let device = Device::flex();
//! let images = Tensor::<4>::random([8, 1, 28, 28], Distribution::Default, &device);
//! let weights = Tensor::<4>::random([16, 1, 5, 5], Distribution::Default, &device);
//! let bias = Tensor::<1>::zeros([16], &device);
//! assert_eq!(conv_block_implementation(&images, &weights, [2; 4], Epilogue::ReluPool), Implementation::Fused);
//! let y = conv_block(images, weights, Some(bias), [2; 4], Epilogue::ReluPool);
//! assert_eq!(y.dims(), [8, 16, 14, 14]);
//! ```
#![allow(
    deprecated,
    reason = "burn-ndarray is a promised backend, though Burn prefers flex"
)]
#![allow(
    clippy::needless_range_loop,
    reason = "register tiles: one index for several arrays"
)]
#![allow(
    unsafe_code,
    reason = "vector instructions and disjoint writes from several threads"
)]
#![warn(clippy::undocumented_unsafe_blocks)]

mod adam;
mod autodiff;
mod conv;
mod elementwise;
mod fallback;
mod gemm;
mod host;
mod norm;
mod operations;
mod simd;

pub use adam::{FusedAdam, FusedAdamConfig};
pub use conv::{Epilogue, Geometry};
pub use simd::Instructions;

use burn::backend::{Dispatch, DispatchDevice};
use burn::tensor::{DType, Device, Tensor, TensorData, activation};

use operations::Kernels;

/// The code that an operation takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Implementation {
    /// The kernels of this crate.
    Fused,
    /// Burn's own operations.
    Fallback,
}

/// Whether tensors of the device and type are for the kernels.
fn on_host(device: &Device, dtype: DType) -> bool {
    fn host(device: &DispatchDevice) -> bool {
        match device {
            DispatchDevice::Flex(_) | DispatchDevice::NdArray(_) => true,
            DispatchDevice::Autodiff(device) => host(device),
            #[allow(
                unreachable_patterns,
                reason = "which others exist depends on features"
            )]
            _ => false,
        }
    }
    matches!(dtype, DType::F32 | DType::F64) && host(device.as_dispatch())
}

/// The code that [`conv_block`] takes for tensors like these.
pub fn conv_block_implementation(
    images: &Tensor<4>,
    weights: &Tensor<4>,
    padding: [usize; 4],
    epilogue: Epilogue,
) -> Implementation {
    let fits = geometry(images, weights, padding, epilogue).is_supported();
    if fits
        && on_host(&images.device(), images.dtype())
        && images.dtype() == weights.dtype()
        && images.dims()[1] == weights.dims()[1]
    {
        Implementation::Fused
    } else {
        Implementation::Fallback
    }
}

fn geometry(
    images: &Tensor<4>,
    weights: &Tensor<4>,
    padding: [usize; 4],
    epilogue: Epilogue,
) -> Geometry {
    let [batch, channels_in, height, width] = images.dims();
    let [channels_out, _, kernel_height, kernel_width] = weights.dims();
    Geometry {
        batch,
        channels_in,
        image: [height, width],
        channels_out,
        kernel: [kernel_height, kernel_width],
        padding,
        epilogue,
    }
}

/// Convolution (cross-correlation, stride 1), bias, and what `epilogue` says, as one operation,
/// differentiable in all three tensors.
///
/// # Shapes
/// images `[batch, in, height, width]`, weights `[out, in, ky, kx]`, bias `[out]` →
/// `[batch, out, height', width']`; `padding` counts the rows and columns of zeros at the top,
/// left, bottom and right.
///
/// # Panics
/// As Burn's `conv2d`: tensors of unequal types or channels, a bias of another length, a kernel
/// larger than the image.
pub fn conv_block(
    images: Tensor<4>,
    weights: Tensor<4>,
    bias: Option<Tensor<1>>,
    padding: [usize; 4],
    epilogue: Epilogue,
) -> Tensor<4> {
    check_bias(bias.as_ref(), weights.dims()[0], weights.dtype());
    let sizes = geometry(&images, &weights, padding, epilogue);
    assert_eq!(
        sizes.channels_in,
        weights.dims()[1],
        "the weights have the images' channels"
    );
    // Burn's backends do not check it, and return whatever.
    assert!(
        sizes.convolved().is_some(),
        "the kernel fits in the image with its padding: {sizes:?}"
    );
    match conv_block_implementation(&images, &weights, padding, epilogue) {
        Implementation::Fallback => fallback::conv_block(images, weights, bias, padding, epilogue),
        Implementation::Fused => {
            let bias = bias.unwrap_or_else(|| zeros(sizes.channels_out, &images));
            Tensor::from_dispatch(<Dispatch as Kernels>::conv_block(
                images.into_dispatch(),
                weights.into_dispatch(),
                bias.into_dispatch(),
                sizes,
            ))
        }
    }
}

/// # Panics
/// On a bias of another length or type than the layer's: it would be read as zeros, or not at all.
fn check_bias(bias: Option<&Tensor<1>>, length: usize, dtype: DType) {
    if let Some(bias) = bias {
        assert_eq!(
            (bias.dims(), bias.dtype()),
            ([length], dtype),
            "the bias has one number of the weights' type for each channel or unit"
        );
    }
}

/// A bias of zeros of the type and device of `like`.
fn zeros<const D: usize>(length: usize, like: &Tensor<D>) -> Tensor<1> {
    Tensor::zeros([length], (&like.device(), like.dtype()))
}

/// The code that [`dense`] and [`dense_relu`] take for tensors like these.
pub fn dense_implementation(x: &Tensor<2>, weights: &Tensor<2>) -> Implementation {
    let ([batch, inputs], [rows, units]) = (x.dims(), weights.dims());
    let fits = inputs == rows && batch > 0 && inputs > 0 && units > 0;
    if fits && x.dtype() == weights.dtype() && on_host(&x.device(), x.dtype()) {
        Implementation::Fused
    } else {
        Implementation::Fallback
    }
}

/// A dense layer, x·w + b, differentiable in all three tensors.
///
/// # Shapes
/// x `[batch, inputs]`, weights `[inputs, units]`, bias `[units]` → `[batch, units]`
///
/// # Panics
/// As Burn's `matmul`: sizes that do not fit; and on a bias of another length or type.
pub fn dense(x: Tensor<2>, weights: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    layer(x, weights, bias, false)
}

/// [`dense`] and ReLU as one operation, max(0, x·w + b).
///
/// # Panics
/// As [`dense`].
pub fn dense_relu(x: Tensor<2>, weights: Tensor<2>, bias: Option<Tensor<1>>) -> Tensor<2> {
    layer(x, weights, bias, true)
}

fn layer(x: Tensor<2>, weights: Tensor<2>, bias: Option<Tensor<1>>, relu: bool) -> Tensor<2> {
    let units = weights.dims()[1];
    check_bias(bias.as_ref(), units, weights.dtype());
    if dense_implementation(&x, &weights) == Implementation::Fallback {
        let mut y = x.matmul(weights);
        if let Some(bias) = bias {
            y = y + bias.unsqueeze();
        }
        return if relu { activation::relu(y) } else { y };
    }
    let bias = bias.unwrap_or_else(|| zeros(units, &x));
    Tensor::from_dispatch(<Dispatch as Kernels>::dense(
        x.into_dispatch(),
        weights.into_dispatch(),
        bias.into_dispatch(),
        relu,
    ))
}

/// What [`batch_norm_relu`] returns.
#[derive(Debug)]
pub struct Normalized {
    /// `[batch, channels, height, width]`
    pub output: Tensor<4>,
    /// Mean of each channel, `[channels]`; carries no gradient.
    pub mean: Tensor<1>,
    /// Biased variance of each channel, Σ(x − mean)²/n, `[channels]`; carries no gradient.
    pub variance: Tensor<1>,
}

/// The code that [`batch_norm_relu`] takes for a tensor like this.
pub fn batch_norm_relu_implementation(x: &Tensor<4>) -> Implementation {
    if x.shape().num_elements() > 0 && on_host(&x.device(), x.dtype()) {
        Implementation::Fused
    } else {
        Implementation::Fallback
    }
}

/// Batch normalization by the batch's own statistics (Ioffe and Szegedy 2015) and ReLU,
/// max(0, γ·(x − mean)/√(variance + ε) + β), differentiable in all three tensors.
///
/// # Shapes
/// x `[batch, channels, height, width]`, gamma and beta `[channels]`
///
/// # Panics
/// On a gamma or beta of another length or type than x's channels.
pub fn batch_norm_relu(
    x: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
    epsilon: f64,
) -> Normalized {
    for of_channels in [&gamma, &beta] {
        check_bias(Some(of_channels), x.dims()[1], x.dtype());
    }
    if batch_norm_relu_implementation(&x) == Implementation::Fallback {
        let result = burn::tensor::module::batch_norm_train(x, gamma, beta, epsilon);
        return Normalized {
            output: activation::relu(result.output),
            mean: result.mean,
            variance: result.variance,
        };
    }
    let result = <Dispatch as Kernels>::batch_norm_relu(
        x.into_dispatch(),
        gamma.into_dispatch(),
        beta.into_dispatch(),
        epsilon,
    );
    Normalized {
        output: Tensor::from_dispatch(result.output),
        mean: Tensor::from_dispatch(result.mean),
        variance: Tensor::from_dispatch(result.variance),
    }
}

/// The code that [`dropout`] takes for tensors like this.
pub fn dropout_implementation<const D: usize>(x: &Tensor<D>) -> Implementation {
    if on_host(&x.device(), x.dtype()) {
        Implementation::Fused
    } else {
        Implementation::Fallback
    }
}

/// Dropout (Srivastava et al. 2014): each number is multiplied by 0 with `probability`
/// (0 ≤ p < 1), else by 1/(1 − p); NaN stays NaN and 0 · ∞ becomes it. Which ones is a function of `seed` and the position, the same on every
/// backend, so any step can be repeated.
pub fn dropout<const D: usize>(x: Tensor<D>, probability: f64, seed: u64) -> Tensor<D> {
    if probability <= 0.0 {
        return x;
    }
    if dropout_implementation(&x) == Implementation::Fused {
        return Tensor::from_dispatch(<Dispatch as Kernels>::dropout(
            x.into_dispatch(),
            seed,
            probability,
        ));
    }
    let mask = elementwise::mask(seed, probability, x.shape().num_elements());
    let mask = TensorData::new(mask, x.shape()).convert_dtype(x.dtype());
    let mask = Tensor::<D>::from_data(mask, (&x.device(), x.dtype()));
    x * mask
}
