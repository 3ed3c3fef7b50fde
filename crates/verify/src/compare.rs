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
