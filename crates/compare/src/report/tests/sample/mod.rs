//! Results with realistic numbers, for tests and for looking at the report.

mod features;
mod numbers;
mod pictures;
mod questions;
mod setting;

use self::numbers::{between, difference, difference_of, samples, seeds};
use self::pictures::{permuted_digit, png};
use crate::*;

/// What of the sample varies.
#[derive(Clone, Copy)]
pub struct Shape {
    pub seeds: usize,
    pub classes: usize,
}

pub fn sample_results() -> Results {
    build(Shape {
        seeds: 5,
        classes: 10,
    })
}

pub fn one_seed() -> Results {
    build(Shape {
        seeds: 1,
        classes: 10,
    })
}

pub fn classes(classes: usize) -> Results {
    build(Shape { seeds: 5, classes })
}

fn contest(names: [&str; 2], parameters: [usize; 2], means: [f64; 2], shape: Shape) -> Contest {
    let accuracy = samples(means[0], means[1], 0.001, shape.seeds);
    let seeds = seeds(shape);
    Contest {
        recipe: Pair {
            mlp: names[0].to_owned(),
            cnn: names[1].to_owned(),
        },
        parameters: Pair {
            mlp: parameters[0],
            cnn: parameters[1],
        },
        difference: between(&accuracy),
        mcnemar: seeds
            .iter()
            .map(|&seed| {
                let wrong = |mean: f64| (10_000.0 * (1.0 - mean)) as usize;
                McNemar {
                    seed,
                    both_right: 10_000 - wrong(means[0]) - 25,
                    only_mlp_right: 25 + seed as usize,
                    only_cnn_right: wrong(means[0]) - 40,
                    both_wrong: 40 - seed as usize,
                    p: 10_f64.powi(-(seed as i32) * 3),
                }
            })
            .collect(),
        accuracy,
        seeds,
    }
}

pub fn build(shape: Shape) -> Results {
    let networks = setting::networks();
    let full = contest(["mlp", "cnn"], [407_050, 215_370], [0.9821, 0.9927], shape);
    let matched = contest(
        ["mlp-small", "cnn-small"],
        [6_442, 6_422],
        [0.9402, 0.9814],
        shape,
    );
    let natural = full.accuracy.clone();
    let permuted = samples(0.9817, 0.9664, 0.001, shape.seeds);
    let change = Pair {
        mlp: difference(&permuted.mlp, &natural.mlp),
        cnn: difference(&permuted.cnn, &natural.cnn),
    };
    let plan = setting::plan(shape);
    Results {
        schema: SCHEMA,
        version: "0.1.0".to_owned(),
        dataset: DatasetSummary {
            name: "mnist".to_owned(),
            fingerprint: "3c8f".repeat(16),
            classes: shape.classes,
            height: 28,
            width: 28,
            train_images: 55_000,
            valid_images: 5_000,
            test_images: 10_000,
        },
        machine: Machine {
            backend: "flex".to_owned(),
            threads: 2,
        },
        cost: setting::cost(&networks, shape),
        networks,
        tolerance: Tolerance {
            seeds: seeds(shape),
            augmented_seeds: seeds(shape).into_iter().take(3).collect(),
            augmentation_shift: plan.tolerance.augmentation_shift,
            axes: vec![
                questions::axis(AxisKind::Shift, &plan.tolerance.shifts, shape),
                questions::axis(AxisKind::Rotation, &plan.tolerance.rotations, shape),
                questions::axis(AxisKind::Scale, &plan.tolerance.scales, shape),
            ],
        },
        corruptions: questions::corruptions(shape),
        permutation: Permutation {
            seeds: seeds(shape),
            permutation: 11,
            natural,
            permuted,
            interaction: difference_of(&change.cnn, &change.mlp),
            change,
            example: [png(3), permuted_digit()],
        },
        samples: SampleEfficiency {
            seeds: seeds(shape),
            sizes: [
                (10, 0.713, 0.840),
                (30, 0.832, 0.921),
                (100, 0.902, 0.962),
                (300, 0.941, 0.979),
                (1000, 0.962, 0.987),
            ]
            .into_iter()
            .map(|(per_class, mlp, cnn)| (Some(per_class), per_class * shape.classes, mlp, cnn))
            .chain([(None, 55_000, 0.9821, 0.9927)])
            .map(|(per_class, images, mlp, cnn)| {
                let accuracy = samples(mlp, cnn, 0.02 * (1.0 - mlp) / 0.1, shape.seeds);
                SampleSize {
                    per_class,
                    images,
                    difference: between(&accuracy),
                    accuracy,
                }
            })
            .collect(),
        },
        calibration: questions::calibration(shape),
        mistakes: Mistakes {
            seed: 1,
            confusion: Pair {
                mlp: questions::confusion(200, shape.classes),
                cnn: questions::confusion(80, shape.classes),
            },
            only_mlp: questions::gallery(139, shape.classes),
            only_cnn: questions::gallery(26, shape.classes),
            both: questions::gallery(39, shape.classes),
        },
        features: features::features(shape),
        answer: setting::answer(shape),
        time: [
            ("training mlp", 31.2),
            ("training cnn", 142.8),
            ("tolerance", 61.0),
            ("corruptions", 95.5),
            ("features", 0.4),
        ]
        .map(|(part, seconds)| Spent {
            part: part.to_owned(),
            seconds,
        })
        .to_vec(),
        accuracy: Accuracy { full, matched },
        plan,
    }
}
