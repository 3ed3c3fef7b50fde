//! Batch normalization and ReLU: [`operation`] on tensors, [`kernel`] on plain slices.

mod kernel;
mod operation;

pub use operation::{Normalized, batch_norm_relu, batch_norm_relu_implementation};
