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

mod cnn;
mod config;
mod dense;
mod mlp;
mod norm;

use std::fmt;

use burn::module::Module;
use burn::tensor::{Device, Tensor};
use serde::{Deserialize, Serialize};

pub use cnn::{Block, Cnn, CnnConfig, ConvBlock, Norm, Padding};
pub use config::{InputConfig, ModelError};
pub use dense::{Activation, Dense};
// What goes with the modules, so that nobody else has to know the kernels.
pub use burn_fused_cpu::{FusedAdam, Implementation};
pub use mlp::{Mlp, MlpConfig};

/// Any network of this crate, as data. In a file the key `kind` says which: `"mlp"` or `"cnn"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ModelConfig {
    /// The feed-forward network.
    Mlp(MlpConfig),
    /// The convolutional network.
    Cnn(CnnConfig),
}

/// Any network of this crate, as a Burn module.
#[derive(Module, Debug)]
pub enum Model {
    /// The feed-forward network.
    Mlp(Mlp),
    /// The convolutional network.
    Cnn(Cnn),
}

/// The layers in short: `784-512-10`, or `16 of 5×5, pool 2; 32 of 5×5, pool 2; 128-10`.
impl fmt::Display for ModelConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let input = self.input();
        let hidden = match self {
            Self::Mlp(mlp) => {
                write!(f, "{}-", input.height * input.width)?;
                &mlp.hidden
            }
            Self::Cnn(cnn) => {
                for block in &cnn.blocks {
                    write!(f, "{} of {1}×{1}", block.channels, block.kernel)?;
                    if block.pool > 1 {
                        write!(f, ", pool {}", block.pool)?;
                    }
                    f.write_str("; ")?;
                }
                &cnn.hidden
            }
        };
        for size in hidden {
            write!(f, "{size}-")?;
        }
        write!(f, "{}", input.classes)
    }
}

/// The same expression for whichever network `$self` is.
macro_rules! each {
    ($self:expr, $network:ident => $expression:expr) => {
        match $self {
            Self::Mlp($network) => $expression,
            Self::Cnn($network) => $expression,
        }
    };
}

impl ModelConfig {
    /// Checks the configuration and builds the network on `device`.
    ///
    /// # Errors
    /// [`ModelError`], which names the layer.
    pub fn init(&self, device: &Device) -> Result<Model, ModelError> {
        Ok(match self {
            Self::Mlp(config) => Model::Mlp(config.init(device)?),
            Self::Cnn(config) => Model::Cnn(config.init(device)?),
        })
    }

    /// The exact number of trainable parameters, without building the network.
    ///
    /// # Errors
    /// As [`ModelConfig::init`].
    pub fn parameters(&self) -> Result<usize, ModelError> {
        Ok(each!(self, config => config.sizes()?.parameters))
    }

    /// Multiply-accumulates to classify one image; biases, normalization, activations and pooling
    /// are not counted.
    ///
    /// # Errors
    /// As [`ModelConfig::init`].
    pub fn macs(&self) -> Result<u64, ModelError> {
        Ok(each!(self, config => config.sizes()?.macs))
    }

    /// `"mlp"` or `"cnn"`.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Mlp(_) => "mlp",
            Self::Cnn(_) => "cnn",
        }
    }

    /// Image size and number of classes.
    pub fn input(&self) -> InputConfig {
        each!(self, config => config.input)
    }

    /// Probability of dropout in training.
    pub fn dropout(&self) -> f64 {
        each!(self, config => config.dropout)
    }

    /// The same network for other images or other classes.
    pub fn with_input(mut self, input: InputConfig) -> Self {
        each!(&mut self, config => config.input = input);
        self
    }

    /// What decides the numbers that the trained network returns: without dropout, and without an
    /// activation that is nowhere applied.
    pub fn as_computed(mut self) -> Self {
        match &mut self {
            Self::Mlp(mlp) => {
                mlp.dropout = 0.0;
                if mlp.hidden.is_empty() {
                    mlp.activation = Activation::default();
                }
            }
            Self::Cnn(cnn) => {
                cnn.dropout = 0.0;
                for block in &mut cnn.blocks {
                    block.dropout = 0.0;
                }
            }
        }
        self
    }
}

impl Model {
    /// Inference: no dropout.
    ///
    /// # Shapes
    /// images `[batch, 1, height, width]` → logits `[batch, classes]`
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        each!(self, model => model.forward(images, None))
    }

    /// Training: as [`Model::forward`], but with dropout masks that are a function of `seed` alone,
    /// so any step can be repeated.
    pub fn forward_train(&self, images: Tensor<4>, seed: u64) -> Tensor<2> {
        each!(self, model => model.forward(images, Some(seed)))
    }

    /// Which code each layer takes for images like these.
    pub fn implementations(&self, images: Tensor<4>) -> Vec<Implementation> {
        each!(self, model => model.implementations(images))
    }

    /// The feature maps after each block in inference, `[batch, channels, height, width]`; none
    /// for a network without blocks.
    pub fn feature_maps(&self, images: Tensor<4>) -> Vec<Tensor<4>> {
        match self {
            Self::Mlp(_) => Vec::new(),
            Self::Cnn(model) => model.feature_maps(images),
        }
    }
}
