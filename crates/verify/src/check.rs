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

/// The largest difference between two lists, `|a − b| / max(1, |b|)`: absolute for small numbers,
/// relative for large ones. Infinite if the lengths differ or any value is not finite, so that
/// NaN never passes.
pub fn max_error(found: &[f64], expected: &[f64]) -> f64 {
    if found.len() != expected.len() {
        return f64::INFINITY;
    }
    found.iter().zip(expected).fold(0.0, |worst, (&a, &b)| {
        if a.is_finite() && b.is_finite() {
            f64::max(worst, (a - b).abs() / b.abs().max(1.0))
        } else {
            f64::INFINITY
        }
    })
}

/// The named tolerances of every check in this crate, for errors as [`max_error`] measures them.
pub mod tolerance {
    /// Two derivations in f64: only rounding differs.
    pub const ANALYTIC_F64: f64 = 1e-12;
    /// A gradient computed on a device that knows only f32.
    pub const ANALYTIC_F32: f64 = 1e-5;
    /// Central finite differences at the best of the swept steps, f64.
    pub const FINITE_DIFFERENCE: f64 = 1e-7;
    /// Two trainings that add up their rounding over 1,000 steps in f64.
    pub const TRAINING_F64: f64 = 1e-10;
    /// The same in f32.
    pub const TRAINING_F32: f64 = 1e-3;
    /// Weights of a filter that was learned back from its outputs.
    pub const LEARNED: f64 = 1e-3;
    /// Whole numbers: no error at all.
    pub const EXACT: f64 = 0.0;
    /// An error above this catches a mutant: far above rounding, far below a wrong rule.
    pub const MUTANT: f64 = 1e-6;
}

/// The steps that are tried where the whole curve is shown: 10⁻¹, 10⁻¹·⁵, … 10⁻¹⁰.
pub(crate) fn steps() -> [f64; 19] {
    std::array::from_fn(|number| 10_f64.powf(-1.0 - 0.5 * number as f64))
}

/// Central differences of a function of many variables at `point`:
/// ∂f/∂xᵢ ≈ (f(x + h eᵢ) − f(x − h eᵢ)) / 2h, wrong by h² f‴/6 and by rounding / h.
pub(crate) fn central(f: impl Fn(&[f64]) -> f64, point: &[f64], step: f64) -> Vec<f64> {
    let mut x = point.to_vec();
    let mut difference = |i: usize| {
        x[i] = point[i] + step;
        let above = (x[i], f(&x));
        x[i] = point[i] - step;
        let below = (x[i], f(&x));
        x[i] = point[i];
        // The step that was really taken, after rounding.
        (above.1 - below.1) / (above.0 - below.0)
    };
    (0..point.len()).map(&mut difference).collect()
}

/// Each step with the error of a gradient against central differences, as [`max_error`].
pub(crate) fn sweep(
    f: impl Fn(&[f64]) -> f64,
    point: &[f64],
    gradient: &[f64],
    steps: &[f64],
) -> Vec<(f64, f64)> {
    let error = |step| max_error(gradient, &central(&f, point, step));
    steps.iter().map(|&step| (step, error(step))).collect()
}

/// The smallest of those errors; infinite, never NaN, where none is a number.
pub(crate) fn best(
    f: impl Fn(&[f64]) -> f64,
    point: &[f64],
    gradient: &[f64],
    steps: &[f64],
) -> f64 {
    let points = sweep(f, point, gradient, steps).into_iter();
    points.map(|(_, error)| error).fold(f64::INFINITY, f64::min)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn not_a_number_and_missing_values_are_infinitely_wrong() {
        assert_eq!(max_error(&[f64::NAN], &[f64::NAN]), f64::INFINITY);
        assert_eq!(max_error(&[f64::INFINITY], &[f64::INFINITY]), f64::INFINITY);
        assert_eq!(max_error(&[1.0], &[1.0, 2.0]), f64::INFINITY);
        assert_eq!(max_error(&[1.0, 200.0], &[1.0, 100.0]), 1.0);
    }
}
