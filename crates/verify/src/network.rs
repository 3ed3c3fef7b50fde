use serde::{Deserialize, Serialize};

use crate::error::{VerifyError, check_length, check_number, invalid};

/// The function of one unit, and its derivative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// σ(a) = 1 / (1 + e⁻ᵃ), σ′ = σ (1 − σ)
    Sigmoid,
    /// tanh a, tanh′ = 1 − tanh²
    Tanh,
    /// max(0, a), derivative 1 for a > 0 and 0 else (at 0 as well, as in Burn)
    Relu,
    /// a, derivative 1
    Identity,
}

impl Activation {
    pub(crate) const ALL: [Self; 4] = [Self::Sigmoid, Self::Tanh, Self::Relu, Self::Identity];

    /// The value at the sum `a`.
    pub fn value(self, a: f64) -> f64 {
        match self {
            // e^|a| never overflows this way round.
            Self::Sigmoid if a >= 0.0 => 1.0 / (1.0 + (-a).exp()),
            Self::Sigmoid => a.exp() / (1.0 + a.exp()),
            Self::Tanh => a.tanh(),
            Self::Relu => a.max(0.0),
            Self::Identity => a,
        }
    }

    /// The derivative, from the value `z` that the unit gave.
    pub fn derivative(self, z: f64) -> f64 {
        match self {
            Self::Sigmoid => z * (1.0 - z),
            Self::Tanh => 1.0 - z * z,
            Self::Relu => f64::from(z > 0.0),
            Self::Identity => 1.0,
        }
    }
}

/// What is made small. Both are means over the examples of a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Loss {
    /// L = ½ Σ (yₖ − tₖ)², the sheet's
    HalfSquares,
    /// L = −Σ tₖ ln pₖ with p = softmax of the last sums
    SoftmaxCrossEntropy,
}

/// One layer of units, bias first: `rows[unit]` holds the weight of the constant input 1, then one
/// weight for each unit of the layer below.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// One row for each unit.
    pub rows: Vec<Vec<f64>>,
    /// The function of every unit.
    pub activation: Activation,
}

/// A network of any depth and width on plain numbers. Gradients are lists in the order of
/// [`Network::parameters`].
#[derive(Debug, Clone, PartialEq)]
pub struct Network {
    pub(crate) layers: Vec<Layer>,
    pub(crate) loss: Loss,
}

/// One input with the output it should give.
#[derive(Debug, Clone, PartialEq)]
pub struct Example {
    /// x
    pub input: Vec<f64>,
    /// t
    pub target: Vec<f64>,
}

/// Everything the forward pass computes for one example.
#[derive(Debug, Clone, PartialEq)]
pub struct Trace {
    /// The sum of every unit, layer by layer.
    pub sums: Vec<Vec<f64>>,
    /// The input, then the values of every layer.
    pub values: Vec<Vec<f64>>,
}

impl Network {
    /// # Errors
    /// No layer, rows of unequal length, layers that do not fit onto each other, values that are
    /// not finite, or softmax cross-entropy on anything but plain sums.
    pub fn new(layers: Vec<Layer>, loss: Loss) -> Result<Self, VerifyError> {
        let last = layers.last().map(|layer| layer.activation);
        let last =
            last.ok_or_else(|| invalid("the network", "it has no layers; give at least one"))?;
        if loss == Loss::SoftmaxCrossEntropy && last != Activation::Identity {
            let problem = "softmax cross-entropy takes its sums; set its activation to identity";
            return Err(invalid("the last layer", problem));
        }
        let mut length = layers[0].rows.first().map_or(0, Vec::len);
        for (layer, number) in layers.iter().zip(1..) {
            if layer.rows.is_empty() || length < 2 {
                let what = format!("layer {number}");
                return Err(invalid(&what, "it has no weights; give at least one"));
            }
            for (row, unit) in layer.rows.iter().zip(1..) {
                let what = format!("unit {unit} of layer {number} (bias first)");
                check_values(&what, row, length)?;
            }
            length = layer.rows.len() + 1;
        }
        Ok(Self { layers, loss })
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// # Errors
    /// No example, or one that does not fit the network or is not finite.
    pub fn check(&self, batch: &[Example]) -> Result<(), VerifyError> {
        if batch.is_empty() {
            return Err(invalid(
                "the batch",
                "it is empty; give at least one example",
            ));
        }
        let inputs = self.layers[0].rows[0].len() - 1;
        let outputs = self.layers[self.layers.len() - 1].rows.len();
        for (Example { input, target }, number) in batch.iter().zip(1..) {
            check_values(&format!("input of example {number}"), input, inputs)?;
            check_values(&format!("target of example {number}"), target, outputs)?;
        }
        Ok(())
    }

    /// aⱼ = bⱼ + Σᵢ wⱼᵢ zᵢ and zⱼ = f(aⱼ), layer by layer.
    pub fn forward(&self, input: &[f64]) -> Trace {
        let mut trace = Trace {
            sums: Vec::new(),
            values: vec![input.to_vec()],
        };
        let mut below = input.to_vec();
        for layer in &self.layers {
            let sum = |row: &Vec<f64>| {
                let products = row[1..].iter().zip(&below).map(|(w, z)| w * z);
                row[0] + products.sum::<f64>()
            };
            let sums: Vec<f64> = layer.rows.iter().map(sum).collect();
            below = sums.iter().map(|&a| layer.activation.value(a)).collect();
            trace.sums.push(sums);
            trace.values.push(below.clone());
        }
        trace
    }

    /// The mean loss over a batch that [`Network::check`] accepts.
    pub fn loss(&self, batch: &[Example]) -> f64 {
        let total: f64 = batch.iter().map(|example| self.loss_of(example)).sum();
        total / batch.len() as f64
    }

    fn loss_of(&self, example: &Example) -> f64 {
        let trace = self.forward(&example.input);
        let outputs = trace.values[self.layers.len()].iter().zip(&example.target);
        match self.loss {
            Loss::HalfSquares => outputs.map(|(y, t)| 0.5 * (y - t) * (y - t)).sum(),
            Loss::SoftmaxCrossEntropy => {
                let log_sum = log_sum_exp(&trace.values[self.layers.len()]);
                outputs.map(|(a, t)| t * (log_sum - a)).sum()
            }
        }
    }

    /// δ of every unit, `[layer][unit]`: how the loss of one example changes with the unit's sum.
    ///
    /// Output layer, half squares: δₖ = (yₖ − tₖ) f′(bₖ).
    /// Output layer, softmax cross-entropy: δₖ = pₖ Σⱼ tⱼ − tₖ.
    /// Every layer below: δⱼ = f′(aⱼ) Σₖ wₖⱼ δₖ, with the w that the forward pass used.
    pub fn deltas(&self, trace: &Trace, target: &[f64]) -> Vec<Vec<f64>> {
        let depth = self.layers.len();
        let mut deltas = vec![Vec::new(); depth];
        let outputs = trace.values[depth].iter().zip(target);
        deltas[depth - 1] = match self.loss {
            Loss::HalfSquares => {
                let f = self.layers[depth - 1].activation;
                outputs.map(|(&y, t)| (y - t) * f.derivative(y)).collect()
            }
            Loss::SoftmaxCrossEntropy => {
                let (log_sum, mass) = (
                    log_sum_exp(&trace.values[depth]),
                    target.iter().sum::<f64>(),
                );
                outputs
                    .map(|(a, t)| (a - log_sum).exp() * mass - t)
                    .collect()
            }
        };
        for below in (0..depth - 1).rev() {
            let above = self.layers[below + 1].rows.iter().zip(&deltas[below + 1]);
            let f = self.layers[below].activation;
            let values = trace.values[below + 1].iter().enumerate();
            deltas[below] = values
                .map(|(j, &z)| {
                    let back: f64 = above.clone().map(|(row, delta)| row[j + 1] * delta).sum();
                    f.derivative(z) * back
                })
                .collect();
        }
        deltas
    }

    /// ∂L/∂wⱼᵢ = mean over the batch of δⱼ zᵢ, and ∂L/∂bⱼ = mean of δⱼ (its input is 1).
    pub fn gradient(&self, batch: &[Example]) -> Vec<f64> {
        self.gradient_through(self, batch)
    }

    /// The gradient whose δ come from the weights and functions of `backward`: right only if that
    /// is this network.
    pub(crate) fn gradient_through(&self, backward: &Self, batch: &[Example]) -> Vec<f64> {
        let mut gradient = vec![0.0; self.parameters().len()];
        let share = 1.0 / batch.len() as f64;
        for example in batch {
            let trace = self.forward(&example.input);
            let deltas = backward.deltas(&trace, &example.target);
            let mut slots = gradient.iter_mut();
            for (deltas, values) in deltas.iter().zip(&trace.values) {
                for delta in deltas {
                    let inputs = std::iter::once(&1.0).chain(values);
                    for (z, slot) in inputs.zip(slots.by_ref()) {
                        *slot += share * delta * z;
                    }
                }
            }
        }
        gradient
    }

    /// One step of gradient descent: w ← w − η ∂L/∂w, everything at once, from one gradient.
    #[must_use]
    pub fn step(&self, gradient: &[f64], learning_rate: f64) -> Self {
        let pairs = self.parameters().into_iter().zip(gradient);
        let new: Vec<f64> = pairs.map(|(w, g)| w - learning_rate * g).collect();
        self.with_parameters(&new)
    }

    /// Every parameter in one list: layer by layer, unit by unit, the bias first.
    pub fn parameters(&self) -> Vec<f64> {
        let rows = self.layers.iter().flat_map(|layer| &layer.rows);
        rows.flatten().copied().collect()
    }

    /// The same network with other parameters, in the order of [`Network::parameters`].
    #[must_use]
    pub fn with_parameters(&self, values: &[f64]) -> Self {
        let mut network = self.clone();
        let mut next = values.iter().copied();
        let rows = network.layers.iter_mut().flat_map(|layer| &mut layer.rows);
        for slot in rows.flatten() {
            *slot = next.next().unwrap_or(f64::NAN);
        }
        network
    }
}

/// ln Σ eᵃ without overflow.
fn log_sum_exp(values: &[f64]) -> f64 {
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    top + values.iter().map(|a| (a - top).exp()).sum::<f64>().ln()
}

fn check_values(what: &str, values: &[f64], expected: usize) -> Result<(), VerifyError> {
    check_length(what, values.len(), expected)?;
    values
        .iter()
        .try_for_each(|&value| check_number(what, value))
}
