mod lines;

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::check::tolerance;
use crate::error::{VerifyError, check_number, invalid};
use crate::network::{Activation, Example, Layer, Loss, Network};
use lines::{Writer, names};

pub(crate) use lines::number;

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
    pub fn read(path: &Path) -> Result<Self, VerifyError> {
        let text = std::fs::read_to_string(path).map_err(|source| VerifyError::Io {
            path: path.to_owned(),
            source,
        })?;
        toml::from_str(&text).map_err(|error| {
            let path = path.display();
            VerifyError::Invalid(format!("cannot read the values in {path}: {error}"))
        })
    }

    /// The network and the example.
    ///
    /// # Errors
    /// Values that do not fit together, are not finite, or are more than 9 of a kind (the
    /// formulas number them with one digit).
    pub fn network(&self) -> Result<(Network, Example), VerifyError> {
        let (input, target) = (self.input.len(), self.target.len());
        let (v, w) = (self.v.len(), self.w.len());
        for (what, count) in [("input", input), ("target", target), ("v", v), ("w", w)] {
            if !(1..=9).contains(&count) {
                let problem = "the worked derivation takes 1 to 9 entries";
                return Err(invalid(what, format!("it has {count}; {problem}")));
            }
        }
        check_number("the learning rate", self.learning_rate)?;
        let layer = |rows: &Vec<Vec<f64>>| Layer {
            rows: rows.clone(),
            activation: self.activation,
        };
        let network = Network::new(vec![layer(&self.v), layer(&self.w)], Loss::HalfSquares)?;
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
        let batch = [example];
        let trace = network.forward(&values.input);
        let deltas = network.deltas(&trace, &values.target);
        let gradient = network.gradient(&batch);
        let after = network.step(&gradient, values.learning_rate);
        let mut worked = Self {
            loss: network.loss(&batch),
            loss_after: after.loss(&batch),
            sections: Vec::new(),
            names: names(&values),
            new: after.parameters(),
            gradient,
            values,
        };
        let writer = Writer {
            worked: &worked,
            trace: &trace,
            deltas: &deltas,
        };
        worked.sections = writer.sections();
        Ok(worked)
    }

    /// Every value of the derivation is a number, and the printed lines agree with the arrays.
    pub fn is_sound(&self) -> bool {
        let steps = self.sections.iter().flat_map(|s| &s.steps);
        let lines: Vec<f64> = steps.map(|step| step.value).collect();
        let near = |v: &f64, l: &f64| (l - v).abs() <= tolerance::ANALYTIC_F64;
        let mut arrays = self.gradient.iter().chain(&self.new);
        lines.iter().all(|v| v.is_finite()) && arrays.all(|v| lines.iter().any(|l| near(v, l)))
    }
}
