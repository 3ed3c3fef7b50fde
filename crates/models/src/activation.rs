use burn::tensor::{Tensor, activation};
use serde::{Deserialize, Serialize};

/// The non-linearity between two layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// max(0, x)
    #[default]
    Relu,
    /// 1 / (1 + e⁻ˣ), the unit of the exercise sheet
    Sigmoid,
    /// tanh x
    Tanh,
}

impl Activation {
    /// Applies the function to every element; the shape stays.
    pub fn forward<const D: usize>(self, x: Tensor<D>) -> Tensor<D> {
        match self {
            Self::Relu => activation::relu(x),
            Self::Sigmoid => activation::sigmoid(x),
            Self::Tanh => activation::tanh(x),
        }
    }
}
