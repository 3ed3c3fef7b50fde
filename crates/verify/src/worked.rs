use serde::{Deserialize, Serialize};

use crate::compare::tolerance;
use crate::error::VerifyError;
use crate::network::{Activation, Example, Layer, Loss, Network, Trace};

/// The numbers of a worked derivation: one hidden layer, half squares, one example.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Values {
    /// x, without the constant x₀ = 1.
    pub input: Vec<f64>,
    /// t
    pub target: Vec<f64>,
    /// Input to hidden, one row for each hidden unit, the bias vⱼ₀ first.
    pub v: Vec<Vec<f64>>,
    /// Hidden to output, one row for each output unit, the bias wₖ₀ first.
    pub w: Vec<Vec<f64>>,
    /// η
    pub learning_rate: f64,
    /// The function of all units: `sigmoid`, `tanh`, `relu` or `identity`.
    pub activation: Activation,
}

impl Default for Values {
    /// A 2-2-2 network with round numbers, different enough that no two results coincide.
    fn default() -> Self {
        Self {
            input: vec![1.0, 0.5],
            target: vec![1.0, 0.0],
            v: vec![vec![0.1, 0.3, -0.2], vec![-0.3, 0.5, 0.4]],
            w: vec![vec![0.2, 0.6, -0.5], vec![-0.1, 0.4, 0.3]],
            learning_rate: 0.5,
            activation: Activation::Sigmoid,
        }
    }
}

/// One line of the derivation.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// What is computed, for example `δ₁ (output)`.
    pub symbol: String,
    /// The rule.
    pub formula: String,
    /// The rule with the numbers put in.
    pub numbers: String,
    /// What comes out.
    pub value: f64,
}

/// Some lines of the derivation that belong together.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    /// For example `Backward pass: output layer`.
    pub title: &'static str,
    /// Why, in a sentence.
    pub why: String,
    /// The lines.
    pub steps: Vec<Step>,
}

/// The whole derivation on numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Worked {
    /// The numbers it began with.
    pub values: Values,
    /// Forward pass, backward pass, update.
    pub sections: Vec<Section>,
    /// L before the step.
    pub loss: f64,
    /// L of the same example after it.
    pub loss_after: f64,
    /// `v₁₀`, … in the order of [`Network::parameters`].
    pub names: Vec<String>,
    /// Every ∂L/∂v and ∂L/∂w.
    pub gradient: Vec<f64>,
    /// Every parameter after the step.
    pub new: Vec<f64>,
}

impl Values {
    /// Reads values from TOML; keys that are absent keep their default.
    ///
    /// # Errors
    /// A file that cannot be read, or that does not hold such values.
    pub fn read(path: &std::path::Path) -> Result<Self, VerifyError> {
        let text = std::fs::read_to_string(path).map_err(|source| VerifyError::Io {
            action: "read",
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|error| VerifyError::Values {
            path: path.to_owned(),
            problem: error.to_string(),
        })
    }

    /// The network and the example.
    ///
    /// # Errors
    /// Values that do not fit together, are not finite, or are more than 9 of a kind (the
    /// formulas number them with one digit).
    pub fn network(&self) -> Result<(Network, Example), VerifyError> {
        for (what, count) in [
            ("input", self.input.len()),
            ("target", self.target.len()),
            ("v", self.v.len()),
            ("w", self.w.len()),
        ] {
            if !(1..=9).contains(&count) {
                return Err(VerifyError::Geometry {
                    what: what.to_owned(),
                    problem: format!("it has {count} entries; the worked derivation takes 1 to 9"),
                });
            }
        }
        if self.learning_rate.is_nan() || self.learning_rate.abs() > 1e100 {
            return Err(VerifyError::NotFinite {
                what: "the learning rate".to_owned(),
                value: self.learning_rate,
            });
        }
        let layer = |name: &str, rows: &[Vec<f64>], inputs: usize| -> Result<Layer, VerifyError> {
            for (unit, row) in rows.iter().enumerate() {
                if row.len() != inputs + 1 {
                    return Err(VerifyError::Size {
                        what: format!("row {} of {name} (bias first)", unit + 1),
                        expected: inputs + 1,
                        found: row.len(),
                    });
                }
            }
            Ok(Layer {
                weights: rows.iter().map(|row| row[1..].to_vec()).collect(),
                bias: rows.iter().map(|row| row[0]).collect(),
                activation: self.activation,
            })
        };
        let layers = vec![
            layer("v", &self.v, self.input.len())?,
            layer("w", &self.w, self.v.len())?,
        ];
        let network = Network::new(layers, Loss::HalfSquares)?;
        let example = Example {
            input: self.input.clone(),
            target: self.target.clone(),
        };
        network.check(std::slice::from_ref(&example))?;
        Ok((network, example))
    }
}

impl Worked {
    /// Works the derivation on these values.
    ///
    /// # Errors
    /// As [`Values::network`].
    pub fn new(values: Values) -> Result<Self, VerifyError> {
        let (network, example) = values.network()?;
        let batch = [example.clone()];
        let trace = network.forward(&example.input);
        let deltas = network.deltas(&trace, &example.target);
        let gradient = network.gradient(&batch);
        let after = network.step(&gradient, values.learning_rate);
        let (gradient, new) = (gradient.values(), after.parameters());
        let names = names(&values);
        let loss = network.loss(&batch);
        let sections = Writer {
            values: &values,
            trace: &trace,
            deltas: &deltas,
            gradient: &gradient,
            new: &new,
            names: &names,
            loss,
        }
        .sections();
        Ok(Self {
            loss,
            loss_after: after.loss(&batch),
            sections,
            names,
            gradient,
            new,
            values,
        })
    }

    /// Every value of the derivation is a number, and the printed lines agree with the arrays.
    pub fn is_sound(&self) -> bool {
        let lines: Vec<f64> = self
            .sections
            .iter()
            .flat_map(|s| &s.steps)
            .map(|step| step.value)
            .collect();
        let tail: Vec<f64> = [&self.gradient[..], &self.new].concat();
        lines.iter().all(|v| v.is_finite())
            && tail.iter().all(|v| {
                lines
                    .iter()
                    .any(|l| (l - v).abs() <= tolerance::ANALYTIC_F64)
            })
    }
}

struct Writer<'a> {
    values: &'a Values,
    trace: &'a Trace,
    deltas: &'a [Vec<f64>],
    gradient: &'a [f64],
    new: &'a [f64],
    names: &'a [String],
    loss: f64,
}

impl Writer<'_> {
    fn sections(&self) -> Vec<Section> {
        let text = |text: &str| text.to_owned();
        vec![
            Section {
                title: "Forward pass: hidden layer",
                why: text(
                    "Each hidden unit sums its weighted inputs, x₀ = 1 carrying the bias, and applies f.",
                ),
                steps: self.layer('v', 'x', 'a', 'z', &self.values.v, 0),
            },
            Section {
                title: "Forward pass: output layer",
                why: text("The same once more, with z₀ = 1."),
                steps: self.layer('w', 'z', 'b', 'y', &self.values.w, 1),
            },
            Section {
                title: "Loss",
                why: text("Half the sum of squares."),
                steps: vec![self.loss()],
            },
            Section {
                title: "Backward pass: output layer",
                why: format!("δₖ = ∂L/∂bₖ by the chain rule; {}.", self.prime_rule()),
                steps: self.output_deltas(),
            },
            Section {
                title: "Gradient of w",
                why: text("∂L/∂wₖⱼ = δₖ zⱼ, because bₖ depends on wₖⱼ with slope zⱼ."),
                steps: self.gradients('w', 'δ', 'z', 1),
            },
            Section {
                title: "Backward pass: hidden layer",
                why: text(
                    "zⱼ feeds every output, so the δₖ come back over the same wₖⱼ: the old ones, from the forward pass.",
                ),
                steps: self.hidden_deltas(),
            },
            Section {
                title: "Gradient of v",
                why: text("∂L/∂vⱼᵢ = εⱼ xᵢ."),
                steps: self.gradients('v', 'ε', 'x', 0),
            },
            Section {
                title: "Update",
                why: text("All at once: parameter ← parameter − η · gradient."),
                steps: self.update(),
            },
        ]
    }

    fn layer(
        &self,
        weight: char,
        below: char,
        sum: char,
        out: char,
        rows: &[Vec<f64>],
        layer: usize,
    ) -> Vec<Step> {
        let inputs = &self.trace.values[layer];
        let mut steps = Vec::new();
        for (unit, row) in rows.iter().enumerate() {
            let j = unit + 1;
            let symbols: Vec<String> = (0..row.len())
                .map(|i| format!("{weight}{}{}·{below}{}", sub(j), sub(i), sub(i)))
                .collect();
            let numbers: Vec<String> = row
                .iter()
                .zip(std::iter::once(&1.0).chain(inputs))
                .map(|(w, x)| product(*w, *x))
                .collect();
            steps.push(Step {
                symbol: format!("{sum}{}", sub(j)),
                formula: symbols.join(" + "),
                numbers: numbers.join(" + "),
                value: self.trace.sums[layer][unit],
            });
        }
        for unit in 0..rows.len() {
            let j = unit + 1;
            steps.push(Step {
                symbol: format!("{out}{}", sub(j)),
                formula: format!("{}({sum}{})", self.f(), sub(j)),
                numbers: format!("{}({})", self.f(), number(self.trace.sums[layer][unit])),
                value: self.trace.values[layer + 1][unit],
            });
        }
        steps
    }

    fn loss(&self) -> Step {
        let pairs = self.trace.values[2].iter().zip(&self.values.target);
        let count = self.values.target.len();
        Step {
            symbol: "L".to_owned(),
            formula: format!(
                "½ [{}]",
                (1..=count)
                    .map(|k| format!("(y{0} − t{0})²", sub(k)))
                    .collect::<Vec<_>>()
                    .join(" + ")
            ),
            numbers: format!(
                "½ [{}]",
                pairs
                    .map(|(y, t)| format!("({} − {})²", number(*y), factor(*t)))
                    .collect::<Vec<_>>()
                    .join(" + ")
            ),
            value: self.loss,
        }
    }

    fn output_deltas(&self) -> Vec<Step> {
        let outputs = self.trace.values[2].iter().zip(&self.values.target);
        outputs
            .enumerate()
            .map(|(unit, (y, t))| Step {
                symbol: format!("δ{}", sub(unit + 1)),
                formula: format!(
                    "(y{0} − t{0}) {1}",
                    sub(unit + 1),
                    self.prime("y", unit + 1)
                ),
                numbers: format!(
                    "({} − {}) · {}",
                    number(*y),
                    factor(*t),
                    self.prime_number(*y)
                ),
                value: self.deltas[1][unit],
            })
            .collect()
    }

    fn hidden_deltas(&self) -> Vec<Step> {
        (0..self.values.v.len())
            .map(|unit| {
                let j = unit + 1;
                let terms: Vec<String> = (1..=self.values.w.len())
                    .map(|k| format!("w{}{}·δ{}", sub(k), sub(j), sub(k)))
                    .collect();
                let numbers: Vec<String> = self
                    .values
                    .w
                    .iter()
                    .zip(&self.deltas[1])
                    .map(|(row, d)| product(row[j], *d))
                    .collect();
                Step {
                    symbol: format!("ε{}", sub(j)),
                    formula: format!("{} ({})", self.prime("z", j), terms.join(" + ")),
                    numbers: format!(
                        "{} · ({})",
                        self.prime_number(self.trace.values[1][unit]),
                        numbers.join(" + ")
                    ),
                    value: self.deltas[0][unit],
                }
            })
            .collect()
    }

    fn gradients(&self, weight: char, delta: char, below: char, layer: usize) -> Vec<Step> {
        let skip = if layer == 0 {
            0
        } else {
            self.values.v.len() * (self.values.input.len() + 1)
        };
        let inputs: Vec<f64> = std::iter::once(1.0)
            .chain(self.trace.values[layer].iter().copied())
            .collect();
        let mut steps = Vec::new();
        for (unit, d) in self.deltas[layer].iter().enumerate() {
            for (i, x) in inputs.iter().enumerate() {
                let j = unit + 1;
                steps.push(Step {
                    symbol: format!("∂L/∂{weight}{}{}", sub(j), sub(i)),
                    formula: format!("{delta}{}·{below}{}", sub(j), sub(i)),
                    numbers: product(*d, *x),
                    value: self.gradient[skip + unit * inputs.len() + i],
                });
            }
        }
        steps
    }

    fn update(&self) -> Vec<Step> {
        let old: Vec<f64> = self
            .values
            .v
            .iter()
            .chain(&self.values.w)
            .flatten()
            .copied()
            .collect();
        let each = self
            .names
            .iter()
            .zip(old)
            .zip(self.gradient.iter().zip(self.new));
        each.map(|((name, old), (gradient, new))| Step {
            symbol: format!("new {name}"),
            formula: format!("{name} − η·∂L/∂{name}"),
            numbers: format!(
                "{} − {}",
                number(old),
                product(self.values.learning_rate, *gradient)
            ),
            value: *new,
        })
        .collect()
    }

    fn f(&self) -> &'static str {
        match self.values.activation {
            Activation::Sigmoid => "σ",
            Activation::Tanh => "tanh",
            Activation::Relu => "relu",
            Activation::Identity => "id",
        }
    }

    fn prime_rule(&self) -> &'static str {
        match self.values.activation {
            Activation::Sigmoid => "σ′(b) = σ(b) (1 − σ(b)) = y (1 − y)",
            Activation::Tanh => "tanh′(b) = 1 − tanh²(b) = 1 − y²",
            Activation::Relu => "relu′(b) = 1 for b > 0, else 0",
            Activation::Identity => "id′(b) = 1",
        }
    }

    fn prime(&self, symbol: &str, unit: usize) -> String {
        let z = format!("{symbol}{}", sub(unit));
        match self.values.activation {
            Activation::Sigmoid => format!("{z} (1 − {z})"),
            Activation::Tanh => format!("(1 − {z}²)"),
            Activation::Relu => format!("[{z} > 0]"),
            Activation::Identity => "1".to_owned(),
        }
    }

    fn prime_number(&self, z: f64) -> String {
        match self.values.activation {
            Activation::Sigmoid => format!("{0} · (1 − {0})", number(z)),
            Activation::Tanh => format!("(1 − {}²)", factor(z)),
            Activation::Relu | Activation::Identity => number(self.values.activation.derivative(z)),
        }
    }
}

fn names(values: &Values) -> Vec<String> {
    let of = |name: char, rows: &[Vec<f64>]| -> Vec<String> {
        let each = rows.iter().enumerate();
        each.flat_map(|(j, row)| {
            (0..row.len()).map(move |i| format!("{name}{}{}", sub(j + 1), sub(i)))
        })
        .collect()
    };
    [of('v', &values.v), of('w', &values.w)].concat()
}

/// 3 → ₃. One digit is enough: see [`Values::network`].
fn sub(digit: usize) -> char {
    ['₀', '₁', '₂', '₃', '₄', '₅', '₆', '₇', '₈', '₉']
        .get(digit)
        .copied()
        .unwrap_or('?')
}

/// A number with a true minus sign and at most six decimals that say something.
pub(crate) fn number(value: f64) -> String {
    let text = if value != 0.0 && (value.abs() < 1e-3 || value.abs() >= 1e6) {
        format!("{value:.4e}")
    } else {
        let fixed = format!("{value:.6}");
        fixed.trim_end_matches('0').trim_end_matches('.').to_owned()
    };
    let text = if text == "-0" { "0".to_owned() } else { text };
    text.replace('-', "−")
}

/// A number inside a product: negative ones in brackets.
fn factor(value: f64) -> String {
    let text = number(value);
    if text.starts_with('−') {
        format!("({text})")
    } else {
        text
    }
}

fn product(a: f64, b: f64) -> String {
    format!("{}·{}", factor(a), factor(b))
}
