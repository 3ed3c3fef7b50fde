#![doc = include_str!("../README.md")]
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
mod operation;
mod simd;

pub use adam::FusedAdam;
pub use batch_norm::{Normalized, batch_norm_relu, batch_norm_relu_implementation};
pub use conv::{Epilogue, Geometry, conv_block, conv_block_implementation, convolution_size};
pub use dense::{dense, dense_implementation, dense_relu};
pub use dropout::{dropout, dropout_implementation};
pub use operation::Implementation;
pub use simd::Instructions;
