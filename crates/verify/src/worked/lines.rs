use super::{Section, Step, Values, Worked};
use crate::network::{Activation, Trace};

/// Writes every line of the derivation.
pub(super) struct Writer<'a> {
    pub(super) worked: &'a Worked,
    pub(super) trace: &'a Trace,
    pub(super) deltas: &'a [Vec<f64>],
}

impl Writer<'_> {
    pub(super) fn sections(&self) -> Vec<Section> {
        let section = |title, why: &str, steps| Section {
            title,
            why: why.to_owned(),
            steps,
        };
        let output = format!("δₖ = ∂L/∂bₖ by the chain rule; {}.", self.words()[1]);
        let hidden =
            "Each hidden unit sums its weighted inputs, x₀ = 1 carrying the bias, and applies f.";
        let back = "zⱼ feeds every output, so the δₖ come back over the same wₖⱼ: the old ones, from the forward pass.";
        let to_w = "∂L/∂wₖⱼ = δₖ zⱼ, because bₖ depends on wₖⱼ with slope zⱼ.";
        let update = "All at once: parameter ← parameter − η · gradient.";
        let (forward_v, forward_w) = (self.layer(0, 'a', 'z'), self.layer(1, 'b', 'y'));
        vec![
            section("Forward pass: hidden layer", hidden, forward_v),
            section(
                "Forward pass: output layer",
                "The same once more, with z₀ = 1.",
                forward_w,
            ),
            section("Loss", "Half the sum of squares.", vec![self.loss()]),
            section("Backward pass: output layer", &output, self.output_deltas()),
            section("Gradient of w", to_w, self.gradients(1, 'δ')),
            section("Backward pass: hidden layer", back, self.hidden_deltas()),
            section("Gradient of v", "∂L/∂vⱼᵢ = εⱼ xᵢ.", self.gradients(0, 'ε')),
            section("Update", update, self.update()),
        ]
    }

    fn layer(&self, layer: usize, sum: char, out: char) -> Vec<Step> {
        let (weight, below) = LETTERS[layer];
        let rows = [&self.worked.values.v, &self.worked.values.w][layer];
        let (f, sums) = (self.words()[0], &self.trace.sums[layer]);
        let sum_of = |(unit, row): (usize, &Vec<f64>)| {
            let j = sub(unit + 1);
            let symbols = (0..row.len()).map(|i| format!("{weight}{j}{0}·{below}{0}", sub(i)));
            let numbers = row.iter().zip(self.inputs(layer));
            Step {
                symbol: format!("{sum}{j}"),
                formula: joined(symbols),
                numbers: joined(numbers.map(|(w, x)| product(*w, x))),
                value: sums[unit],
            }
        };
        let value_of = |(unit, value): (usize, &f64)| {
            let j = sub(unit + 1);
            Step {
                symbol: format!("{out}{j}"),
                formula: format!("{f}({sum}{j})"),
                numbers: format!("{f}({})", number(sums[unit])),
                value: *value,
            }
        };
        let values = &self.trace.values[layer + 1];
        let sums = rows.iter().enumerate().map(sum_of);
        sums.chain(values.iter().enumerate().map(value_of))
            .collect()
    }

    fn loss(&self) -> Step {
        let count = self.worked.values.target.len();
        let symbols = (1..=count).map(|k| format!("(y{0} − t{0})²", sub(k)));
        let numbers = self
            .outputs()
            .map(|(_, y, t)| format!("({} − {})²", number(y), factor(t)));
        Step {
            symbol: "L".to_owned(),
            formula: format!("½ [{}]", joined(symbols)),
            numbers: format!("½ [{}]", joined(numbers)),
            value: self.worked.loss,
        }
    }

    fn output_deltas(&self) -> Vec<Step> {
        let delta = |(unit, y, t): (usize, f64, f64)| {
            let (k, prime) = (sub(unit + 1), self.prime_number(y));
            Step {
                symbol: format!("δ{k}"),
                formula: format!("(y{k} − t{k}) {}", self.prime('y', k)),
                numbers: format!("({} − {}) · {prime}", number(y), factor(t)),
                value: self.deltas[1][unit],
            }
        };
        self.outputs().map(delta).collect()
    }

    fn hidden_deltas(&self) -> Vec<Step> {
        let w = &self.worked.values.w;
        let delta = |(unit, value): (usize, &f64)| {
            let j = sub(unit + 1);
            let symbols = (1..=w.len()).map(|k| format!("w{0}{j}·δ{0}", sub(k)));
            let numbers = w.iter().zip(&self.deltas[1]);
            let numbers = joined(numbers.map(|(row, d)| product(row[unit + 1], *d)));
            let prime = self.prime_number(self.trace.values[1][unit]);
            Step {
                symbol: format!("ε{j}"),
                formula: format!("{} ({})", self.prime('z', j), joined(symbols)),
                numbers: format!("{prime} · ({numbers})"),
                value: *value,
            }
        };
        self.deltas[0].iter().enumerate().map(delta).collect()
    }

    fn gradients(&self, layer: usize, delta: char) -> Vec<Step> {
        let (weight, below) = LETTERS[layer];
        let first = layer * self.worked.values.v.iter().map(Vec::len).sum::<usize>();
        let mut values = self.worked.gradient[first..].iter();
        let mut steps = Vec::new();
        for (unit, d) in self.deltas[layer].iter().enumerate() {
            let j = sub(unit + 1);
            for ((i, x), value) in self.inputs(layer).enumerate().zip(values.by_ref()) {
                let i = sub(i);
                steps.push(Step {
                    symbol: format!("∂L/∂{weight}{j}{i}"),
                    formula: format!("{delta}{j}·{below}{i}"),
                    numbers: product(*d, x),
                    value: *value,
                });
            }
        }
        steps
    }

    fn update(&self) -> Vec<Step> {
        let Values {
            v,
            w,
            learning_rate,
            ..
        } = &self.worked.values;
        let old = v.iter().chain(w).flatten();
        let each = self.worked.names.iter().zip(old);
        let after = self.worked.gradient.iter().zip(&self.worked.new);
        let step = |((name, old), (gradient, new)): ((&String, &f64), (&f64, &f64))| Step {
            symbol: format!("new {name}"),
            formula: format!("{name} − η·∂L/∂{name}"),
            numbers: format!("{} − {}", number(*old), product(*learning_rate, *gradient)),
            value: *new,
        };
        each.zip(after).map(step).collect()
    }

    /// What a layer's weights are multiplied with, the constant 1 first.
    fn inputs(&self, layer: usize) -> impl Iterator<Item = f64> {
        std::iter::once(1.0).chain(self.trace.values[layer].iter().copied())
    }

    /// Unit, output and target.
    fn outputs(&self) -> impl Iterator<Item = (usize, f64, f64)> {
        let pairs = self.trace.values[2].iter().zip(&self.worked.values.target);
        pairs.enumerate().map(|(unit, (y, t))| (unit, *y, *t))
    }

    /// The function, the rule of its derivative, and the derivative from the value `z`.
    fn words(&self) -> [&'static str; 3] {
        match self.worked.values.activation {
            Activation::Sigmoid => ["σ", "σ′(b) = σ(b) (1 − σ(b)) = y (1 − y)", "z (1 − z)"],
            Activation::Tanh => ["tanh", "tanh′(b) = 1 − tanh²(b) = 1 − y²", "(1 − z²)"],
            Activation::Relu => ["relu", "relu′(b) = 1 for b > 0, else 0", "[z > 0]"],
            Activation::Identity => ["id", "id′(b) = 1", "1"],
        }
    }

    fn prime(&self, symbol: char, unit: char) -> String {
        self.words()[2].replace('z', &format!("{symbol}{unit}"))
    }

    fn prime_number(&self, z: f64) -> String {
        match self.worked.values.activation {
            Activation::Sigmoid => format!("{0} · (1 − {0})", number(z)),
            Activation::Tanh => format!("(1 − {}²)", factor(z)),
            f @ (Activation::Relu | Activation::Identity) => number(f.derivative(z)),
        }
    }
}

/// The letters of a layer's weights and of what they are multiplied with.
const LETTERS: [(char, char); 2] = [('v', 'x'), ('w', 'z')];

fn joined(terms: impl Iterator<Item = String>) -> String {
    terms.collect::<Vec<_>>().join(" + ")
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
