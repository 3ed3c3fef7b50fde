use serde::Serialize;

/// One check with its result.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Check {
    /// For example `backprop/autodiff/flex/w₁₁`.
    pub name: String,
    /// Whether the error is a number within the tolerance.
    pub passed: bool,
    /// As [`crate::max_error`] measures it; infinite (`null` in JSON) if anything is not finite.
    pub max_error: f64,
    /// See [`crate::tolerance`].
    pub tolerance: f64,
    /// How many numbers were compared.
    pub compared: usize,
}

/// Checks that are shown as one line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Group {
    /// What they show, in one line.
    pub title: String,
    /// Which part: `Backpropagation` or `Filters`.
    pub part: &'static str,
    /// The checks.
    pub checks: Vec<Check>,
}

/// Something that could not be checked here: neither passed nor failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NotChecked {
    /// What.
    pub name: String,
    /// Why not, for example `no adapter`.
    pub reason: String,
}

impl Check {
    /// NaN never passes.
    pub fn new(name: impl Into<String>, max_error: f64, tolerance: f64, compared: usize) -> Self {
        Self {
            name: name.into(),
            passed: max_error <= tolerance && compared > 0,
            max_error,
            tolerance,
            compared,
        }
    }

    /// A yes or no: the error is 0 or infinite.
    pub fn holds(name: impl Into<String>, holds: bool) -> Self {
        Self::new(name, if holds { 0.0 } else { f64::INFINITY }, 0.0, 1)
    }
}

impl Group {
    /// Whether all of them passed; an empty group did not.
    pub fn passed(&self) -> bool {
        !self.checks.is_empty() && self.checks.iter().all(|check| check.passed)
    }

    /// The largest error; infinite if any is not a number.
    pub fn max_error(&self) -> f64 {
        let errors = self.checks.iter().map(|check| check.max_error);
        errors.fold(0.0, |worst, error| {
            if error.is_nan() {
                f64::INFINITY
            } else {
                f64::max(worst, error)
            }
        })
    }

    /// The largest tolerance.
    pub fn tolerance(&self) -> f64 {
        let tolerances = self.checks.iter().map(|check| check.tolerance);
        tolerances.fold(0.0, f64::max)
    }
}
