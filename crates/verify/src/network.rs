use serde::{Deserialize, Serialize};

use crate::error::VerifyError;

/// The function of one unit, and its derivative.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Activation {
    /// σ(a) = 1 / (1 + e⁻ᵃ), σ′ = σ (1 − σ)
    Sigmoid,
    /// tanh a, tanh′ = 1 − tanh²
    Tanh,
    /// max(0, a), derivative 1 for a > 0 and 0 else (Burn's choice at 0, too)
    Relu,
    /// a, derivative 1
    Identity,
}

impl Activation {
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

    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Sigmoid => "sigmoid",
            Self::Tanh => "tanh",
            Self::Relu => "relu",
            Self::Identity => "identity",
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

/// One layer: `weights[unit][input]`, one bias a unit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Layer {
    /// One row for each unit.
    pub weights: Vec<Vec<f64>>,
    /// The weights of the constant input 1.
    pub bias: Vec<f64>,
    /// The function of every unit.
    pub activation: Activation,
}

/// A network of any depth and width on plain numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Network {
    layers: Vec<Layer>,
    loss: Loss,
}

/// One input with the output it should give.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Example {
    /// x
    pub input: Vec<f64>,
    /// t
    pub target: Vec<f64>,
}

/// Everything the forward pass computes for one example.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Trace {
    /// The sum of every unit, layer by layer.
    pub sums: Vec<Vec<f64>>,
    /// The input, then the values of every layer.
    pub values: Vec<Vec<f64>>,
}

/// ∂L/∂(every weight and bias), in the shape of the layers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Gradient {
    /// ∂L/∂w, `[layer][unit][input]`.
    pub weights: Vec<Vec<Vec<f64>>>,
    /// ∂L/∂b, `[layer][unit]`.
    pub bias: Vec<Vec<f64>>,
}

impl Network {
    /// # Errors
    /// No layer, rows of unequal length, layers that do not fit onto each other, values that are
    /// not finite, or softmax cross-entropy on anything but plain sums.
    pub fn new(layers: Vec<Layer>, loss: Loss) -> Result<Self, VerifyError> {
        let Some(last) = layers.last() else {
            return Err(VerifyError::Empty {
                what: "the list of layers",
            });
        };
        if loss == Loss::SoftmaxCrossEntropy && last.activation != Activation::Identity {
            return Err(VerifyError::SoftmaxNeedsIdentity {
                found: last.activation.name(),
            });
        }
        let mut inputs = layers[0].weights.first().map_or(0, Vec::len);
        for (number, layer) in layers.iter().enumerate() {
            if layer.weights.is_empty() || inputs == 0 {
                return Err(VerifyError::Empty {
                    what: "a layer's list of weights",
                });
            }
            check_values(
                &format!("biases of layer {}", number + 1),
                &layer.bias,
                layer.weights.len(),
            )?;
            for (unit, row) in layer.weights.iter().enumerate() {
                check_values(
                    &format!("weights of layer {}, unit {}", number + 1, unit + 1),
                    row,
                    inputs,
                )?;
            }
            inputs = layer.weights.len();
        }
        Ok(Self { layers, loss })
    }

    /// For layers that fit by construction.
    pub(crate) fn new_unchecked(layers: Vec<Layer>, loss: Loss) -> Self {
        Self { layers, loss }
    }

    /// The layers, first to last.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// What is made small.
    pub fn loss_kind(&self) -> Loss {
        self.loss
    }

    /// Number of inputs.
    pub fn inputs(&self) -> usize {
        self.layers[0].weights[0].len()
    }

    /// Number of outputs.
    pub fn outputs(&self) -> usize {
        self.layers.last().map_or(0, |layer| layer.weights.len())
    }

    /// # Errors
    /// No example, or one that does not fit the network or is not finite.
    pub fn check(&self, batch: &[Example]) -> Result<(), VerifyError> {
        if batch.is_empty() {
            return Err(VerifyError::Empty { what: "the batch" });
        }
        for (number, example) in batch.iter().enumerate() {
            check_values(
                &format!("input of example {}", number + 1),
                &example.input,
                self.inputs(),
            )?;
            check_values(
                &format!("target of example {}", number + 1),
                &example.target,
                self.outputs(),
            )?;
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
            let sums: Vec<f64> = layer
                .weights
                .iter()
                .zip(&layer.bias)
                .map(|(row, bias)| bias + row.iter().zip(&below).map(|(w, z)| w * z).sum::<f64>())
                .collect();
            below = sums.iter().map(|&a| layer.activation.value(a)).collect();
            trace.sums.push(sums);
            trace.values.push(below.clone());
        }
        trace
    }

    /// The mean loss over a batch that [`Network::check`] accepts.
    pub fn loss(&self, batch: &[Example]) -> f64 {
        let total: f64 = batch
            .iter()
            .map(|example| self.loss_of(&self.forward(&example.input), &example.target))
            .sum();
        total / batch.len() as f64
    }

    /// The loss of one example after its forward pass.
    pub fn loss_of(&self, trace: &Trace, target: &[f64]) -> f64 {
        let output = trace.values.last().map_or(&[][..], Vec::as_slice);
        match self.loss {
            Loss::HalfSquares => output
                .iter()
                .zip(target)
                .map(|(y, t)| 0.5 * (y - t) * (y - t))
                .sum(),
            Loss::SoftmaxCrossEntropy => {
                let log_sum = log_sum_exp(output);
                output
                    .iter()
                    .zip(target)
                    .map(|(a, t)| t * (log_sum - a))
                    .sum()
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
        let output = &trace.values[depth];
        deltas[depth - 1] = match self.loss {
            Loss::HalfSquares => {
                let f = self.layers[depth - 1].activation;
                output
                    .iter()
                    .zip(target)
                    .map(|(&y, t)| (y - t) * f.derivative(y))
                    .collect()
            }
            Loss::SoftmaxCrossEntropy => {
                let (log_sum, mass) = (log_sum_exp(output), target.iter().sum::<f64>());
                output
                    .iter()
                    .zip(target)
                    .map(|(a, t)| (a - log_sum).exp() * mass - t)
                    .collect()
            }
        };
        for below in (0..depth - 1).rev() {
            let above = &self.layers[below + 1];
            let f = self.layers[below].activation;
            deltas[below] = trace.values[below + 1]
                .iter()
                .enumerate()
                .map(|(j, &z)| {
                    let back: f64 = above
                        .weights
                        .iter()
                        .zip(&deltas[below + 1])
                        .map(|(row, delta)| row[j] * delta)
                        .sum();
                    f.derivative(z) * back
                })
                .collect();
        }
        deltas
    }

    /// ∂L/∂wⱼᵢ = mean over the batch of δⱼ zᵢ, and ∂L/∂bⱼ = mean of δⱼ (its input is 1).
    pub fn gradient(&self, batch: &[Example]) -> Gradient {
        let mut gradient = Gradient {
            weights: self
                .layers
                .iter()
                .map(|layer| {
                    layer
                        .weights
                        .iter()
                        .map(|row| vec![0.0; row.len()])
                        .collect()
                })
                .collect(),
            bias: self
                .layers
                .iter()
                .map(|layer| vec![0.0; layer.bias.len()])
                .collect(),
        };
        let share = 1.0 / batch.len() as f64;
        for example in batch {
            let trace = self.forward(&example.input);
            for (l, deltas) in self.deltas(&trace, &example.target).iter().enumerate() {
                for (j, delta) in deltas.iter().enumerate() {
                    gradient.bias[l][j] += share * delta;
                    for (slot, z) in gradient.weights[l][j].iter_mut().zip(&trace.values[l]) {
                        *slot += share * delta * z;
                    }
                }
            }
        }
        gradient
    }

    /// One step of gradient descent: w ← w − η ∂L/∂w, everything at once, from one gradient.
    #[must_use]
    pub fn step(&self, gradient: &Gradient, learning_rate: f64) -> Self {
        let new: Vec<f64> = self
            .parameters()
            .iter()
            .zip(gradient.values())
            .map(|(w, g)| w - learning_rate * g)
            .collect();
        self.with_parameters(&new)
    }

    /// Every parameter in one list: layer by layer, unit by unit, the bias first.
    pub fn parameters(&self) -> Vec<f64> {
        flatten(
            self.layers
                .iter()
                .map(|layer| (&layer.weights, &layer.bias)),
        )
    }

    /// The same network with other parameters, in the order of [`Network::parameters`].
    #[must_use]
    pub fn with_parameters(&self, values: &[f64]) -> Self {
        let mut network = self.clone();
        let mut next = values.iter().copied();
        for layer in &mut network.layers {
            for (row, bias) in layer.weights.iter_mut().zip(&mut layer.bias) {
                for slot in std::iter::once(bias).chain(row) {
                    *slot = next.next().unwrap_or(f64::NAN);
                }
            }
        }
        network
    }
}

impl Gradient {
    /// In the order of [`Network::parameters`].
    pub fn values(&self) -> Vec<f64> {
        flatten(self.weights.iter().zip(&self.bias))
    }
}

fn flatten<'a>(layers: impl Iterator<Item = (&'a Vec<Vec<f64>>, &'a Vec<f64>)>) -> Vec<f64> {
    layers
        .flat_map(|(weights, bias)| {
            weights
                .iter()
                .zip(bias)
                .flat_map(|(row, b)| std::iter::once(*b).chain(row.iter().copied()))
        })
        .collect()
}

/// ln Σ eᵃ without overflow.
fn log_sum_exp(values: &[f64]) -> f64 {
    let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    top + values.iter().map(|a| (a - top).exp()).sum::<f64>().ln()
}

fn check_values(what: &str, values: &[f64], expected: usize) -> Result<(), VerifyError> {
    if values.len() != expected {
        return Err(VerifyError::Size {
            what: what.to_owned(),
            expected,
            found: values.len(),
        });
    }
    match values
        .iter()
        .find(|value| value.is_nan() || value.abs() > 1e100)
    {
        Some(&value) => Err(VerifyError::NotFinite {
            what: what.to_owned(),
            value,
        }),
        None => Ok(()),
    }
}
