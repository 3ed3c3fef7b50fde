//! Convolution, bias, ReLU and 2×2 max-pool as one operation.
//!
//! [`block`] is the operation, [`forward`] (with [`winograd`] for 3×3 kernels) and [`backward`]
//! (with [`stream`]) are its passes over plain slices.

mod backward;
mod block;
mod forward;
mod geometry;
mod layout;
mod squares;
mod stream;
mod winograd;

pub use block::{conv_block, conv_block_implementation};
pub use geometry::{Epilogue, Geometry, convolution_size};
