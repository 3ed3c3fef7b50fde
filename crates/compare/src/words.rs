//! How verdicts are put.

use digits_report::text;

use crate::network::{Network, Pair};
use crate::stats::Difference;

/// Significance level of every claim.
pub(crate) const LEVEL: f64 = 0.05;

/// What the numbers allow to be said of a difference CNN − MLP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// The CNN's value is larger.
    Cnn,
    /// The MLP's value is larger.
    Mlp,
    /// None found.
    None,
}

/// What can be said of a difference whose test has the adjusted p-value `p`.
pub(crate) fn verdict(difference: &Difference, p: Option<f64>) -> Verdict {
    match p {
        Some(p) if p < LEVEL && difference.mean > 0.0 => Verdict::Cnn,
        Some(p) if p < LEVEL && difference.mean < 0.0 => Verdict::Mlp,
        _ => Verdict::None,
    }
}

/// The verdict on a difference of two means, with the numbers: who `verb` than whom, so many `of`.
pub(crate) fn comparison_sentence(
    verb: &str,
    means: &Pair<f64>,
    difference: &Difference,
    p: Option<f64>,
    of: &str,
) -> String {
    let (winner, loser, sign) = match verdict(difference, p) {
        Verdict::Mlp => (Network::Mlp, Network::Cnn, -1.0),
        Verdict::Cnn | Verdict::None => (Network::Cnn, Network::Mlp, 1.0),
    };
    let [best, other] = [winner, loser].map(|of| text::percent(*means.of(of), 2));
    let apart = format!(
        "difference {}{}",
        with_interval(difference, sign),
        probability(p)
    );
    let (winner, loser) = (winner.name(), loser.name());
    match verdict(difference, p) {
        Verdict::None => format!(
            "No difference was found{}: the CNN gets {best} {of}, the MLP {other} ({apart}).",
            seeds_note(difference)
        ),
        _ => {
            format!("The {winner} {verb} than the {loser}: {best} {of} against {other} ({apart}).")
        }
    }
}

/// What can be said of two differences alike, whose tests have the larger p-value `p`.
pub(crate) fn verdict_on_both(differences: [&Difference; 2], p: Option<f64>) -> Verdict {
    match differences.map(|difference| verdict(difference, p)) {
        [first, second] if first == second => first,
        _ => Verdict::None,
    }
}

/// `the MLP from 32.96 % to 70.44 %, the CNN from …`, with `verb` after the MLP.
pub(crate) fn from_to(verb: &str, before: &Pair<f64>, after: &Pair<f64>) -> String {
    let [mlp, cnn] = Network::BOTH.map(|network| {
        let [from, to] = [before, after].map(|pair| text::percent(*pair.of(network), 2));
        format!("from {from} to {to}")
    });
    format!("the MLP{verb} {mlp}, the CNN {cnn}")
}

/// Few seeds are named where nothing was found: it may be for lack of them.
pub(crate) fn seeds_note(difference: &Difference) -> String {
    match difference.values.len() {
        1 => " with a single seed, which allows no test".to_owned(),
        count if count < 5 => format!(" with only {count} seeds"),
        _ => String::new(),
    }
}

/// `The …` in the middle of a sentence.
pub(crate) fn lower(text: &str) -> String {
    for (upper, lower) in [("The ", "the "), ("No ", "no ")] {
        if let Some(rest) = text.strip_prefix(upper) {
            return format!("{lower}{rest}");
        }
    }
    text.to_owned()
}

/// `, p = 0.012`, or nothing without a test.
pub(crate) fn probability(p: Option<f64>) -> String {
    p.and_then(text::p_value)
        .map_or_else(String::new, |p| format!(", {p}"))
}

/// The difference in percentage points with its interval, in the direction of the sign.
fn with_interval(difference: &Difference, sign: f64) -> String {
    let points = |value: f64| text::fixed(100.0 * sign * value, 2);
    let mean = format!("{} points", points(difference.mean));
    match difference.interval {
        Some([low, high]) => {
            let (low, high) = if sign > 0.0 { (low, high) } else { (high, low) };
            format!("{mean}, 95 % interval {} to {}", points(low), points(high))
        }
        None => mean,
    }
}
