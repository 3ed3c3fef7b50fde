use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor, activation};
use burn_fused_cpu::{
    Implementation, dense, dense_implementation, dense_relu, dropout, dropout_implementation,
};
use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Serialize};

use crate::config::{ModelError, Sizes, check_dropout, check_positive};

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

/// The fully connected part that both networks end in: hidden layers, then one output per class.
#[derive(Module, Debug)]
pub struct Dense {
    /// Hidden layers, weights `[inputs, units]`.
    pub hidden: Vec<Linear>,
    /// Output layer, weights `[units, classes]`.
    pub output: Linear,
    #[module(skip)]
    activation: Activation,
    #[module(skip)]
    dropout: f64,
}

/// What [`Dense`] is built from; borrowed from the configuration of the network around it.
pub(crate) struct DenseConfig<'a> {
    pub inputs: usize,
    pub hidden: &'a [usize],
    pub activation: Activation,
    pub dropout: f64,
    pub classes: usize,
}

impl DenseConfig<'_> {
    /// Adds the sizes of this part to those of the layers before it.
    pub fn add_to(&self, sizes: &mut Sizes) -> Result<(), ModelError> {
        check_dropout("hidden layers", self.dropout)?;
        let mut inputs = self.inputs;
        for (index, &units) in self.hidden.iter().enumerate() {
            let layer = format!("hidden[{index}]");
            check_positive(&layer, units, "number of units")?;
            sizes.add(&layer, [inputs, units, 1], 1)?;
            inputs = units;
        }
        sizes.add("output", [inputs, self.classes, 1], 1)
    }

    pub fn init(&self, device: &Device) -> Dense {
        let mut inputs = self.inputs;
        let mut linear = |units| {
            let layer = LinearConfig::new(inputs, units).init(device);
            inputs = units;
            layer
        };
        Dense {
            hidden: self.hidden.iter().map(|&units| linear(units)).collect(),
            output: linear(self.classes),
            activation: self.activation,
            dropout: self.dropout,
        }
    }
}

impl Dense {
    /// `dropout_seed` is `None` for inference; in training it fixes the dropout masks.
    ///
    /// # Shapes
    /// `features [batch, inputs]` → logits `[batch, classes]`
    pub fn forward(&self, features: Tensor<2>, dropout_seed: Option<u64>) -> Tensor<2> {
        let mut x = features;
        for (index, layer) in self.hidden.iter().enumerate() {
            x = self.activated(layer, x); // [batch, units]
            x = drop_out(x, self.dropout, dropout_seed, 1000 + index as u64);
        }
        apply(dense, &self.output, x) // [batch, classes]
    }

    /// A hidden layer and its activation.
    fn activated(&self, layer: &Linear, x: Tensor<2>) -> Tensor<2> {
        match self.activation {
            Activation::Relu => apply(dense_relu, layer, x),
            Activation::Sigmoid => activation::sigmoid(apply(dense, layer, x)),
            Activation::Tanh => activation::tanh(apply(dense, layer, x)),
        }
    }

    /// Which code each layer takes for features like these.
    pub(crate) fn implementations(&self, features: Tensor<2>) -> Vec<Implementation> {
        let mut x = features;
        let mut found = Vec::new();
        for layer in &self.hidden {
            found.push(dense_implementation(&x, &layer.weight.val()));
            x = self.activated(layer, x);
            found.push(dropout_implementation(&x));
        }
        found.push(dense_implementation(&x, &self.output.weight.val()));
        found
    }
}

type Operation = fn(Tensor<2>, Tensor<2>, Option<Tensor<1>>) -> Tensor<2>;

fn apply(operation: Operation, layer: &Linear, x: Tensor<2>) -> Tensor<2> {
    let bias = layer.bias.as_ref().map(|bias| bias.val());
    operation(x, layer.weight.val(), bias)
}

/// Dropout in training; `None` for inference. The mask depends only on `seed`, `layer` and the
/// position, not on the backend or on any global random state.
pub(crate) fn drop_out<const D: usize>(
    x: Tensor<D>,
    probability: f64,
    seed: Option<u64>,
    layer: u64,
) -> Tensor<D> {
    match seed {
        Some(seed) => dropout(x, probability, mixed(seed, layer)),
        None => x,
    }
}

/// Seeds of consecutive steps differ in their last bits only: spreads them over all bits. Two
/// layers are as far apart as two numbers of SplitMix64.
fn mixed(seed: u64, layer: u64) -> u64 {
    let state = seed.wrapping_add(layer.wrapping_mul(0x9E37_79B9_7F4A_7C15));
    SplitMix64::seed_from_u64(state).next_u64()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_are_mixed_as_in_every_run_so_far() {
        // The finalizer of SplitMix64 (Steele et al. 2014) of seed + (layer + 1) · GOLDEN.
        for (seed, layer, expected) in [
            (0, 0, 0xE220_A839_7B1D_CDAF),
            (42, 1, 0x28EF_E333_B266_F103),
            (43, 1000, 0x12AA_40A8_F1DF_7F66),
            (u64::MAX, 1001, 0x2D8A_68A5_E226_40B7),
        ] {
            assert_eq!(mixed(seed, layer), expected);
        }
    }
}
