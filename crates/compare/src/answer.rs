//! The answer to "what do you observe?", in sentences made from the measurements.
//!
//! A sentence claims a difference only where the test behind it supports the claim at the 5 %
//! level after Holm's correction for all sentences that rest on a test; else it says that none
//! was found. Which of the networks it favours, the numbers decide.

use crate::results::{
    AxisKind, Contest, Difference, Network, NetworkCost, Pair, Results, Sample, Sentence,
};
use crate::stats;

/// Significance level of every claim.
pub const LEVEL: f64 = 0.05;

/// What the numbers allow to be said of a difference CNN − MLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    /// The CNN's value is larger.
    Cnn,
    /// The MLP's value is larger.
    Mlp,
    /// None found.
    None,
}

/// A sentence in the making: its test's p-value, and what it says once the correction is known.
struct Claim<'a> {
    question: &'static str,
    test: Option<String>,
    p: Option<f64>,
    write: Box<dyn Fn(Option<f64>) -> String + 'a>,
}

/// The sentences, question by question.
pub(crate) fn answer(results: &Results) -> Vec<Sentence> {
    let claims = [
        accuracy(results),
        matched(results),
        cost(results),
        shift(results),
        augmentation(results),
        rotation_and_scale(results),
        corruptions(results),
        permutation(results),
        samples(results),
        calibration(results),
    ];
    let known: Vec<f64> = claims.iter().filter_map(|claim| claim.p).collect();
    let mut adjusted = stats::holm(&known).into_iter();
    claims
        .into_iter()
        .map(|claim| {
            let p_adjusted = claim.p.and_then(|_| adjusted.next());
            Sentence {
                question: claim.question.to_owned(),
                text: (claim.write)(p_adjusted),
                test: claim.test,
                p: claim.p,
                p_adjusted,
            }
        })
        .collect()
}

fn accuracy(results: &Results) -> Claim<'_> {
    let contest = &results.accuracy.full;
    Claim {
        question: "accuracy",
        test: Some(t_test(&contest.difference)),
        p: contest.difference.p,
        write: Box::new(|p| {
            format!(
                "{} {}",
                compared(
                    "of the test images",
                    "is right more often",
                    &contest.accuracy,
                    &contest.difference,
                    p
                ),
                image_by_image(contest)
            )
        }),
    }
}

fn matched(results: &Results) -> Claim<'_> {
    let contest = &results.accuracy.matched;
    Claim {
        question: "accuracy",
        test: Some(t_test(&contest.difference)),
        p: contest.difference.p,
        write: Box::new(|p| {
            format!(
                "With about the same number of parameters ({} in {}, {} in {}): {}",
                thousands(contest.parameters.mlp as f64),
                contest.recipe.mlp,
                thousands(contest.parameters.cnn as f64),
                contest.recipe.cnn,
                lower(&compared(
                    "of the test images",
                    "is right more often",
                    &contest.accuracy,
                    &contest.difference,
                    p
                )),
            )
        }),
    }
}

/// No test: counts and clocks.
fn cost(results: &Results) -> Claim<'_> {
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
                 and here an epoch of training took it {} time and it classified {} images a second.",
                thousands(cnn.parameters as f64),
                thousands(mlp.parameters as f64),
                ratio(|cost| cost.multiply_adds as f64) + " as many",
                ratio(|cost| cost.seconds_per_epoch) + " the",
                ratio(|cost| cost.inference_images_per_second) + " as many",
            )
        }),
    }
}

fn shift(results: &Results) -> Claim<'_> {
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
                number(smallest(&axis.amounts)),
                number(largest(&axis.amounts)),
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
fn augmentation(results: &Results) -> Claim<'_> {
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
                percent(plain.mlp),
                percent(augmented.mlp),
                percent(plain.cnn),
                percent(augmented.cnn)
            );
            let bound = number(results.tolerance.augmentation_shift);
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
fn rotation_and_scale(results: &Results) -> Claim<'_> {
    let rotation = axis(results, AxisKind::Rotation);
    let scale = axis(results, AxisKind::Scale);
    let both = rotation.zip(scale);
    Claim {
        question: "tolerance",
        test: both.map(|(rotation, _)| {
            format!(
                "the larger p of two {}s",
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
                number(largest(&rotation.amounts)),
                percent(turned.cnn),
                percent(turned.mlp),
                number(smallest_of_all(&scale.amounts)),
                number(largest(&scale.amounts)),
                percent(sized.cnn),
                percent(sized.mlp)
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

fn corruptions(results: &Results) -> Claim<'_> {
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
                    listed(&ahead)
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

fn permutation(results: &Results) -> Claim<'_> {
    let permutation = &results.permutation;
    Claim {
        question: "permutation",
        test: Some(t_test(&permutation.interaction)),
        p: permutation.interaction.p,
        write: Box::new(|p| {
            let numbers = format!(
                "the MLP goes from {} to {}, the CNN from {} to {}",
                percent(permutation.natural.mlp.mean),
                percent(permutation.permuted.mlp.mean),
                percent(permutation.natural.cnn.mean),
                percent(permutation.permuted.cnn.mean)
            );
            match direction(&permutation.interaction, p) {
                Verdict::Mlp => format!(
                    "If all images have their pixels permuted in the same way, the CNN loses more than the MLP: \
                     {numbers}{}; what it loses rested on neighbouring pixels.",
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
fn samples(results: &Results) -> Claim<'_> {
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

fn calibration(results: &Results) -> Claim<'_> {
    let calibration = &results.calibration;
    let difference = &calibration.before_difference;
    Claim {
        question: "calibration",
        test: Some(t_test(difference)),
        p: difference.p,
        write: Box::new(|p| {
            let of = |pick: fn(&crate::results::CalibrationOf) -> &Sample| {
                calibration.networks.map(|network| pick(network).mean)
            };
            let before = of(|network| &network.error_before);
            let after = of(|network| &network.error_after);
            let numbers = format!(
                "the expected calibration error is {} for the CNN and {} for the MLP",
                points(before.cnn),
                points(before.mlp)
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
                points(after.cnn),
                points(after.mlp),
                if smoothing {
                    " Label smoothing, which only one of the recipes has, is a part of this."
                } else {
                    ""
                }
            )
        }),
    }
}

/// "The CNN is right more often: 99.41 % of the test images against 98.39 % …"
fn compared(
    of: &str,
    verb: &str,
    accuracy: &Pair<Sample>,
    difference: &Difference,
    p: Option<f64>,
) -> String {
    told(verb, &accuracy.map(|sample| sample.mean), difference, p, of)
}

/// The verdict on a difference of two means, with the numbers.
fn told(
    verb: &str,
    means: &Pair<f64>,
    difference: &Difference,
    p: Option<f64>,
    of: &str,
) -> String {
    let (winner, loser) = match direction(difference, p) {
        Verdict::Cnn => (Network::Cnn, Network::Mlp),
        Verdict::Mlp => (Network::Mlp, Network::Cnn),
        Verdict::None => {
            return format!(
                "No difference was found{}: the CNN gets {} {of}, the MLP {} (difference {}{}).",
                seeds_note(difference),
                percent(means.cnn),
                percent(means.mlp),
                with_interval(difference, 1.0),
                probability(p)
            );
        }
    };
    let sign = match winner {
        Network::Cnn => 1.0,
        Network::Mlp => -1.0,
    };
    format!(
        "The {} {verb} than the {}: {} {of} against {} (difference {}{}).",
        winner.name(),
        loser.name(),
        percent(*means.of(winner)),
        percent(*means.of(loser)),
        with_interval(difference, sign),
        probability(p)
    )
}

/// What McNemar's test says of each seed.
fn image_by_image(contest: &Contest) -> String {
    let tests = &contest.mcnemar;
    let largest = tests.iter().map(|test| test.p).fold(0.0, f64::max);
    let better = |cnn: bool| {
        tests
            .iter()
            .filter(|test| test.p < LEVEL && (test.only_cnn_right > test.only_mlp_right) == cnn)
            .count()
    };
    let (cnn, mlp) = (better(true), better(false));
    if cnn == 0 && mlp == 0 {
        return format!(
            "Image by image, McNemar's exact test finds no difference in any of {} seeds.",
            tests.len()
        );
    }
    let mut parts = Vec::new();
    for (count, name) in [(cnn, "CNN"), (mlp, "MLP")] {
        if count > 0 {
            parts.push(format!(
                "for the {name} in {count} of {} seeds",
                tests.len()
            ));
        }
    }
    let tail = if cnn == tests.len() || mlp == tests.len() {
        format!(" (largest p {})", p_value(largest))
    } else {
        String::new()
    };
    format!(
        "Image by image, McNemar's exact test decides {}{tail}.",
        parts.join(" and ")
    )
}

/// What can be said of a difference whose test has the adjusted p-value `p`.
fn direction(difference: &Difference, p: Option<f64>) -> Verdict {
    match p {
        Some(p) if p < LEVEL && difference.mean > 0.0 => Verdict::Cnn,
        Some(p) if p < LEVEL && difference.mean < 0.0 => Verdict::Mlp,
        _ => Verdict::None,
    }
}

fn axis(results: &Results, kind: AxisKind) -> Option<&crate::results::Axis> {
    results.tolerance.axes.iter().find(|axis| axis.kind == kind)
}

/// Mean over all amounts that change something.
fn means(lines: &Pair<Vec<Sample>>, amounts: &[f64], none: f64) -> Pair<f64> {
    lines.map(|line| {
        let values: Vec<f64> = line
            .iter()
            .zip(amounts)
            .filter(|(_, amount)| **amount != none)
            .map(|(sample, _)| sample.mean)
            .collect();
        crate::questions::tolerance::mean(&values)
    })
}

fn t_test(difference: &Difference) -> String {
    match difference.values.len() {
        1 => "none: a single seed".to_owned(),
        count => format!("paired t-test, {count} seeds"),
    }
}

/// Few seeds are named where nothing was found: it may be for lack of them.
fn seeds_note(difference: &Difference) -> String {
    match difference.values.len() {
        1 => " with a single seed, which allows no test".to_owned(),
        count if count < 5 => format!(" with only {count} seeds"),
        _ => String::new(),
    }
}

fn larger(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.zip(b).map(|(a, b)| a.max(b))
}

/// The smallest amount above 0.
fn smallest(amounts: &[f64]) -> f64 {
    amounts
        .iter()
        .copied()
        .filter(|&amount| amount > 0.0)
        .fold(f64::INFINITY, f64::min)
}

fn smallest_of_all(amounts: &[f64]) -> f64 {
    amounts.iter().copied().fold(f64::INFINITY, f64::min)
}

fn largest(amounts: &[f64]) -> f64 {
    amounts.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// `The …` in the middle of a sentence.
fn lower(text: &str) -> String {
    for (upper, lower) in [("The ", "the "), ("No ", "no ")] {
        if let Some(rest) = text.strip_prefix(upper) {
            return format!("{lower}{rest}");
        }
    }
    text.to_owned()
}

/// `0.53 times` or `8.7 times`.
fn times(a: f64, b: f64) -> String {
    let ratio = if b > 0.0 { a / b } else { 0.0 };
    if ratio < 9.95 {
        format!("{ratio:.2} times")
    } else {
        format!("{} times", thousands(ratio))
    }
}

fn number(value: f64) -> String {
    format!("{value}").replace('-', "−")
}

/// 0.99412 → `99.41 %`.
fn percent(fraction: f64) -> String {
    format!("{:.2} %", 100.0 * fraction)
}

/// 0.0123 → `1.23 points`.
fn points(fraction: f64) -> String {
    format!("{:.2} points", 100.0 * fraction).replace('-', "−")
}

/// The difference in percentage points with its interval, in the direction of the sign.
fn with_interval(difference: &Difference, sign: f64) -> String {
    let mean = points(sign * difference.mean);
    match difference.interval {
        Some([low, high]) => {
            let (low, high) = if sign > 0.0 {
                (low, high)
            } else {
                (-high, -low)
            };
            format!(
                "{mean}, 95 % interval {:.2} to {:.2}",
                100.0 * low,
                100.0 * high
            )
            .replace('-', "−")
        }
        None => mean,
    }
}

fn probability(p: Option<f64>) -> String {
    p.map_or_else(String::new, |p| format!(", p {}", p_value(p)))
}

/// `= 0.012` or `< 10⁻⁶`.
fn p_value(p: f64) -> String {
    if p >= 0.9995 {
        "= 1".to_owned()
    } else if p >= 0.001 {
        format!("= {p:.3}")
    } else if p < 1e-15 {
        "< 10⁻¹⁵".to_owned()
    } else {
        let exponent = p.log10().ceil() as i32;
        let digits: String = exponent
            .unsigned_abs()
            .to_string()
            .chars()
            .filter_map(|digit| "⁰¹²³⁴⁵⁶⁷⁸⁹".chars().nth(digit.to_digit(10)? as usize))
            .collect();
        format!("< 10⁻{digits}")
    }
}

fn thousands(value: f64) -> String {
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn listed(names: &[&str]) -> String {
    match names {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}
