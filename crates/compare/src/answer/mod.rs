//! The answer to "what do you observe?", in sentences made from the measurements.
//!
//! A sentence claims a difference only where the test behind it supports the claim at the 5 %
//! level after Holm's correction for all sentences that rest on a test; else it says that none
//! was found. Which of the networks it favours, the numbers decide.

mod claims;
mod words;

#[cfg(test)]
mod tests;

use crate::results::{Results, Sentence};
use crate::stats;

/// Significance level of every claim.
pub const LEVEL: f64 = 0.05;

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
        claims::accuracy(results),
        claims::matched(results),
        claims::cost(results),
        claims::shift(results),
        claims::augmentation(results),
        claims::rotation_and_scale(results),
        claims::corruptions(results),
        claims::permutation(results),
        claims::samples(results),
        claims::calibration(results),
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
