//! Question 3: what shift, rotation and scale of the test images do.

use digits_data::{Images, Perturbation};
use digits_train::LoadedRun;
use rayon::prelude::*;

use crate::CompareError;
use crate::experiment::Lab;
use crate::results::{Axis, AxisKind, Difference, Direction, Network, Pair, Sample, Tolerance};
use crate::specs::Group;
use crate::stats;

/// The four directions of a shift: name, right, down.
const DIRECTIONS: [(&str, f64, f64); 4] = [
    ("right", 1.0, 0.0),
    ("left", -1.0, 0.0),
    ("down", 0.0, 1.0),
    ("up", 0.0, -1.0),
];

/// Networks as they are and networks trained with random shifts.
struct Contestants {
    plain: Pair<Vec<LoadedRun>>,
    shifted: Pair<Vec<LoadedRun>>,
}

/// Accuracies of one set of images: for each network, one a seed.
struct Seen {
    plain: Pair<Vec<f64>>,
    shifted: Pair<Vec<f64>>,
}

/// Test accuracy against the amount of each perturbation.
pub(crate) fn ask(lab: &mut Lab<'_>) -> Result<Tolerance, CompareError> {
    let plan = &lab.plan.tolerance;
    let contestants = Contestants {
        plain: Pair::measure(|network| lab.load(Group::Full, network, plan.seeds))?,
        shifted: Pair::measure(|network| lab.load(Group::Shifted, network, plan.augmented_seeds))?,
    };
    let images = lab.some_test_images(plan.images)?;
    let mut axes = vec![shift(lab, &contestants, &images)?];
    for (kind, amounts) in [
        (AxisKind::Rotation, &plan.rotations),
        (AxisKind::Scale, &plan.scales),
    ] {
        let mut seen = Vec::new();
        for &amount in amounts {
            let change = match kind {
                AxisKind::Scale => Perturbation {
                    scale: amount,
                    ..Perturbation::default()
                },
                AxisKind::Rotation | AxisKind::Shift => Perturbation {
                    rotation: amount,
                    ..Perturbation::default()
                },
            };
            seen.push(look(lab, &contestants, &images, change)?);
        }
        axes.push(axis(lab, kind, amounts, seen, Vec::new()));
    }
    let seeds = &lab.plan.seeds;
    Ok(Tolerance {
        seeds: seeds[..plan.seeds].to_vec(),
        augmented_seeds: seeds[..plan.augmented_seeds].to_vec(),
        augmentation_shift: plan.augmentation_shift,
        axes,
    })
}

/// Shifts in four directions: their mean, and each.
fn shift(
    lab: &mut Lab<'_>,
    contestants: &Contestants,
    images: &Images,
) -> Result<Axis, CompareError> {
    let amounts = &lab.plan.tolerance.shifts;
    let mut means = Vec::new();
    let mut directions: Vec<Direction> = DIRECTIONS
        .iter()
        .map(|(name, ..)| Direction {
            name: (*name).to_owned(),
            accuracy: Pair::default(),
        })
        .collect();
    for &amount in amounts {
        let mut seen = Vec::new();
        for (direction, (_, right, down)) in directions.iter_mut().zip(DIRECTIONS) {
            let change = Perturbation {
                right: right * amount,
                down: down * amount,
                ..Perturbation::default()
            };
            let here = look(lab, contestants, images, change)?;
            direction.accuracy.mlp.push(mean(&here.plain.mlp));
            direction.accuracy.cnn.push(mean(&here.plain.cnn));
            seen.push(here);
        }
        means.push(Seen {
            plain: average(&seen, |seen| &seen.plain),
            shifted: average(&seen, |seen| &seen.shifted),
        });
    }
    Ok(axis(lab, AxisKind::Shift, amounts, means, directions))
}

/// Changes all images alike and asks every network.
fn look(
    lab: &mut Lab<'_>,
    contestants: &Contestants,
    images: &Images,
    change: Perturbation,
) -> Result<Seen, CompareError> {
    change.validate()?;
    let changed = changed(images, |_, pixels| change.apply(images.shape(), pixels))?;
    let mut each = |networks: &Pair<Vec<LoadedRun>>| {
        Pair::measure(|network| lab.accuracies(networks.of(network), &changed))
    };
    Ok(Seen {
        plain: each(&contestants.plain)?,
        shifted: each(&contestants.shifted)?,
    })
}

/// A copy of the images, each changed by itself.
pub(crate) fn changed(
    images: &Images,
    change: impl Fn(usize, &[u8]) -> Vec<u8> + Sync,
) -> Result<Images, CompareError> {
    let pixels: Vec<Vec<u8>> = (0..images.len())
        .into_par_iter()
        .map(|index| change(index, images.pixels(index)))
        .collect();
    Ok(Images::new(
        images.shape(),
        images.classes(),
        pixels.concat(),
        images.labels().to_vec(),
    )?)
}

fn axis(
    lab: &Lab<'_>,
    kind: AxisKind,
    amounts: &[f64],
    seen: Vec<Seen>,
    directions: Vec<Direction>,
) -> Axis {
    let none = match kind {
        AxisKind::Shift | AxisKind::Rotation => 0.0,
        AxisKind::Scale => 1.0,
    };
    let disturbed: Vec<&Seen> = seen
        .iter()
        .zip(amounts)
        .filter(|(_, amount)| **amount != none)
        .map(|(seen, _)| seen)
        .collect();
    let plain = average(&disturbed, |seen| &seen.plain);
    let shifted = average(&disturbed, |seen| &seen.shifted);
    let lines = |pick: fn(&Seen) -> &Pair<Vec<f64>>| Pair {
        mlp: samples(&seen, |seen| &pick(seen).mlp),
        cnn: samples(&seen, |seen| &pick(seen).cnn),
    };
    let gain = |network: Network| -> Difference {
        let both = lab
            .plan
            .tolerance
            .augmented_seeds
            .min(lab.plan.tolerance.seeds);
        stats::paired(&plain.of(network)[..both], &shifted.of(network)[..both])
    };
    Axis {
        kind,
        amounts: amounts.to_vec(),
        plain: lines(|seen| &seen.plain),
        augmented: lines(|seen| &seen.shifted),
        plain_difference: stats::paired(&plain.mlp, &plain.cnn),
        augmented_difference: stats::paired(&shifted.mlp, &shifted.cnn),
        gain: Pair {
            mlp: gain(Network::Mlp),
            cnn: gain(Network::Cnn),
        },
        directions,
    }
}

fn samples(seen: &[Seen], pick: impl Fn(&Seen) -> &Vec<f64>) -> Vec<Sample> {
    seen.iter()
        .map(|seen| stats::sample(pick(seen).clone()))
        .collect()
}

/// Seed by seed, the mean over several sets of images.
fn average<S: std::borrow::Borrow<Seen>>(
    seen: &[S],
    pick: impl Fn(&Seen) -> &Pair<Vec<f64>>,
) -> Pair<Vec<f64>> {
    let of = |network: Network| -> Vec<f64> {
        let seeds = seen
            .first()
            .map_or(0, |first| pick(first.borrow()).of(network).len());
        (0..seeds)
            .map(|seed| {
                let values: Vec<f64> = seen
                    .iter()
                    .map(|seen| pick(seen.borrow()).of(network)[seed])
                    .collect();
                mean(&values)
            })
            .collect()
    };
    Pair {
        mlp: of(Network::Mlp),
        cnn: of(Network::Cnn),
    }
}

pub(crate) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}
