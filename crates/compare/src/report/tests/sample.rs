//! Results with realistic numbers, for tests and for looking at the report.

use std::f64::consts::PI;

use crate::report::picture::{Palette, matrix};
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

/// Small numbers that look random and are the same in every run.
fn noise(number: usize) -> f64 {
    let mut state = (number as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state ^= state >> 29;
    state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state ^= state >> 32;
    (state % 20_001) as f64 / 10_000.0 - 1.0
}

fn statistics(values: &[f64]) -> (f64, Option<f64>, Option<[f64; 2]>) {
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

fn sample(mean: f64, spread: f64, seeds: usize) -> Sample {
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

fn difference(of: &Sample, minus: &Sample) -> Difference {
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

fn between(pair: &Pair<Sample>) -> Difference {
    difference(&pair.cnn, &pair.mlp)
}

fn samples(mlp: f64, cnn: f64, spread: f64, seeds: usize) -> Pair<Sample> {
    Pair {
        mlp: sample(mlp, spread, seeds),
        cnn: sample(cnn, spread * 0.7, seeds),
    }
}

/// Something round like a digit; `kind` changes its form.
fn digit(kind: usize) -> Vec<Vec<f64>> {
    let bend = 3.0 + 2.0 * noise(kind);
    (0..28)
        .map(|y| {
            (0..28)
                .map(|x| {
                    let (dx, dy) = (f64::from(x) - 13.5, f64::from(y) - 13.5);
                    let angle = dy.atan2(dx);
                    let ring = 8.0 + bend * (angle * (1 + kind % 3) as f64).sin();
                    (1.6 - ((dx * dx + dy * dy).sqrt() - ring).abs()).clamp(0.0, 1.0)
                })
                .collect()
        })
        .collect()
}

fn png(kind: usize) -> String {
    matrix(&digit(kind), Palette::Ink).unwrap()
}

fn damaged(kind: usize, level: usize) -> String {
    let rows: Vec<Vec<f64>> = digit(3)
        .into_iter()
        .enumerate()
        .map(|(y, row)| {
            row.into_iter()
                .enumerate()
                .map(|(x, ink)| {
                    let random = noise(kind * 100_000 + level * 1000 + y * 28 + x);
                    (ink + 0.15 * level as f64 * random).clamp(0.0, 1.0)
                })
                .collect()
        })
        .collect();
    matrix(&rows, Palette::Ink).unwrap()
}

fn permuted_digit() -> String {
    let mut flat: Vec<f64> = digit(3).into_iter().flatten().collect();
    for at in (1..flat.len()).rev() {
        let other = ((noise(at) + 1.0) / 2.0 * at as f64) as usize;
        flat.swap(at, other);
    }
    let rows: Vec<Vec<f64>> = flat.chunks(28).map(<[f64]>::to_vec).collect();
    matrix(&rows, Palette::Ink).unwrap()
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

fn seeds(shape: Shape) -> Vec<u64> {
    (1..=shape.seeds as u64).collect()
}

fn axis(kind: AxisKind, amounts: &[f64], shape: Shape) -> Axis {
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

fn corruptions(shape: Shape) -> Corruptions {
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

fn bins(error: f64) -> Vec<Bin> {
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

fn calibration(shape: Shape) -> Calibration {
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

fn confusion(errors: usize, classes: usize) -> Vec<Vec<usize>> {
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

fn gallery(count: usize, classes: usize) -> Gallery {
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

fn features(shape: Shape) -> Features {
    let kernel = |name: &str, rows: [[i32; 3]; 3]| NamedKernel {
        name: name.to_owned(),
        rows: rows.map(|row| row.map(f64::from).to_vec()).to_vec(),
    };
    let filters = (0..16)
        .map(|number| LearnedFilter {
            rows: (0..5)
                .map(|y| {
                    (0..5)
                        .map(|x| 0.4 * noise(number * 25 + y * 5 + x))
                        .collect()
                })
                .collect(),
            share: Some(0.12 + 0.1 * noise(number)),
            nearest: Some((
                ["vertical", "horizontal", "Laplacian"][number % 3].to_owned(),
                0.6 * noise(number * 3),
            )),
        })
        .collect();
    let maps = |channels: usize, side: usize, salt: usize| {
        (0..channels)
            .map(|channel| {
                let picture = digit(channel + salt);
                (0..side)
                    .map(|y| {
                        (0..side)
                            .map(|x| picture[y * 28 / side][x * 28 / side])
                            .collect()
                    })
                    .collect()
            })
            .collect()
    };
    Features {
        seed: 1,
        sheet: vec![
            kernel("vertical", [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]]),
            kernel("horizontal", [[-1, -2, -1], [0, 0, 0], [1, 2, 1]]),
            kernel("Laplacian", [[0, 1, 0], [1, -4, 1], [0, 1, 0]]),
        ],
        filters,
        chance: Some(0.12),
        share_over_chance: Some(difference(
            &sample(0.141, 0.02, shape.seeds),
            &sample(0.12, 0.0, shape.seeds),
        )),
        units: (0..16)
            .map(|number| Unit {
                index: number * 31,
                norm: 4.2 - 0.05 * number as f64,
                rows: (0..28)
                    .map(|y| {
                        (0..28)
                            .map(|x| {
                                let wave =
                                    (x as f64 / 4.0 + number as f64).sin() * (y as f64 / 5.0).cos();
                                wave + 0.5 * noise(number * 784 + y * 28 + x)
                            })
                            .collect()
                    })
                    .collect(),
            })
            .collect(),
        digit: DigitMaps {
            index: 0,
            label: 7,
            png: png(3),
            blocks: vec![maps(16, 14, 0), maps(32, 7, 40)],
        },
    }
}

fn answer(shape: Shape) -> Vec<Sentence> {
    let tested = shape.seeds > 1;
    let sentence = |question: &str, text: &str, test: Option<&str>, p: f64| Sentence {
        question: question.to_owned(),
        text: text.to_owned(),
        test: test.filter(|_| tested).map(str::to_owned),
        p: (tested && test.is_some()).then_some(p),
        p_adjusted: (tested && test.is_some()).then_some((p * 9.0).min(1.0)),
    };
    let t = Some("paired t-test, 5 seeds");
    vec![
        sentence(
            "accuracy",
            "The CNN is right more often: 99.27 % of the test images against 98.21 %, a difference of 1.06 percentage points (95 % interval 0.95 to 1.17).",
            t,
            3.4e-5,
        ),
        sentence(
            "accuracy",
            "With about 6,400 parameters each, the CNN still leads, by 4.12 percentage points.",
            t,
            8.1e-6,
        ),
        sentence(
            "cost",
            "The CNN has 0.53 times the parameters of the MLP but needs 6.9 times the multiply-adds and 3.1 times the training time.",
            None,
            0.0,
        ),
        sentence(
            "tolerance",
            "The CNN is more tolerant of shifts: averaged over 1 to 6 pixels it keeps 71.0 % against 55.2 %.",
            t,
            2.2e-4,
        ),
        sentence(
            "corruptions",
            "Averaged over eight kinds of damage the CNN is right on 86.1 % of the images, the MLP on 80.7 %.",
            t,
            0.0011,
        ),
        sentence(
            "permutation",
            "Shuffling the pixels costs the CNN 2.61 percentage points and the MLP none that could be found.",
            t,
            4.0e-7,
        ),
        sentence(
            "samples",
            "With 10 images of each class the CNN reaches 84.0 %, the MLP 71.3 %.",
            t,
            0.0021,
        ),
        sentence(
            "calibration",
            "As trained the MLP is better calibrated (ECE 0.93 % against 4.12 %); after temperature scaling no difference was found.",
            t,
            0.41,
        ),
        sentence(
            "mistakes",
            "Both networks of seed 1 miss 39 test images; only the MLP misses 139, only the CNN 26.",
            Some("McNemar's exact test, seed 1"),
            1.2e-19,
        ),
        sentence(
            "features",
            "The learned filters lie in the span of the sheet's three filters hardly more than chance would have it (14.1 % against 12.0 %).",
            Some("t-test, 5 seeds"),
            0.062,
        ),
    ]
}

fn plan(shape: Shape) -> Plan {
    Plan {
        data: digits_data::Source::Mnist,
        backend: "flex".to_owned(),
        threads: 2,
        seeds: seeds(shape),
        networks: Pair {
            mlp: "mlp".to_owned(),
            cnn: "cnn".to_owned(),
        },
        matched: Pair {
            mlp: "mlp-small".to_owned(),
            cnn: "cnn-small".to_owned(),
        },
        set: vec!["training.epochs=5".to_owned()],
        tolerance: TolerancePlan {
            seeds: shape.seeds,
            augmented_seeds: shape.seeds.min(3),
            augmentation_shift: 3.0,
            images: 2000,
            shifts: (0..=6).map(f64::from).collect(),
            rotations: (-9..=9).map(|step| f64::from(step) * 5.0).collect(),
            scales: (0..=8).map(|step| (6.0 + f64::from(step)) / 10.0).collect(),
        },
        corruptions: CorruptionPlan {
            seeds: shape.seeds,
            images: 2000,
            severities: vec![1, 2, 3, 4, 5],
            seed: 7,
        },
        permutation: PermutationPlan {
            seeds: shape.seeds,
            permutation: 11,
        },
        samples: SamplePlan {
            seeds: shape.seeds,
            per_class: vec![10, 30, 100, 300, 1000],
            batch_size: 64,
            steps: 400,
        },
        calibration_bins: 15,
        gallery: 12,
    }
}

fn networks() -> Vec<NetworkSummary> {
    [
        ("mlp", Network::Mlp, "784-512-10", 407_050, 0.0, 0.0),
        (
            "cnn",
            Network::Cnn,
            "5×5, 16 · pool 2 · 5×5, 32 · pool 2 · 128-10",
            215_370,
            0.05,
            0.4,
        ),
        ("mlp-small", Network::Mlp, "784-8-8-10", 6_442, 0.0, 0.0),
        (
            "cnn-small",
            Network::Cnn,
            "5×5, 6 · pool 2 · 5×5, 6 · pool 2 · 50-10",
            6_422,
            0.0,
            0.0,
        ),
    ]
    .map(
        |(recipe, network, layers, parameters, label_smoothing, dropout)| NetworkSummary {
            recipe: recipe.to_owned(),
            network,
            layers: layers.to_owned(),
            parameters,
            config: format!(
                "seed = 1\n\n[model]\nkind = \"{}\"\n\n[training]\nepochs = 5\nbatch_size = 128\n",
                network.name().to_lowercase()
            ),
            label_smoothing,
            dropout,
        },
    )
    .to_vec()
}

fn cost(networks: &[NetworkSummary], shape: Shape) -> Cost {
    let measured = [
        (406_528, 0.93, 241_000.0, 1_632_900),
        (2_818_000, 4.31, 32_480.0, 866_200),
        (6_416, 0.41, 402_000.0, 26_900),
        (149_200, 1.62, 98_700.0, 27_100),
    ];
    Cost {
        networks: networks
            .iter()
            .zip(measured)
            .map(
                |(network, (multiply_adds, seconds, rate, bytes))| NetworkCost {
                    recipe: network.recipe.clone(),
                    network: network.network,
                    parameters: network.parameters,
                    multiply_adds,
                    seconds_per_epoch: seconds,
                    inference_images_per_second: rate,
                    bytes,
                    reaches: [0.97, 0.98, 0.99]
                        .into_iter()
                        .enumerate()
                        .map(|(number, accuracy)| {
                            let never = number == 2 && network.network == Network::Mlp;
                            Reaches {
                                accuracy,
                                seeds: if never {
                                    0
                                } else {
                                    shape.seeds - number.min(shape.seeds - 1) / 2
                                },
                                of: shape.seeds,
                                epoch: (!never).then_some(number as f64 + 1.0),
                                seconds: (!never).then_some(seconds * (number as f64 + 1.0)),
                            }
                        })
                        .collect(),
                },
            )
            .collect(),
    }
}

pub fn build(shape: Shape) -> Results {
    let networks = networks();
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
    let plan = plan(shape);
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
        cost: cost(&networks, shape),
        networks,
        tolerance: Tolerance {
            seeds: seeds(shape),
            augmented_seeds: seeds(shape).into_iter().take(3).collect(),
            augmentation_shift: plan.tolerance.augmentation_shift,
            axes: vec![
                axis(AxisKind::Shift, &plan.tolerance.shifts, shape),
                axis(AxisKind::Rotation, &plan.tolerance.rotations, shape),
                axis(AxisKind::Scale, &plan.tolerance.scales, shape),
            ],
        },
        corruptions: corruptions(shape),
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
        calibration: calibration(shape),
        mistakes: Mistakes {
            seed: 1,
            confusion: Pair {
                mlp: confusion(200, shape.classes),
                cnn: confusion(80, shape.classes),
            },
            only_mlp: gallery(139, shape.classes),
            only_cnn: gallery(26, shape.classes),
            both: gallery(39, shape.classes),
        },
        features: features(shape),
        answer: answer(shape),
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

fn difference_of(of: &Difference, minus: &Difference) -> Difference {
    let plain = |difference: &Difference| Sample {
        values: difference.values.clone(),
        mean: difference.mean,
        std: None,
        interval: None,
    };
    difference(&plain(of), &plain(minus))
}
