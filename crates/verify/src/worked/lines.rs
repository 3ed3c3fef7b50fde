use super::{Section, Step, Values};
use crate::network::{Activation, Trace};

/// Writes every line of the derivation.
pub(super) struct Writer<'a> {
    pub(super) values: &'a Values,
    pub(super) trace: &'a Trace,
    pub(super) deltas: &'a [Vec<f64>],
    pub(super) gradient: &'a [f64],
    pub(super) new: &'a [f64],
    pub(super) names: &'a [String],
    pub(super) loss: f64,
}

impl Writer<'_> {
    pub(super) fn sections(&self) -> Vec<Section> {
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

pub(super) fn names(values: &Values) -> Vec<String> {
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
