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
    /// Largest `|autodiff − numeric| / max(|autodiff|, |numeric|)`, of gradients above 10⁻³.
    pub max_relative: f64,
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
            let difference = (o.autodiff - o.numeric).abs();
            if difference.is_finite() {
                difference
            } else {
                f64::INFINITY
            }
        };
        let largest = |o: &Outcome| o.autodiff.abs().max(o.numeric.abs());
        let smooth = || outcomes.iter().map(|(_, o)| o).filter(|o| !o.kink);
        let relatives = smooth().filter(|o| largest(o) > 1e-3);
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
            kinks: outcomes.len() - smooth().count(),
            wrong: outcomes.iter().filter(|(_, o)| !o.passed).count(),
            max_absolute: smooth().map(absolute).fold(0.0, f64::max),
            max_relative: relatives
                .map(|o| absolute(o) / largest(o))
                .fold(0.0, f64::max),
            worst: order[..order.len().min(3)]
                .iter()
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
        let names = self.parameters.iter().map(|p| p.name.len());
        let width = names.max().unwrap_or(0).max(9);
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
    let mut index = vec![0; shape.len()];
    for (slot, size) in index.iter_mut().zip(shape).rev() {
        *slot = element % size.max(&1);
        element /= size.max(&1);
    }
    index
}
