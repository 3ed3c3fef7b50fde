use burn::module::Module;
use burn::tensor::{Device, Tensor};
use burn_fused_cpu::Implementation;
use serde::{Deserialize, Serialize};

use crate::config::{InputConfig, ModelError, Sizes};
use crate::dense::{Activation, Dense, DenseConfig};

/// The feed-forward network (multi-layer perceptron) of the sheet: every pixel to every unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MlpConfig {
    /// Image size and number of classes.
    pub input: InputConfig,
    /// Units of each hidden layer; empty for multinomial logistic regression.
    pub hidden: Vec<usize>,
    /// Non-linearity after each hidden layer.
    pub activation: Activation,
    /// Dropout probability after each hidden layer, 0 ≤ p < 1.
    pub dropout: f64,
}

impl Default for MlpConfig {
    /// 784-512-10 with ReLU.
    fn default() -> Self {
        Self {
            input: InputConfig::default(),
            hidden: vec![512],
            activation: Activation::Relu,
            dropout: 0.0,
        }
    }
}

impl MlpConfig {
    /// Checks the configuration and builds the network on `device`, parameters drawn by Burn's
    /// initializers (uniform in ±1/√inputs, as in PyTorch) from the device's random state.
    ///
    /// # Errors
    /// A size of 0, a dropout outside 0 ≤ p < 1, or a network too large to hold.
    pub fn init(&self, device: &Device) -> Result<Mlp, ModelError> {
        self.sizes()?;
        let dense = self.dense().init(device);
        Ok(Mlp { dense })
    }

    pub(crate) fn sizes(&self) -> Result<Sizes, ModelError> {
        self.input.check()?;
        let mut sizes = Sizes::default();
        self.dense().add_to(&mut sizes)?;
        Ok(sizes)
    }

    fn dense(&self) -> DenseConfig<'_> {
        DenseConfig {
            inputs: self.input.pixels(),
            hidden: &self.hidden,
            activation: self.activation,
            dropout: self.dropout,
            classes: self.input.classes,
        }
    }
}

/// Built by [`MlpConfig::init`].
#[derive(Module, Debug)]
pub struct Mlp {
    /// Hidden layers and output layer.
    pub dense: Dense,
}

impl Mlp {
    /// In training, `dropout_seed` alone decides the dropout masks, so any step can be repeated;
    /// `None` is inference.
    ///
    /// # Shapes
    /// images `[batch, 1, height, width]` → logits `[batch, classes]`
    pub fn forward(&self, images: Tensor<4>, dropout_seed: Option<u64>) -> Tensor<2> {
        let pixels: Tensor<2> = images.flatten(1, 3); // [batch, height · width]
        self.dense.forward(pixels, dropout_seed)
    }

    pub(crate) fn implementations(&self, images: Tensor<4>) -> Vec<Implementation> {
        self.dense.implementations(images.flatten(1, 3))
    }
}
