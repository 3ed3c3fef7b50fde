//! How verdicts are put.

use super::LEVEL;
use crate::questions::tolerance::mean;
use crate::results::{Axis, AxisKind, Contest, Difference, Network, Pair, Results, Sample};
use digits_report::text;

/// What the numbers allow to be said of a difference CNN − MLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The CNN's value is larger.
    Cnn,
    /// The MLP's value is larger.
    Mlp,
    /// None found.
    None,
}

/// The verdict on a difference of two means, with the numbers.
pub(super) fn told(
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
                text::percent(means.cnn, 2),
                text::percent(means.mlp, 2),
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
        text::percent(*means.of(winner), 2),
        text::percent(*means.of(loser), 2),
        with_interval(difference, sign),
        probability(p)
    )
}

/// What McNemar's test says of each seed.
pub(super) fn image_by_image(contest: &Contest) -> String {
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
        format!(
            " (the largest {})",
            text::p_value(largest).unwrap_or_default()
        )
    } else {
        String::new()
    };
    format!(
        "Image by image, McNemar's exact test decides {}{tail}.",
        parts.join(" and ")
    )
}

/// What can be said of a difference whose test has the adjusted p-value `p`.
pub(super) fn direction(difference: &Difference, p: Option<f64>) -> Verdict {
    match p {
        Some(p) if p < LEVEL && difference.mean > 0.0 => Verdict::Cnn,
        Some(p) if p < LEVEL && difference.mean < 0.0 => Verdict::Mlp,
        _ => Verdict::None,
    }
}

pub(super) fn axis(results: &Results, kind: AxisKind) -> Option<&Axis> {
    results.tolerance.axes.iter().find(|axis| axis.kind == kind)
}

/// Mean over all amounts that change something.
pub(super) fn means(lines: &Pair<Vec<Sample>>, amounts: &[f64], none: f64) -> Pair<f64> {
    lines.map(|line| {
        let values: Vec<f64> = line
            .iter()
            .zip(amounts)
            .filter(|(_, amount)| **amount != none)
            .map(|(sample, _)| sample.mean)
            .collect();
        mean(&values)
    })
}

pub(super) fn t_test(difference: &Difference) -> String {
    match difference.values.len() {
        1 => "none: a single seed".to_owned(),
        count => format!("paired t-test, {count} seeds"),
    }
}

/// Few seeds are named where nothing was found: it may be for lack of them.
pub(super) fn seeds_note(difference: &Difference) -> String {
    match difference.values.len() {
        1 => " with a single seed, which allows no test".to_owned(),
        count if count < 5 => format!(" with only {count} seeds"),
        _ => String::new(),
    }
}

pub(super) fn larger(a: Option<f64>, b: Option<f64>) -> Option<f64> {
    a.zip(b).map(|(a, b)| a.max(b))
}

/// The smallest amount above 0.
pub(super) fn smallest_above_zero(amounts: &[f64]) -> f64 {
    amounts
        .iter()
        .copied()
        .filter(|&amount| amount > 0.0)
        .fold(f64::INFINITY, f64::min)
}

pub(super) fn smallest(amounts: &[f64]) -> f64 {
    amounts.iter().copied().fold(f64::INFINITY, f64::min)
}

pub(super) fn largest(amounts: &[f64]) -> f64 {
    amounts.iter().copied().fold(f64::NEG_INFINITY, f64::max)
}

/// `The …` in the middle of a sentence.
pub(super) fn lower(text: &str) -> String {
    for (upper, lower) in [("The ", "the "), ("No ", "no ")] {
        if let Some(rest) = text.strip_prefix(upper) {
            return format!("{lower}{rest}");
        }
    }
    text.to_owned()
}

/// `0.53 times` or `8.7 times`.
pub(super) fn times(a: f64, b: f64) -> String {
    let ratio = if b > 0.0 { a / b } else { 0.0 };
    if ratio < 9.95 {
        format!("{} times", text::fixed(ratio, 2))
    } else {
        format!("{} times", text::fixed(ratio, 0))
    }
}

/// The difference in percentage points with its interval, in the direction of the sign.
pub(super) fn with_interval(difference: &Difference, sign: f64) -> String {
    let mean = format!("{} points", text::fixed(100.0 * sign * difference.mean, 2));
    match difference.interval {
        Some([low, high]) => {
            let (low, high) = if sign > 0.0 {
                (low, high)
            } else {
                (-high, -low)
            };
            format!(
                "{mean}, 95 % interval {} to {}",
                text::fixed(100.0 * low, 2),
                text::fixed(100.0 * high, 2)
            )
        }
        None => mean,
    }
}

pub(super) fn probability(p: Option<f64>) -> String {
    p.and_then(text::p_value)
        .map_or_else(String::new, |p| format!(", {p}"))
}
