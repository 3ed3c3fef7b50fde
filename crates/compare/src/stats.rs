//! The statistics of the experiment: pure functions from numbers to the plain results that the
//! report shows.
//!
//! Numbers that are odd (none at all, NaN, infinite) never panic; each function says what it
//! makes of them. Lengths that do not fit together are a mistake of the caller and do.

use serde::{Deserialize, Serialize};
use statrs::distribution::{ContinuousCDF, StudentsT};
use statrs::function::beta::beta_reg;

use crate::network::Pair;

/// Probability of the confidence intervals.
const CONFIDENCE: f64 = 0.95;
/// Temperatures that [`temperature`] tries.
const TEMPERATURES: [f64; 2] = [0.05, 20.0];

/// The same measurement with several seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sample {
    /// One value a seed, in the order of the plan's seeds.
    pub values: Vec<f64>,
    pub mean: f64,
    /// Standard deviation, n − 1 in the denominator; none for a single value.
    pub std: Option<f64>,
    /// 95 % confidence interval of the mean (Student's t); none for a single value.
    pub interval: Option<[f64; 2]>,
}

/// The paired difference of a measurement, seed by seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// One difference a seed.
    pub values: Vec<f64>,
    pub mean: f64,
    /// 95 % confidence interval of the mean (Student's t); none for a single value.
    pub interval: Option<[f64; 2]>,
    /// Two-sided p-value of the paired t-test; none for a single value.
    pub p: Option<f64>,
}

/// McNemar's exact test on the test images: two networks of the same seed, image by image
/// (McNemar 1947; Dietterich 1998).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct McNemar {
    pub seed: u64,
    pub both_right: usize,
    pub only_mlp_right: usize,
    pub only_cnn_right: usize,
    pub both_wrong: usize,
    /// Two-sided exact binomial p-value of the two discordant counts.
    pub p: f64,
}

/// The answers whose probability lies in one interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Lower end, excluded (included for the first).
    pub low: f64,
    /// Upper end, included.
    pub high: f64,
    pub count: usize,
    /// Their mean probability; 0 without answers.
    pub confidence: f64,
    /// The fraction of them that are right; 0 without answers.
    pub accuracy: f64,
}

impl Pair<Vec<f64>> {
    /// Each network's values, described by [`sample`].
    pub fn samples(&self) -> Pair<Sample> {
        self.map(|values| sample(values.clone()))
    }

    /// The paired difference CNN − MLP.
    pub fn difference(&self) -> Difference {
        paired(&self.mlp, &self.cnn)
    }
}

/// Arithmetic mean; 0 without values.
pub fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Seed by seed, the mean over several measurements of both networks.
pub fn mean_by_seed<'a>(measured: impl IntoIterator<Item = &'a Pair<Vec<f64>>>) -> Pair<Vec<f64>> {
    let measured: Vec<&Pair<Vec<f64>>> = measured.into_iter().collect();
    Pair::from_fn(|network| {
        let seeds = measured.first().map_or(0, |first| first.of(network).len());
        (0..seeds)
            .map(|seed| {
                let values = measured.iter().map(|pair| pair.of(network)[seed]);
                mean(&values.collect::<Vec<f64>>())
            })
            .collect()
    })
}

/// Describes the same measurement with several seeds.
///
/// Values that are all the same have a deviation of 0 and an interval without width. The mean of
/// no values is NaN; where a value is not finite, there is no deviation and no interval.
pub fn sample(values: Vec<f64>) -> Sample {
    let (mean, std) = moments(&values);
    Sample {
        mean,
        std,
        interval: interval(mean, std, values.len()),
        values,
    }
}

/// Tests by Student's one-sample t-test, two-sided, whether the mean of `values` is 0
/// (Student 1908). The values are paired differences already.
///
/// Where all are the same, nothing is left to chance: p is 1 if they are 0 and 0 otherwise,
/// which with two or three values says little. The mean of no values is NaN; a single value, or
/// one that is not finite, has no interval and no p.
pub fn difference(values: Vec<f64>) -> Difference {
    let (mean, std) = moments(&values);
    Difference {
        mean,
        interval: interval(mean, std, values.len()),
        p: std.and_then(|std| t_test(mean, std, values.len())),
        values,
    }
}

/// The paired t-test of two measurements, seed by seed: the [`difference`] b − a.
pub fn paired(a: &[f64], b: &[f64]) -> Difference {
    assert_eq!(a.len(), b.len(), "one value of each for every seed");
    difference(a.iter().zip(b).map(|(a, b)| b - a).collect())
}

/// McNemar's exact test (McNemar 1947; Dietterich 1998): whether two networks, image by image
/// right or wrong, are right equally often.
pub fn mcnemar(seed: u64, mlp_right: &[bool], cnn_right: &[bool]) -> McNemar {
    assert_eq!(
        mlp_right.len(),
        cnn_right.len(),
        "one answer of each for every image"
    );
    let count = |mlp: bool, cnn: bool| {
        mlp_right
            .iter()
            .zip(cnn_right)
            .filter(|&answers| answers == (&mlp, &cnn))
            .count()
    };
    let (only_mlp_right, only_cnn_right) = (count(true, false), count(false, true));
    McNemar {
        seed,
        both_right: count(true, true),
        only_mlp_right,
        only_cnn_right,
        both_wrong: count(false, false),
        p: exact_binomial_two_sided(only_mlp_right, only_cnn_right),
    }
}

/// The two-sided p-value, 0 to 1, of `b` heads and `c` tails from a fair coin:
/// min(1, 2·P(X ≤ min(b, c))), X ~ Bin(b + c, ½). No throws at all: 1.
///
/// Right to nine digits for up to 100,000 throws; with more, a p above ½ loses digits while a small
/// one keeps them. 0 where p is too small for an `f64`.
pub fn exact_binomial_two_sided(b: usize, c: usize) -> f64 {
    if b == 0 && c == 0 {
        return 1.0;
    }
    // P(X ≤ k) = I_½(n − k, k + 1), which neither adds up terms nor overflows.
    let (fewer, more) = (b.min(c) as f64, b.max(c) as f64);
    (2.0 * beta_reg(more, fewer + 1.0, 0.5)).clamp(0.0, 1.0)
}

/// Adjusts p-values for their number (Holm 1979, step-down): rejecting where the result is below
/// α errs in any of them with a probability of at most α. The order is kept.
///
/// NaN stays NaN and does not count as a test.
pub fn holm(p: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p.len()).filter(|&i| !p[i].is_nan()).collect();
    order.sort_by(|&i, &j| p[i].total_cmp(&p[j]));
    let mut adjusted = vec![f64::NAN; p.len()];
    let mut largest: f64 = 0.0;
    for (rank, &i) in order.iter().enumerate() {
        // A larger p never gets the smaller adjusted value, although its factor is smaller.
        largest = largest.max(p[i] * (order.len() - rank) as f64).min(1.0);
        adjusted[i] = largest;
    }
    adjusted
}

/// The reliability diagram (Guo et al. 2017): answers by their probability, in `bins` intervals
/// of equal width from 0 to 1.
///
/// A probability at or below 0 counts in the first interval, one above 1 in the last; an answer
/// whose probability is NaN is left out.
pub fn reliability(confidence_and_right: &[(f64, bool)], bins: usize) -> Vec<Bin> {
    let end = |number: usize| number as f64 / bins as f64;
    let mut diagram: Vec<Bin> = (0..bins)
        .map(|number| Bin {
            low: end(number),
            high: end(number + 1),
            count: 0,
            confidence: 0.0,
            accuracy: 0.0,
        })
        .collect();
    for &(confidence, right) in confidence_and_right {
        // Compared with the ends themselves: a product with `bins` may round across one.
        let place = diagram.partition_point(|bin| bin.high < confidence);
        let place = place.min(bins.saturating_sub(1));
        if let Some(bin) = diagram.get_mut(place).filter(|_| !confidence.is_nan()) {
            bin.count += 1;
            bin.confidence += confidence;
            bin.accuracy += f64::from(u8::from(right));
        }
    }
    for bin in diagram.iter_mut().filter(|bin| bin.count > 0) {
        bin.confidence /= bin.count as f64;
        bin.accuracy /= bin.count as f64;
    }
    diagram
}

/// Expected calibration error, 0 to 1 (Naeini et al. 2015; Guo et al. 2017): how far probability
/// and accuracy are apart in each interval, weighted by its answers. Without answers: 0.
pub fn expected_calibration_error(diagram: &[Bin]) -> f64 {
    let answers: usize = diagram.iter().map(|bin| bin.count).sum();
    if answers == 0 {
        return 0.0;
    }
    let error: f64 = diagram
        .iter()
        .map(|bin| bin.count as f64 * (bin.accuracy - bin.confidence).abs())
        .sum();
    error / answers as f64
}

/// The temperature, 0.05 to 20, at which the [`mean_cross_entropy`] of `logits` (row by row, one
/// value a class) is smallest (Guo et al. 2017).
///
/// A bound is the answer where the best temperature lies beyond it, as it does for a set without
/// mistakes; 1 where the set says nothing: no images, no loss to lower, or a logit that is not
/// finite.
pub fn temperature(logits: &[f64], labels: &[u8], classes: usize) -> f64 {
    // The loss is convex in b = 1/T and its derivative there is E[z] − z_label, with
    // z distributed as softmax(b·z) says; the sign tells on which side the minimum lies.
    let slope = |temperature: f64| -> f64 {
        rows(logits, labels, classes)
            .map(|(row, label)| {
                let largest = largest(row);
                let (mut sum, mut weighted) = (0.0, 0.0);
                for z in row {
                    let weight = ((z - largest) / temperature).exp();
                    sum += weight;
                    weighted += weight * (z - largest);
                }
                weighted / sum - (row[label] - largest)
            })
            .sum()
    };
    let now = slope(1.0);
    if now == 0.0 || !now.is_finite() {
        return 1.0;
    }
    let [mut low, mut high] = TEMPERATURES;
    if slope(low) <= 0.0 {
        return low;
    }
    if slope(high) >= 0.0 {
        return high;
    }
    // Halving log T is slower than Newton's method and cannot go astray on a flat loss.
    for _ in 0..60 {
        let middle = (low * high).sqrt();
        if slope(middle) <= 0.0 {
            high = middle;
        } else {
            low = middle;
        }
    }
    (low * high).sqrt()
}

/// Mean cross-entropy in nats of softmax(logits / `temperature`); NaN without images or where a
/// logit is not finite.
pub fn mean_cross_entropy(logits: &[f64], labels: &[u8], classes: usize, temperature: f64) -> f64 {
    let sum: f64 = rows(logits, labels, classes)
        .map(|(row, label)| {
            let largest = largest(row);
            exponentials(row, temperature).ln() - (row[label] - largest) / temperature
        })
        .sum();
    sum / labels.len() as f64
}

/// The answer to one row of logits: the class of the largest, the first among equals, and its
/// probability by softmax(logits / `temperature`). The probability is NaN where a logit is, and
/// where the row is empty.
pub fn top(logits: &[f64], temperature: f64) -> (u8, f64) {
    assert!(logits.len() <= 256, "labels are bytes");
    let best = (0..logits.len()).fold(0, |best, i| if logits[i] > logits[best] { i } else { best });
    let probability = match logits {
        [] => f64::NAN,
        _ => 1.0 / exponentials(logits, temperature),
    };
    (best as u8, probability)
}

/// Mean, and standard deviation with n − 1, which a single value and one that is not finite lack.
fn moments(values: &[f64]) -> (f64, Option<f64>) {
    let count = values.len() as f64;
    let mean = match values {
        // A sum of equal values may round, and would give them a deviation.
        [first, rest @ ..] if rest.iter().all(|value| value == first) => *first,
        _ => values.iter().sum::<f64>() / count,
    };
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    let std = (squares / (count - 1.0)).sqrt();
    (mean, (values.len() > 1 && std.is_finite()).then_some(std))
}

fn interval(mean: f64, std: Option<f64>, count: usize) -> Option<[f64; 2]> {
    let quantile = student(count)?.inverse_cdf(0.5 + CONFIDENCE / 2.0);
    let half = quantile * std? / (count as f64).sqrt();
    Some([mean - half, mean + half])
}

fn t_test(mean: f64, std: f64, count: usize) -> Option<f64> {
    if std == 0.0 {
        return Some(if mean == 0.0 { 1.0 } else { 0.0 });
    }
    let t = mean / std * (count as f64).sqrt();
    Some((2.0 * student(count)?.sf(t.abs())).min(1.0))
}

/// Student's distribution for the mean of `count` values; none for fewer than two.
fn student(count: usize) -> Option<StudentsT> {
    let freedom = count.checked_sub(1)?;
    StudentsT::new(0.0, 1.0, freedom as f64).ok()
}

/// Each image's logits and the place of its class among them.
fn rows<'a>(
    logits: &'a [f64],
    labels: &'a [u8],
    classes: usize,
) -> impl Iterator<Item = (&'a [f64], usize)> {
    assert_eq!(
        logits.len(),
        labels.len() * classes,
        "{classes} logits for each label"
    );
    // No classes are no logits and, as the labels find out, no labels either.
    let rows = logits.chunks_exact(classes.max(1));
    rows.zip(labels.iter().map(|&label| usize::from(label)))
}

pub(crate) fn largest(row: &[f64]) -> f64 {
    row.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// Σ exp((z − largest) / T): at least 1, so that nothing overflows.
fn exponentials(row: &[f64], temperature: f64) -> f64 {
    let largest = largest(row);
    row.iter()
        .map(|z| ((z - largest) / temperature).exp())
        .sum()
}
