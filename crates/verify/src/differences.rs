use serde::Serialize;

use crate::compare::max_error;

/// The steps that are tried: 10⁻¹, 10⁻¹·⁵, … 10⁻¹⁰.
pub fn steps() -> Vec<f64> {
    (2..=20)
        .map(|half| 10_f64.powf(-0.5 * f64::from(half)))
        .collect()
}

/// Central differences of a function of many variables at `point`:
/// ∂f/∂xᵢ ≈ (f(x + h eᵢ) − f(x − h eᵢ)) / 2h, wrong by h² f‴/6 and by rounding / h.
pub fn central(f: impl Fn(&[f64]) -> f64, point: &[f64], step: f64) -> Vec<f64> {
    let mut x = point.to_vec();
    (0..x.len())
        .map(|i| {
            x[i] = point[i] + step;
            let above = (x[i], f(&x));
            x[i] = point[i] - step;
            let below = (x[i], f(&x));
            x[i] = point[i];
            // The step that was really taken, after rounding.
            (above.1 - below.1) / (above.0 - below.0)
        })
        .collect()
}

/// How far a gradient is from central differences, for one step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct SweepPoint {
    /// h
    pub step: f64,
    /// As [`max_error`].
    pub error: f64,
}

/// Compares a gradient with central differences for every step of [`steps`].
pub fn sweep(f: impl Fn(&[f64]) -> f64, point: &[f64], gradient: &[f64]) -> Vec<SweepPoint> {
    steps()
        .into_iter()
        .map(|step| SweepPoint {
            step,
            error: max_error(gradient, &central(&f, point, step)),
        })
        .collect()
}

/// The best point of a sweep; infinite for an empty one.
pub fn best(sweep: &[SweepPoint]) -> f64 {
    sweep
        .iter()
        .map(|point| point.error)
        .fold(f64::INFINITY, f64::min)
}
