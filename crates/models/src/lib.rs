//! Tensors to logits: the feed-forward network ([`Mlp`]) and the convolutional network
//! ([`Cnn`]) of exercise 4-3, as plain serde configurations and Burn modules.
//!
//! A configuration is data; [`ModelConfig::init`] checks it and builds the module. Modules know
//! no file and no data set: they take images `[batch, 1, height, width]`, already normalised,
//! and return logits `[batch, classes]`.
//!
//! ```
//! use burn::tensor::{Device, Tensor};
//! use digits_models::{MlpConfig, ModelConfig};
//!
//! # fn main() -> Result<(), digits_models::ModelError> {
//! let device = Device::flex();
//! let config = ModelConfig::Mlp(MlpConfig { hidden: vec![32], ..MlpConfig::default() });
//! let model = config.init(&device)?;
//! let logits = model.forward(Tensor::zeros([4, 1, 28, 28], &device));
//! assert_eq!(logits.dims(), [4, 10]);
//! assert_eq!(config.parameters()?, 784 * 32 + 32 + 32 * 10 + 10);
//! # Ok(())
//! # }
//! ```

mod activation;
mod cnn;
mod config;
mod dense;
mod difference;
mod dropout;
mod error;
mod input;
mod mlp;
mod norm;

pub use activation::Activation;
pub use cnn::{Block, Cnn, CnnConfig, ConvBlock, Norm, Padding};
pub use config::{Model, ModelConfig};
pub use dense::Dense;
pub use difference::Difference;
// What goes with the modules, so that nobody else has to know the kernels.
pub use burn_fused_cpu::{FusedAdam, FusedAdamConfig, Implementation};
pub use error::ModelError;
pub use input::InputConfig;
pub use mlp::{Mlp, MlpConfig};
