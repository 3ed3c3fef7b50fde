//! One sentence each.

use super::Claim;
use super::words::{
    Verdict, axis, direction, image_by_image, larger, largest, lower, means, probability,
    seeds_note, smallest, smallest_above_zero, t_test, times, told,
};
use crate::results::{AxisKind, CalibrationOf, Network, NetworkCost, Results, Sample};
use digits_report::text;

pub(super) fn accuracy(results: &Results) -> Claim<'_> {
    let contest = &results.accuracy.full;
    Claim {
        question: "accuracy",
        test: Some(t_test(&contest.difference)),
        p: contest.difference.p,
        write: Box::new(|p| {
            format!(
                "{} {}",
                told(
                    "is right more often",
                    &contest.accuracy.map(|sample| sample.mean),
                    &contest.difference,
                    p,
                    "of the test images"
                ),
                image_by_image(contest)
            )
        }),
    }
}

pub(super) fn matched(results: &Results) -> Claim<'_> {
    let contest = &results.accuracy.matched;
    Claim {
        question: "accuracy",
        test: Some(t_test(&contest.difference)),
        p: contest.difference.p,
        write: Box::new(|p| {
            format!(
                "With about the same number of parameters ({} in {}, {} in {}): {}",
                text::count(contest.parameters.mlp),
                contest.recipe.mlp,
                text::count(contest.parameters.cnn),
                contest.recipe.cnn,
                lower(&told(
                    "is right more often",
                    &contest.accuracy.map(|sample| sample.mean),
                    &contest.difference,
                    p,
                    "of the test images"
                )),
            )
        }),
    }
}

/// No test: counts and clocks.
pub(super) fn cost(results: &Results) -> Claim<'_> {
    Claim {
        question: "cost",
        test: None,
        p: None,
        write: Box::new(|_| {
            let find = |network| {
                results
                    .cost
                    .networks
                    .iter()
                    .find(|cost| cost.network == network)
            };
            let (Some(mlp), Some(cnn)) = (find(Network::Mlp), find(Network::Cnn)) else {
                return "What the networks cost was not measured.".to_owned();
            };
            let ratio = |of: fn(&NetworkCost) -> f64| times(of(cnn), of(mlp));
            format!(
                "The CNN has {} parameters and the MLP {}; per image it needs {} multiply-adds, \
                 and here it took {} time for an epoch of training and {} time to classify an image.",
                text::count(cnn.parameters),
                text::count(mlp.parameters),
                ratio(|cost| cost.multiply_adds as f64) + " as many",
                ratio(|cost| cost.seconds_per_epoch) + " the",
                ratio(|cost| 1.0 / cost.inference_images_per_second) + " the",
            )
        }),
    }
}

pub(super) fn shift(results: &Results) -> Claim<'_> {
    let axis = axis(results, AxisKind::Shift);
    Claim {
        question: "tolerance",
        test: axis.map(|axis| t_test(&axis.plain_difference)),
        p: axis.and_then(|axis| axis.plain_difference.p),
        write: Box::new(move |p| {
            let Some(axis) = axis else {
                return "Shifted test images were not tried.".to_owned();
            };
            let means = means(&axis.plain, &axis.amounts, 0.0);
            format!(
                "On test images shifted by {} to {} pixels, {}",
                text::plain(smallest_above_zero(&axis.amounts)),
                text::plain(largest(&axis.amounts)),
                lower(&told(
                    "is more tolerant",
                    &means,
                    &axis.plain_difference,
                    p,
                    "of them right on average"
                ))
            )
        }),
    }
}

/// Two tests, one for each network: the sentence claims a gain of both only if both find it, so
/// the larger p-value counts.
pub(super) fn augmentation(results: &Results) -> Claim<'_> {
    let axis = axis(results, AxisKind::Shift);
    let gains = axis.map(|axis| &axis.gain);
    let p = gains.and_then(|gain| larger(gain.mlp.p, gain.cnn.p));
    Claim {
        question: "tolerance",
        test: gains.map(|gain| format!("the larger p of two tests: {}", t_test(&gain.mlp))),
        p,
        write: Box::new(move |p| {
            let (Some(axis), Some(gain)) = (axis, gains) else {
                return "Training with shifted images was not tried.".to_owned();
            };
            let plain = means(&axis.plain, &axis.amounts, 0.0);
            let augmented = means(&axis.augmented, &axis.amounts, 0.0);
            let numbers = format!(
                "the MLP from {} to {}, the CNN from {} to {}",
                text::percent(plain.mlp, 2),
                text::percent(augmented.mlp, 2),
                text::percent(plain.cnn, 2),
                text::percent(augmented.cnn, 2)
            );
            let bound = text::plain(results.tolerance.augmentation_shift);
            match (direction(&gain.mlp, p), direction(&gain.cnn, p)) {
                (Verdict::Cnn, Verdict::Cnn) => format!(
                    "Random shifts of up to {bound} pixels in training make both more tolerant of shift: {numbers}{}.",
                    probability(p)
                ),
                (Verdict::Mlp, Verdict::Mlp) => format!(
                    "Random shifts of up to {bound} pixels in training make both less tolerant of shift: {numbers}{}.",
                    probability(p)
                ),
                _ => format!(
                    "Random shifts of up to {bound} pixels in training: no change of both in the same direction was found{} ({numbers}{}).",
                    seeds_note(&gain.mlp),
                    probability(p)
                ),
            }
        }),
    }
}

/// Two tests; the larger p-value counts, as for [`augmentation`].
pub(super) fn rotation_and_scale(results: &Results) -> Claim<'_> {
    let rotation = axis(results, AxisKind::Rotation);
    let scale = axis(results, AxisKind::Scale);
    let both = rotation.zip(scale);
    Claim {
        question: "tolerance",
        test: both.map(|(rotation, _)| {
            format!(
                "the larger p of two tests: {}",
                t_test(&rotation.plain_difference)
            )
        }),
        p: both.and_then(|(rotation, scale)| {
            larger(rotation.plain_difference.p, scale.plain_difference.p)
        }),
        write: Box::new(move |p| {
            let Some((rotation, scale)) = both else {
                return "Rotated and scaled test images were not tried.".to_owned();
            };
            let turned = means(&rotation.plain, &rotation.amounts, 0.0);
            let sized = means(&scale.plain, &scale.amounts, 1.0);
            let numbers = format!(
                "rotated by up to {}°, CNN {} and MLP {}; scaled to {}–{} of their size, CNN {} and MLP {}",
                text::plain(largest(&rotation.amounts)),
                text::percent(turned.cnn, 2),
                text::percent(turned.mlp, 2),
                text::plain(smallest(&scale.amounts)),
                text::plain(largest(&scale.amounts)),
                text::percent(sized.cnn, 2),
                text::percent(sized.mlp, 2)
            );
            match (
                direction(&rotation.plain_difference, p),
                direction(&scale.plain_difference, p),
            ) {
                (Verdict::Cnn, Verdict::Cnn) => format!(
                    "The CNN is more tolerant of rotation and of scale, too: {numbers}{}.",
                    probability(p)
                ),
                (Verdict::Mlp, Verdict::Mlp) => format!(
                    "The MLP is more tolerant of rotation and of scale: {numbers}{}.",
                    probability(p)
                ),
                _ => format!(
                    "That one network is more tolerant of both rotation and scale was not found{}: {numbers}{}.",
                    seeds_note(&rotation.plain_difference),
                    probability(p)
                ),
            }
        }),
    }
}

pub(super) fn corruptions(results: &Results) -> Claim<'_> {
    let corruptions = &results.corruptions;
    Claim {
        question: "corruptions",
        test: Some(t_test(&corruptions.difference)),
        p: corruptions.difference.p,
        write: Box::new(|p| {
            let means = corruptions.mean.map(|sample| sample.mean);
            let kinds = corruptions.kinds.len();
            let ahead: Vec<&str> = corruptions
                .kinds
                .iter()
                .filter(|kind| kind.difference.mean < 0.0)
                .map(|kind| kind.name.as_str())
                .collect();
            let exceptions = match ahead.len() {
                0 => String::new(),
                count if count < kinds => format!(
                    " The MLP's mean is the higher one under {}.",
                    text::listed(&ahead)
                ),
                _ => " The MLP's mean is the higher one under each of them.".to_owned(),
            };
            format!(
                "Over {kinds} kinds of damage to the test images, {}{exceptions}",
                lower(&told(
                    "is more robust",
                    &means,
                    &corruptions.difference,
                    p,
                    "right on average"
                ))
            )
        }),
    }
}

pub(super) fn permutation(results: &Results) -> Claim<'_> {
    let permutation = &results.permutation;
    Claim {
        question: "permutation",
        test: Some(t_test(&permutation.interaction)),
        p: permutation.interaction.p,
        write: Box::new(|p| {
            let numbers = format!(
                "the MLP goes from {} to {}, the CNN from {} to {}",
                text::percent(permutation.natural.mlp.mean, 2),
                text::percent(permutation.permuted.mlp.mean, 2),
                text::percent(permutation.natural.cnn.mean, 2),
                text::percent(permutation.permuted.cnn.mean, 2)
            );
            match direction(&permutation.interaction, p) {
                Verdict::Mlp => format!(
                    "If all images have their pixels permuted in the same way, the CNN loses more than the MLP: \
                     {numbers}{}; what it loses rested on neighboring pixels.",
                    probability(p)
                ),
                Verdict::Cnn => format!(
                    "If all images have their pixels permuted in the same way, the MLP loses more than the CNN: {numbers}{}.",
                    probability(p)
                ),
                Verdict::None => format!(
                    "If all images have their pixels permuted in the same way, no difference was found in what the two lose{}: {numbers}{}.",
                    seeds_note(&permutation.interaction),
                    probability(p)
                ),
            }
        }),
    }
}

/// The test is of the smallest number of images; the others are told.
pub(super) fn samples(results: &Results) -> Claim<'_> {
    let sizes = &results.samples.sizes;
    let fewest = sizes.first();
    Claim {
        question: "samples",
        test: fewest.map(|size| t_test(&size.difference)),
        p: fewest.and_then(|size| size.difference.p),
        write: Box::new(move |p| {
            let Some(fewest) = fewest else {
                return "Training on fewer images was not tried.".to_owned();
            };
            let images = match fewest.per_class {
                Some(count) => format!("{count} images of each class"),
                None => "all images".to_owned(),
            };
            let ahead = sizes
                .iter()
                .filter(|size| size.difference.mean > 0.0)
                .count();
            format!(
                "Trained on {images}, {} Over {} sizes of the training set, the CNN's mean is the higher one at {}.",
                lower(&told(
                    "is right more often",
                    &fewest.accuracy.map(|sample| sample.mean),
                    &fewest.difference,
                    p,
                    "of the test images right"
                )),
                sizes.len(),
                if ahead == sizes.len() {
                    "every one".to_owned()
                } else {
                    ahead.to_string()
                }
            )
        }),
    }
}

pub(super) fn calibration(results: &Results) -> Claim<'_> {
    let calibration = &results.calibration;
    let difference = &calibration.before_difference;
    Claim {
        question: "calibration",
        test: Some(t_test(difference)),
        p: difference.p,
        write: Box::new(|p| {
            let of = |pick: fn(&CalibrationOf) -> &Sample| {
                calibration.networks.map(|network| pick(network).mean)
            };
            let before = of(|network| &network.error_before);
            let after = of(|network| &network.error_after);
            let numbers = format!(
                "the expected calibration error is {} for the CNN and {} for the MLP",
                text::percent(before.cnn, 2),
                text::percent(before.mlp, 2)
            );
            let first = match direction(difference, p) {
                Verdict::Cnn => format!(
                    "As trained, the MLP's probabilities are the more trustworthy ones: {numbers}{}",
                    probability(p)
                ),
                Verdict::Mlp => format!(
                    "As trained, the CNN's probabilities are the more trustworthy ones: {numbers}{}",
                    probability(p)
                ),
                Verdict::None => format!(
                    "No difference was found in how far the probabilities can be trusted{}: as trained, {numbers}{}",
                    seeds_note(difference),
                    probability(p)
                ),
            };
            let smoothing = results
                .networks
                .iter()
                .any(|network| network.label_smoothing > 0.0);
            format!(
                "{first}; after temperature scaling on the validation images, {} and {}.{}",
                text::percent(after.cnn, 2),
                text::percent(after.mlp, 2),
                if smoothing {
                    " Label smoothing, which only one of the recipes has, is a part of this."
                } else {
                    ""
                }
            )
        }),
    }
}
