//! Fused operations for training on a plain CPU, given to Burn as a backend extension.
//!
//! Convolution, bias, ReLU and pooling as one operation; batch normalization and ReLU as another;
//! dense layers; dropout; Adam in one pass. One set of kernels on plain slices serves Burn's `flex` and `ndarray`; every other backend, and
//! sizes that the kernels do not cover, take Burn's own operations, with the same results.
//!
//! ```
//! use burn::tensor::{Device, Distribution, Tensor};
//! use burn_fused_cpu::{Epilogue, Implementation, conv_block, conv_block_implementation};
//!
//! let device = Device::flex();
//! let images = Tensor::<4>::random([8, 1, 28, 28], Distribution::Default, &device);
//! let weights = Tensor::<4>::random([16, 1, 5, 5], Distribution::Default, &device);
//! let bias = Tensor::<1>::zeros([16], &device);
//! let (padding, epilogue) = ([2; 4], Epilogue::ReluPool);
//! let chosen = conv_block_implementation(&images, &weights, padding, epilogue);
//! assert_eq!(chosen, Implementation::Fused);
//! let y = conv_block(images, weights, Some(bias), padding, epilogue);
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
mod batch_norm;
mod conv;
mod dense;
mod dropout;
mod host;
mod implementation;
mod operation;
mod simd;

pub use adam::FusedAdam;
pub use batch_norm::{Normalized, batch_norm_relu, batch_norm_relu_implementation};
pub use conv::{Epilogue, Geometry, conv_block, conv_block_implementation, convolution_size};
pub use dense::{dense, dense_implementation, dense_relu};
pub use dropout::{dropout, dropout_implementation};
pub use implementation::Implementation;
pub use simd::Instructions;
