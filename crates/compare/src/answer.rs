//! The answer to "what do you observe?", in sentences made from the measurements.
//!
//! A sentence claims a difference only where the test behind it supports the claim at the 5 %
//! level after Holm's correction for all sentences that rest on a test; else it says that none
//! was found. Which of the networks it favours, the numbers decide.

use serde::{Deserialize, Serialize};

use crate::question::Question;
use crate::setting::Context;
use crate::stats;

/// One sentence of the answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sentence {
    /// The question that it answers, as in [`Findings`](crate::Findings): `accuracy`, `cost` …
    pub question: String,
    /// The sentence.
    pub text: String,
    /// The test behind it, if it rests on one: for example `paired t-test, 5 seeds`.
    pub test: Option<String>,
    /// p-value of that test.
    pub p: Option<f64>,
    /// The same, adjusted for the number of sentences that rest on a test (Holm 1979).
    pub p_adjusted: Option<f64>,
}

/// The sentences, question by question.
pub(crate) fn answer(questions: &[&dyn Question], context: &Context<'_>) -> Vec<Sentence> {
    let claims: Vec<_> = questions
        .iter()
        .flat_map(|question| {
            let id = question.heading().id;
            question
                .claims(context)
                .into_iter()
                .map(move |claim| (id, claim))
        })
        .collect();
    let known: Vec<f64> = claims.iter().filter_map(|(_, claim)| claim.p).collect();
    let mut adjusted = stats::holm(&known).into_iter();
    claims
        .into_iter()
        .map(|(id, claim)| {
            let p_adjusted = claim.p.and_then(|_| adjusted.next());
            Sentence {
                question: id.to_owned(),
                text: (claim.write)(p_adjusted),
                test: claim.test,
                p: claim.p,
                p_adjusted,
            }
        })
        .collect()
}
