use std::fmt;

use serde::Serialize;

use crate::numeric::Outcome;
use crate::parameters::Found;

/// What [`crate::gradcheck`] found.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct GradcheckReport {
    /// The loss at the point that was checked.
    pub loss: f64,
    /// Every trainable parameter.
    pub parameters: Vec<ParameterReport>,
    /// Parameters that need no gradient, for example running means; not checked.
    pub frozen: Vec<String>,
}

/// One parameter.
#[derive(Debug, Clone, Serialize)]
#[non_exhaustive]
pub struct ParameterReport {
    /// Where it stands in the module, for example `blocks.0.conv.weight`.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// How many elements were checked.
    pub checked: usize,
    /// How many of those stand on a kink; they do not count in the errors.
    pub kinks: usize,
    /// How many are wrong.
    pub wrong: usize,
    /// Largest `|autodiff − numeric|`.
    pub max_absolute: f64,
    /// Mean of the same.
    pub mean_absolute: f64,
    /// Largest `|autodiff − numeric| / max(|autodiff|, |numeric|)`, of gradients above 10⁻³.
    pub max_relative: f64,
    /// Mean of the same.
    pub mean_relative: f64,
    /// The three elements that differ most.
    pub worst: Vec<Worst>,
}

/// One element with both derivatives.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Worst {
    /// Its index in the parameter.
    pub index: Vec<usize>,
    /// What autodiff says.
    pub autodiff: f64,
    /// What central differences say.
    pub numeric: f64,
    /// Whether it stands on a kink.
    pub kink: bool,
}

impl GradcheckReport {
    /// Whether no element is wrong.
    pub fn passed(&self) -> bool {
        self.parameters.iter().all(|parameter| parameter.wrong == 0)
    }

    /// The largest absolute difference off the kinks.
    pub fn max_absolute(&self) -> f64 {
        self.parameters
            .iter()
            .map(|parameter| parameter.max_absolute)
            .fold(0.0, f64::max)
    }
}

impl ParameterReport {
    pub(crate) fn new(found: &Found, outcomes: &[(usize, Outcome)]) -> Self {
        // A NaN anywhere makes the difference infinite, so that it shows.
        let absolute = |o: &Outcome| {
            Some((o.autodiff - o.numeric).abs())
                .filter(|d| d.is_finite())
                .unwrap_or(f64::INFINITY)
        };
        let smooth: Vec<&Outcome> = outcomes
            .iter()
            .map(|(_, o)| o)
            .filter(|o| !o.kink)
            .collect();
        let absolutes: Vec<f64> = smooth.iter().map(|o| absolute(o)).collect();
        let relatives: Vec<f64> = smooth
            .iter()
            .filter(|o| o.autodiff.abs().max(o.numeric.abs()) > 1e-3)
            .map(|o| absolute(o) / o.autodiff.abs().max(o.numeric.abs()))
            .collect();
        let mut order: Vec<&(usize, Outcome)> = outcomes.iter().collect();
        order.sort_by(|(_, a), (_, b)| {
            (a.passed, a.kink)
                .cmp(&(b.passed, b.kink))
                .then(absolute(b).total_cmp(&absolute(a)))
        });
        Self {
            name: found.name.clone(),
            shape: found.shape.clone(),
            checked: outcomes.len(),
            kinks: outcomes.len() - smooth.len(),
            wrong: outcomes.iter().filter(|(_, o)| !o.passed).count(),
            max_absolute: max(&absolutes),
            mean_absolute: mean(&absolutes),
            max_relative: max(&relatives),
            mean_relative: mean(&relatives),
            worst: order
                .iter()
                .take(3)
                .map(|(element, o)| Worst {
                    index: unravel(*element, &found.shape),
                    autodiff: o.autodiff,
                    numeric: o.numeric,
                    kink: o.kink,
                })
                .collect(),
        }
    }
}

impl fmt::Display for GradcheckReport {
    /// A table, and the worst elements of every parameter that is wrong.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = self
            .parameters
            .iter()
            .map(|p| p.name.len())
            .max()
            .unwrap_or(0)
            .max(9);
        writeln!(
            f,
            "{:width$}  {:>7}  {:>5}  {:>5}  {:>9}  {:>9}",
            "parameter", "checked", "kinks", "wrong", "max abs", "max rel"
        )?;
        for p in &self.parameters {
            writeln!(
                f,
                "{:width$}  {:>7}  {:>5}  {:>5}  {:>9.1e}  {:>9.1e}",
                p.name, p.checked, p.kinks, p.wrong, p.max_absolute, p.max_relative
            )?;
            for worst in p.worst.iter().filter(|_| p.wrong > 0) {
                writeln!(
                    f,
                    "  {:?}: autodiff {:e}, numeric {:e}",
                    worst.index, worst.autodiff, worst.numeric
                )?;
            }
        }
        Ok(())
    }
}

fn unravel(mut element: usize, shape: &[usize]) -> Vec<usize> {
    let mut index: Vec<usize> = shape
        .iter()
        .rev()
        .map(|&size| {
            let i = element % size.max(1);
            element /= size.max(1);
            i
        })
        .collect();
    index.reverse();
    index
}

fn max(values: &[f64]) -> f64 {
    values.iter().copied().fold(0.0, f64::max)
}

fn mean(values: &[f64]) -> f64 {
    if values.is_empty() {
        0.0
    } else {
        values.iter().sum::<f64>() / values.len() as f64
    }
}
