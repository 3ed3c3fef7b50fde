use burn::module::Module;
use burn::nn::{Linear, LinearConfig};
use burn::tensor::{Device, Tensor};
use burn_fused_cpu::{Implementation, dense_implementation, dropout_implementation};

use crate::activation::Activation;
use crate::dropout::drop_out;
use crate::error::{ModelError, add_parameters, check_dropout};

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
    /// Parameters of this part, added to `total`.
    pub fn parameters(&self, mut total: usize) -> Result<usize, ModelError> {
        check_dropout("hidden layers", self.dropout)?;
        let mut inputs = self.inputs;
        for (index, &units) in self.hidden.iter().enumerate() {
            let layer = format!("hidden[{index}]");
            if units == 0 {
                return Err(ModelError::zero(layer, "number of units"));
            }
            total = add_parameters(total, &layer, inputs, units, 1)?;
            inputs = units;
        }
        add_parameters(total, "output", inputs, self.classes, 1)
    }

    /// Multiply-accumulates of one image, once [`DenseConfig::parameters`] has found no error.
    pub fn macs(&self) -> u64 {
        let sizes = [&[self.inputs], self.hidden, &[self.classes]].concat();
        let layers = sizes.windows(2);
        layers.map(|pair| (pair[0] * pair[1]) as u64).sum()
    }

    pub fn init(&self, device: &Device) -> Dense {
        let mut inputs = self.inputs;
        let hidden = self
            .hidden
            .iter()
            .map(|&units| {
                let layer = LinearConfig::new(inputs, units).init(device);
                inputs = units;
                layer
            })
            .collect();
        Dense {
            hidden,
            output: LinearConfig::new(inputs, self.classes).init(device),
            activation: self.activation,
            dropout: self.dropout,
        }
    }
}

impl Dense {
    /// # Shapes
    /// `features [batch, inputs]` → logits `[batch, classes]`
    ///
    /// `dropout_seed` is `None` for inference; in training it fixes the dropout masks.
    pub fn forward(&self, features: Tensor<2>, dropout_seed: Option<u64>) -> Tensor<2> {
        let mut x = features;
        for (index, layer) in self.hidden.iter().enumerate() {
            x = self.activated(layer, x); // [batch, units]
            x = drop_out(x, self.dropout, dropout_seed, 1000 + index as u64);
        }
        apply(burn_fused_cpu::dense, &self.output, x) // [batch, classes]
    }

    /// A hidden layer and its activation.
    fn activated(&self, layer: &Linear, x: Tensor<2>) -> Tensor<2> {
        match self.activation {
            Activation::Relu => apply(burn_fused_cpu::dense_relu, layer, x),
            other => other.forward(apply(burn_fused_cpu::dense, layer, x)),
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
