use burn::module::Module;
use burn::tensor::{Device, Tensor};
use burn_fused_cpu::Implementation;
use serde::{Deserialize, Serialize};

use crate::cnn::{Cnn, CnnConfig};
use crate::error::ModelError;
use crate::input::InputConfig;
use crate::mlp::{Mlp, MlpConfig};

/// Any network of this crate, as data. In a file the key `kind` says which: `"mlp"` or `"cnn"`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum ModelConfig {
    /// The feed-forward network.
    Mlp(MlpConfig),
    /// The convolutional network.
    Cnn(CnnConfig),
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
        match self {
            Self::Mlp(config) => config.parameters(),
            Self::Cnn(config) => config.parameters(),
        }
    }

    /// Multiply-adds to classify one image.
    ///
    /// # Errors
    /// As [`ModelConfig::init`].
    pub fn macs(&self) -> Result<u64, ModelError> {
        match self {
            Self::Mlp(config) => config.macs(),
            Self::Cnn(config) => config.macs(),
        }
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
        match self {
            Self::Mlp(config) => config.input,
            Self::Cnn(config) => config.input,
        }
    }

    /// The same network for other images or other classes.
    pub fn with_input(mut self, input: InputConfig) -> Self {
        match &mut self {
            Self::Mlp(config) => config.input = input,
            Self::Cnn(config) => config.input = input,
        }
        self
    }
}

/// Any network of this crate, as a Burn module.
#[derive(Module, Debug)]
pub enum Model {
    /// The feed-forward network.
    Mlp(Mlp),
    /// The convolutional network.
    Cnn(Cnn),
}

impl Model {
    /// Inference: no dropout.
    ///
    /// # Shapes
    /// images `[batch, 1, height, width]` → logits `[batch, classes]`
    pub fn forward(&self, images: Tensor<4>) -> Tensor<2> {
        match self {
            Self::Mlp(model) => model.forward(images),
            Self::Cnn(model) => model.forward(images),
        }
    }

    /// Training: dropout masks are a function of `seed` alone, so any step can be repeated.
    ///
    /// # Shapes
    /// As [`Model::forward`].
    pub fn forward_train(&self, images: Tensor<4>, seed: u64) -> Tensor<2> {
        match self {
            Self::Mlp(model) => model.forward_train(images, seed),
            Self::Cnn(model) => model.forward_train(images, seed),
        }
    }

    /// Which code each layer takes for images like these: the project's kernels, or Burn's own
    /// operations.
    pub fn implementations(&self, images: Tensor<4>) -> Vec<Implementation> {
        match self {
            Self::Mlp(model) => model.implementations(images),
            Self::Cnn(model) => model.implementations(images),
        }
    }
}
