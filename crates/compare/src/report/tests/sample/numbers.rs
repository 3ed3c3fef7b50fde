use super::Shape;
use crate::{Difference, Pair, Sample};

/// Small numbers that look random and are the same in every run.
pub(super) fn noise(number: usize) -> f64 {
    let mut state = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state ^= state >> 29;
    state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state ^= state >> 32;
    (state % 20_001) as f64 / 10_000.0 - 1.0
}

pub(super) fn statistics(values: &[f64]) -> (f64, Option<f64>, Option<[f64; 2]>) {
    let n = values.len() as f64;
    let mean = values.iter().sum::<f64>() / n;
    if values.len() < 2 {
        return (mean, None, None);
    }
    let std = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    // Student's t for 5 values; near enough for a picture of others.
    let half = 2.776 * std / n.sqrt();
    (mean, Some(std), Some([mean - half, mean + half]))
}

pub(super) fn sample(mean: f64, spread: f64, seeds: usize) -> Sample {
    let start = (mean * 1e6) as usize;
    let values: Vec<f64> = (0..seeds)
        .map(|seed| (mean + spread * noise(start + 31 * seed)).min(1.0))
        .collect();
    let (mean, std, interval) = statistics(&values);
    Sample {
        values,
        mean,
        std,
        interval,
    }
}

pub(super) fn difference(of: &Sample, minus: &Sample) -> Difference {
    let values: Vec<f64> = of
        .values
        .iter()
        .zip(&minus.values)
        .map(|(a, b)| a - b)
        .collect();
    let (mean, std, interval) = statistics(&values);
    Difference {
        p: std.map(|std| {
            let t = mean.abs() * (values.len() as f64).sqrt() / std.max(1e-9);
            (-0.7 * t).exp()
        }),
        values,
        mean,
        interval,
    }
}

pub(super) fn between(pair: &Pair<Sample>) -> Difference {
    difference(&pair.cnn, &pair.mlp)
}

pub(super) fn samples(mlp: f64, cnn: f64, spread: f64, seeds: usize) -> Pair<Sample> {
    Pair {
        mlp: sample(mlp, spread, seeds),
        cnn: sample(cnn, spread * 0.7, seeds),
    }
}

pub(super) fn difference_of(of: &Difference, minus: &Difference) -> Difference {
    let plain = |difference: &Difference| Sample {
        values: difference.values.clone(),
        mean: difference.mean,
        std: None,
        interval: None,
    };
    difference(&plain(of), &plain(minus))
}

pub(super) fn seeds(shape: Shape) -> Vec<u64> {
    (1..=shape.seeds as u64).collect()
}
