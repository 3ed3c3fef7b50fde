//! Results with realistic numbers that are the same in every run.

use digits_data::Source;

use crate::answer::answer;
use crate::questions::{
    Findings,
    accuracy::{Accuracy, Comparison},
    calibration::{Calibration, CalibrationOf},
    corruptions::{CorruptionResult, Corruptions, Severity},
    cost::{Cost, NetworkCost, Reaches},
    features::{DigitMaps, Features, LearnedFilter, NamedKernel, Unit},
    mistakes::{Answer, Gallery, Mistake, Mistakes},
    permutation::Permutation,
    samples::{SampleEfficiency, SampleSize},
    tolerance::{Axis, AxisKind, Direction, Tolerance},
};
use crate::stats::{difference, mcnemar, paired, reliability, sample};
use crate::{
    DatasetSummary, Machine, Network, NetworkSummary, Pair, Plan, Results, SCHEMA, Timing,
};

const RECIPES: [(&str, Network, usize, u64, f64, f64); 4] = [
    ("mlp", Network::Mlp, 407_050, 406_528, 0.0, 0.0),
    ("cnn", Network::Cnn, 215_370, 2_818_000, 0.05, 0.4),
    ("mlp-small", Network::Mlp, 6_442, 6_416, 0.0, 0.0),
    ("cnn-small", Network::Cnn, 6_422, 149_200, 0.0, 0.0),
];
/// Not a picture; nothing here looks at it.
const PNG: &str = "iVBORw0KGgo=";

/// The standard plan with so many seeds, on data with so many classes.
pub fn results(seeds: usize, classes: usize) -> Results {
    let standard = Plan::standard().unwrap();
    let mut plan = standard.with_seeds((1..=seeds as u64).collect());
    plan.data = Source::Mnist;
    plan.threads = 2;
    let networks =
        RECIPES.map(
            |(recipe, network, parameters, _, smoothing, dropout)| NetworkSummary {
                recipe: recipe.to_owned(),
                network,
                layers: "784-512-10".to_owned(),
                parameters,
                config: "seed = 1\n\n[training]\nepochs = 5\n".to_owned(),
                label_smoothing: smoothing,
                dropout,
            },
        );
    let mut results = Results {
        schema: SCHEMA,
        version: "0.1.0".to_owned(),
        dataset: DatasetSummary {
            name: "mnist".to_owned(),
            fingerprint: "3c8f".repeat(16),
            classes,
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
        networks: networks.into(),
        findings: findings(&plan, classes),
        answer: Vec::new(),
        time: vec![Timing {
            part: "training CNN".to_owned(),
            seconds: 142.8,
        }],
        plan,
    };
    answered(&mut results);
    results
}

/// Writes the answer to changed findings.
pub fn answered(results: &mut Results) {
    results.answer = answer(&results.findings.questions(), &results.context());
}

fn findings(plan: &Plan, classes: usize) -> Findings {
    let seeds = &plan.seeds;
    let natural = pair(0.9821, 0.9927, seeds.len());
    let permuted = pair(0.9817, 0.9664, seeds.len());
    let change = Pair::from_fn(|network| paired(natural.of(network), permuted.of(network)));
    Findings {
        accuracy: Accuracy {
            full: comparison(0, plan, natural.clone()),
            matched: comparison(2, plan, pair(0.9402, 0.9814, seeds.len())),
        },
        cost: Cost {
            networks: RECIPES.map(|recipe| cost(recipe, seeds.len())).into(),
        },
        tolerance: Tolerance {
            seeds: seeds.clone(),
            augmented_seeds: seeds[..plan.tolerance.augmented_seeds].to_vec(),
            augmentation_shift: 4.0,
            axes: vec![
                axis(AxisKind::Shift, &plan.tolerance.shifts, plan),
                axis(AxisKind::Rotation, &plan.tolerance.rotations, plan),
                axis(AxisKind::Scale, &plan.tolerance.scales, plan),
            ],
        },
        corruptions: corruptions(plan),
        permutation: Permutation {
            seeds: seeds.clone(),
            permutation: 1,
            natural: natural.samples(),
            permuted: permuted.samples(),
            interaction: paired(&change.mlp.values, &change.cnn.values),
            change,
            example: [PNG, PNG].map(str::to_owned),
        },
        samples: SampleEfficiency {
            seeds: seeds.clone(),
            sizes: [
                (Some(10), 0.713, 0.84),
                (Some(100), 0.902, 0.962),
                (None, 0.982, 0.992),
            ]
            .map(|(per_class, mlp, cnn)| {
                let accuracies = pair(mlp, cnn, seeds.len());
                SampleSize {
                    per_class,
                    images: per_class.map_or(55_000, |count| count * classes),
                    accuracy: accuracies.samples(),
                    difference: accuracies.difference(),
                }
            })
            .into(),
        },
        calibration: calibration(plan),
        mistakes: Mistakes {
            seed: 1,
            confusion: Pair::from_fn(|_| vec![vec![3; classes]; classes]),
            only_mlp: gallery(139, classes),
            only_cnn: gallery(26, classes),
            both: gallery(1, classes),
        },
        features: features(seeds.len()),
    }
}

/// One value a seed about each of two means.
fn pair(mlp: f64, cnn: f64, seeds: usize) -> Pair<Vec<f64>> {
    Pair::from_fn(|network| {
        let (mean, salt) = match network {
            Network::Mlp => (mlp, 1.0),
            Network::Cnn => (cnn, 2.0),
        };
        let noise = |seed: usize| (97.0 * mean + 3.1 * seed as f64 * salt).sin();
        (0..seeds).map(|seed| mean + 0.001 * noise(seed)).collect()
    })
}

fn comparison(first: usize, plan: &Plan, accuracies: Pair<Vec<f64>>) -> Comparison {
    let of = |network| match network {
        Network::Mlp => &RECIPES[first],
        Network::Cnn => &RECIPES[first + 1],
    };
    let right = |wrong: usize| (0..1000).map(|image| image >= wrong).collect::<Vec<_>>();
    Comparison {
        recipe: Pair::from_fn(|network| of(network).0.to_owned()),
        parameters: Pair::from_fn(|network| of(network).2),
        seeds: plan.seeds.clone(),
        accuracy: accuracies.samples(),
        difference: accuracies.difference(),
        mcnemar: plan
            .seeds
            .iter()
            .map(|&seed| mcnemar(seed, &right(60), &right(20)))
            .collect(),
    }
}

fn cost(
    (recipe, network, parameters, macs, ..): (&str, Network, usize, u64, f64, f64),
    seeds: usize,
) -> NetworkCost {
    let seconds = macs as f64 / 1e6;
    NetworkCost {
        recipe: recipe.to_owned(),
        network,
        parameters,
        macs,
        seconds_per_epoch: seconds,
        inference_images_per_second: 1e11 / macs as f64,
        bytes: 4 * parameters as u64,
        reaches: [(0.98, 1), (0.99, 0)]
            .map(|(accuracy, reached)| Reaches {
                accuracy,
                seeds: reached,
                of: seeds,
                epoch: (reached > 0).then_some(2.0),
                seconds: (reached > 0).then_some(2.0 * seconds),
            })
            .into(),
    }
}

fn axis(kind: AxisKind, amounts: &[f64], plan: &Plan) -> Axis {
    let lost = |amount: f64| 0.01 * amount.abs();
    let lines = |mlp: f64, cnn: f64, seeds: usize| {
        let at = amounts
            .iter()
            .map(|&amount| pair(mlp - lost(amount), cnn, seeds).samples());
        let at: Vec<_> = at.collect();
        Pair::from_fn(|network| at.iter().map(|pair| pair.of(network).clone()).collect())
    };
    let (all, some) = (plan.seeds.len(), plan.tolerance.augmented_seeds);
    let (plain, augmented) = (pair(0.55, 0.71, all), pair(0.74, 0.91, some));
    let direction = |name: &str| Direction {
        name: name.to_owned(),
        accuracy: Pair::from_fn(|_| amounts.iter().map(|amount| 0.9 - lost(*amount)).collect()),
    };
    Axis {
        kind,
        amounts: amounts.to_vec(),
        plain: lines(0.55, 0.71, all),
        augmented: lines(0.74, 0.91, some),
        plain_difference: plain.difference(),
        augmented_difference: augmented.difference(),
        gain: Pair::from_fn(|network| paired(&plain.of(network)[..some], augmented.of(network))),
        directions: match kind {
            AxisKind::Shift => ["right", "left", "down", "up"].map(direction).into(),
            AxisKind::Rotation | AxisKind::Scale => Vec::new(),
        },
    }
}

fn corruptions(plan: &Plan) -> Corruptions {
    let seeds = plan.seeds.len();
    let kind = |(name, mlp, cnn): (&str, f64, f64)| {
        let accuracies = pair(mlp, cnn, seeds);
        let severity = |level: &usize| Severity {
            level: *level,
            setting: format!("σ = {level} pixels"),
            accuracy: accuracies.samples(),
        };
        CorruptionResult {
            name: name.to_owned(),
            severities: plan.corruptions.severities.iter().map(severity).collect(),
            mean: accuracies.samples(),
            difference: accuracies.difference(),
            examples: vec![PNG.to_owned(); plan.corruptions.severities.len()],
        }
    };
    let mean = pair(0.807, 0.861, seeds);
    Corruptions {
        seeds: plan.seeds.clone(),
        clean: pair(0.982, 0.993, seeds).samples(),
        kinds: [("shot noise", 0.91, 0.96), ("Gaussian blur", 0.7, 0.76)]
            .map(kind)
            .into(),
        mean: mean.samples(),
        difference: mean.difference(),
    }
}

fn calibration(plan: &Plan) -> Calibration {
    let seeds = plan.seeds.len();
    let (before, after) = (pair(0.0093, 0.0412, seeds), pair(0.0042, 0.0038, seeds));
    let answers: Vec<(f64, bool)> = (0..500)
        .map(|answer| (1.0 - f64::from(answer) / 700.0, answer % 10 > 0))
        .collect();
    let diagram = reliability(&answers, plan.calibration_bins);
    Calibration {
        seeds: plan.seeds.clone(),
        networks: Pair::from_fn(|network| CalibrationOf {
            temperature: sample(vec![1.42; seeds]),
            error_before: sample(before.of(network).clone()),
            error_after: sample(after.of(network).clone()),
            loss_before: sample(vec![0.0712; seeds]),
            loss_after: sample(vec![0.0655; seeds]),
            diagram_before: diagram.clone(),
            diagram_after: diagram.clone(),
        }),
        before_difference: before.difference(),
        after_difference: after.difference(),
        improvement: Pair::from_fn(|network| paired(before.of(network), after.of(network))),
    }
}

fn gallery(count: usize, classes: usize) -> Gallery {
    let image = |number: usize| Mistake {
        index: number as u32,
        label: (number % classes) as u8,
        answer: Pair::from_fn(|_| Answer {
            label: 1,
            probability: 0.9,
        }),
        png: PNG.to_owned(),
    };
    Gallery {
        count,
        images: (0..count.min(12)).map(image).collect(),
    }
}

fn features(seeds: usize) -> Features {
    let rows = vec![vec![-0.5, 0.0, 1.0]; 3];
    Features {
        seed: 1,
        sheet: vec![NamedKernel {
            name: "vertical".to_owned(),
            rows: rows.clone(),
        }],
        filters: vec![LearnedFilter {
            rows: rows.clone(),
            share: Some(0.14),
            nearest: Some(("vertical".to_owned(), -0.37)),
        }],
        chance: Some(0.12),
        share_over_chance: Some(difference(pair(0.02, 0.0, seeds).mlp)),
        units: vec![Unit {
            index: 31,
            norm: 4.2,
            rows: rows.clone(),
        }],
        digit: DigitMaps {
            index: 0,
            label: 7,
            png: PNG.to_owned(),
            blocks: vec![vec![rows.clone(); 40], vec![rows; 2]],
        },
    }
}
