//! The step of Adam in one pass over memory.

use rayon::prelude::*;

use crate::simd::{CHUNK, Float, Instructions, vectorized};

/// One step of Adam (Kingma and Ba 2015) with the corrections of its bias folded in.
#[derive(Debug, Clone, Copy)]
pub(super) struct AdamStep {
    pub beta_1: f64,
    pub beta_2: f64,
    /// √(1 − β₂ᵗ) / (1 − β₁ᵗ)
    pub correction: f64,
    /// ε · √(1 − β₂ᵗ)
    pub epsilon: f64,
    pub rate: f64,
    /// What remains of a parameter before the step: 1 − rate · decay for AdamW, else 1.
    pub keep: f64,
}

/// Updates parameters and both moments in place.
pub(super) fn adam<T: Float>(
    step: AdamStep,
    values: &mut [T],
    gradient: &[T],
    [first, second]: [&mut [T]; 2],
) {
    // `zip` would end with the shortest, and leave the rest of the parameters as they are.
    for other in [gradient.len(), first.len(), second.len()] {
        assert_eq!(
            values.len(),
            other,
            "Adam: parameters, gradient and moments"
        );
    }
    values
        .par_chunks_mut(CHUNK)
        .zip(gradient.par_chunks(CHUNK))
        .zip(first.par_chunks_mut(CHUNK))
        .zip(second.par_chunks_mut(CHUNK))
        .for_each(|(((values, gradient), first), second)| {
            chunk(step, values, gradient, first, second);
        });
}

vectorized! {
    fn chunk<T>(
        step: AdamStep,
        values: &mut [T],
        gradient: &[T],
        first: &mut [T],
        second: &mut [T],
    ) = chunk_body;
}

#[inline(always)]
fn chunk_body<T: Float>(
    step: AdamStep,
    values: &mut [T],
    gradient: &[T],
    first: &mut [T],
    second: &mut [T],
) {
    let [beta_1, beta_2, rest_1, rest_2, scale, epsilon, keep] = [
        step.beta_1,
        step.beta_2,
        1.0 - step.beta_1,
        1.0 - step.beta_2,
        -step.rate * step.correction,
        step.epsilon,
        step.keep,
    ]
    .map(T::from_f64);
    let moments = first.iter_mut().zip(second);
    for ((value, &g), (m, v)) in values.iter_mut().zip(gradient).zip(moments) {
        *m = *m * beta_1 + g * rest_1;
        *v = *v * beta_2 + g * g * rest_2;
        let change = *m * scale / (v.root() + epsilon);
        *value = *value * keep + change;
    }
}
