use crate::compare::max_error;

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
