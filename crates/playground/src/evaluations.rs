use std::collections::VecDeque;
use std::sync::Mutex;

use digits_train::Evaluation;

use crate::error::ApiError;
use crate::networks::lock;

/// Evaluations that are kept.
const KEPT: usize = 32;

/// Evaluations by the checksum of the run they belong to.
#[derive(Default)]
pub(crate) struct Evaluations {
    known: Mutex<VecDeque<(String, Evaluation)>>,
    /// Held while one is computed: who asks for the same meanwhile gets the same.
    computing: Mutex<()>,
}

impl Evaluations {
    /// The evaluation of the run with this checksum, computed if it is not known.
    pub(crate) fn get(
        &self,
        checksum: &str,
        compute: impl FnOnce() -> Result<Evaluation, ApiError>,
    ) -> Result<Evaluation, ApiError> {
        let _computing = lock(&self.computing);
        let known = |(version, _): &&(String, Evaluation)| version == checksum;
        if let Some((_, evaluation)) = lock(&self.known).iter().find(known) {
            return Ok(evaluation.clone());
        }
        let evaluation = compute()?;
        let mut all = lock(&self.known);
        all.push_front((checksum.to_owned(), evaluation.clone()));
        all.truncate(KEPT);
        Ok(evaluation)
    }
}
