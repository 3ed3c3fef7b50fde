use std::f64::consts::PI;

use super::Shape;
use super::numbers::{between, difference, noise, sample, samples, seeds};
use super::pictures::{damaged, png};
use crate::*;

pub(super) fn axis(kind: AxisKind, amounts: &[f64], shape: Shape) -> Axis {
    let (unchanged, slope) = match kind {
        AxisKind::Shift => (0.0, 6.0),
        AxisKind::Rotation => (0.0, 60.0),
        AxisKind::Scale => (1.0, 0.5),
    };
    let curve = |amount: f64, width: f64| {
        let far = (amount - unchanged) / (slope * width);
        0.1 + 0.88 * (-2.5 * far * far).exp()
    };
    let all = |width: f64| -> Vec<Sample> {
        amounts
            .iter()
            .map(|amount| sample(curve(*amount, width), 0.012, shape.seeds))
            .collect()
    };
    let plain = Pair {
        mlp: all(0.6),
        cnn: all(0.9),
    };
    let augmented = Pair {
        mlp: all(1.0),
        cnn: all(1.6),
    };
    let (few, more) = (
        samples(0.55, 0.71, 0.01, shape.seeds),
        samples(0.74, 0.91, 0.01, shape.seeds),
    );
    Axis {
        kind,
        amounts: amounts.to_vec(),
        plain_difference: between(&few),
        augmented_difference: between(&more),
        gain: Pair {
            mlp: difference(&more.mlp, &few.mlp),
            cnn: difference(&more.cnn, &few.cnn),
        },
        directions: match kind {
            AxisKind::Shift => ["right", "left", "down", "up"]
                .map(|name| Direction {
                    name: name.to_owned(),
                    accuracy: Pair {
                        mlp: amounts.iter().map(|a| curve(*a, 0.55)).collect(),
                        cnn: amounts.iter().map(|a| curve(*a, 0.95)).collect(),
                    },
                })
                .to_vec(),
            AxisKind::Rotation | AxisKind::Scale => Vec::new(),
        },
        plain,
        augmented,
    }
}

pub(super) fn corruptions(shape: Shape) -> Corruptions {
    let kinds: Vec<CorruptionResult> = [
        ("shot noise", "λ = "),
        ("impulse noise", "share = "),
        ("Gaussian blur", "σ = "),
        ("shear", "degrees = "),
        ("brightness", "added = "),
        ("stripe", "width = "),
        ("occlusion", "square of pixels = "),
        ("translate", "pixels = "),
    ]
    .into_iter()
    .enumerate()
    .map(|(kind, (name, setting))| {
        let severities: Vec<Severity> = (1..=5)
            .map(|level| {
                let lost = level as f64 * (0.02 + 0.018 * kind as f64);
                let lost_cnn = lost * (0.4 + 0.15 * kind as f64);
                Severity {
                    level,
                    setting: format!("{setting}{:.1}", 0.5 * level as f64),
                    accuracy: samples(0.98 - lost, (0.99 - lost_cnn).max(0.1), 0.02, shape.seeds),
                }
            })
            .collect();
        let mean = samples(
            severities.iter().map(|s| s.accuracy.mlp.mean).sum::<f64>() / 5.0,
            severities.iter().map(|s| s.accuracy.cnn.mean).sum::<f64>() / 5.0,
            0.01,
            shape.seeds,
        );
        CorruptionResult {
            name: name.to_owned(),
            difference: between(&mean),
            mean,
            examples: (1..=5).map(|level| damaged(kind, level)).collect(),
            severities,
        }
    })
    .collect();
    let mean = samples(0.807, 0.861, 0.01, shape.seeds);
    Corruptions {
        seeds: seeds(shape),
        clean: samples(0.982, 0.9925, 0.001, shape.seeds),
        kinds,
        difference: between(&mean),
        mean,
    }
}

pub(super) fn bins(error: f64) -> Vec<Bin> {
    (0..15)
        .map(|bin| {
            let (low, high) = (f64::from(bin) / 15.0, f64::from(bin + 1) / 15.0);
            let middle = (low + high) / 2.0;
            let count = if bin < 2 { 0 } else { 20 + bin as usize * 12 };
            Bin {
                low,
                high,
                count: if bin == 14 { 46_000 } else { count },
                confidence: if bin < 2 { 0.0 } else { middle },
                accuracy: if bin < 2 {
                    0.0
                } else {
                    (middle + error * (PI * middle).sin() + 0.03 * noise(bin as usize))
                        .clamp(0.0, 1.0)
                },
            }
        })
        .collect()
}

pub(super) fn calibration(shape: Shape) -> Calibration {
    let before = samples(0.0093, 0.0412, 0.0008, shape.seeds);
    let after = samples(0.0042, 0.0038, 0.0006, shape.seeds);
    let loss_before = samples(0.0712, 0.0634, 0.002, shape.seeds);
    let loss_after = samples(0.0655, 0.0281, 0.002, shape.seeds);
    let temperature_of = |mean: f64| Sample {
        mean,
        values: vec![mean; shape.seeds],
        std: (shape.seeds > 1).then_some(0.03),
        interval: (shape.seeds > 1).then_some([mean - 0.04, mean + 0.04]),
    };
    Calibration {
        seeds: seeds(shape),
        networks: Pair {
            mlp: CalibrationOf {
                temperature: temperature_of(1.42),
                error_before: before.mlp.clone(),
                error_after: after.mlp.clone(),
                loss_before: loss_before.mlp,
                loss_after: loss_after.mlp,
                diagram_before: bins(-0.18),
                diagram_after: bins(-0.02),
            },
            cnn: CalibrationOf {
                temperature: temperature_of(0.61),
                error_before: before.cnn.clone(),
                error_after: after.cnn.clone(),
                loss_before: loss_before.cnn,
                loss_after: loss_after.cnn,
                diagram_before: bins(0.15),
                diagram_after: bins(0.03),
            },
        },
        before_difference: between(&before),
        after_difference: between(&after),
        improvement: Pair {
            mlp: difference(&after.mlp, &before.mlp),
            cnn: difference(&after.cnn, &before.cnn),
        },
    }
}

pub(super) fn confusion(errors: usize, classes: usize) -> Vec<Vec<usize>> {
    let mut matrix = vec![vec![0; classes]; classes];
    for (class, row) in matrix.iter_mut().enumerate() {
        row[class] = 10_000 / classes - errors / classes;
    }
    for error in 0..errors {
        let class = (noise(error).abs() * classes as f64) as usize % classes;
        let answer = (noise(error * 7 + 1).powi(2) * classes as f64) as usize % classes;
        if class != answer {
            matrix[class][answer] += 1;
        }
    }
    matrix
}

pub(super) fn gallery(count: usize, classes: usize) -> Gallery {
    Gallery {
        count,
        images: (0..count.min(12))
            .map(|number| {
                let answer = |salt: usize| Answer {
                    label: ((number * salt) % classes) as u8,
                    probability: 0.999 - 0.04 * number as f64,
                };
                Mistake {
                    index: (number * 371) as u32,
                    label: (number % classes) as u8,
                    answer: Pair {
                        mlp: answer(3),
                        cnn: answer(7),
                    },
                    png: png(number),
                }
            })
            .collect(),
    }
}
