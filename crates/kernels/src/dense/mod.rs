//! Dense layers: [`layer`] is the operation, [`gemm`] its matrix products.

mod gemm;
mod layer;

pub use layer::{dense, dense_implementation, dense_relu};
