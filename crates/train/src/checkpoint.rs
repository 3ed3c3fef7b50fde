use std::collections::BTreeMap;

use burn::module::Module;
use burn::tensor::Device;
use digits_models::{Model, ModelConfig};
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::metrics::EpochMetrics;
use crate::optimizer::Optimizer;
use crate::run_folder::RunFolder;
use crate::weights;

pub(crate) const STATE: &str = "checkpoint/state.toml";
pub(crate) const MODEL: &str = "checkpoint/model.bpk";
pub(crate) const OPTIMIZER: &str = "checkpoint/optimizer.bpk";

/// Where a run stands. Shuffling, augmentation and dropout are functions of the seed and of
/// these counters, so no random state needs saving. TOML, because it keeps every bit of an f64.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Progress {
    /// Finished epochs.
    pub epoch: usize,
    /// Finished batches of the epoch under way.
    pub batch: usize,
    /// Finished steps.
    pub step: usize,
    /// Sums over the epoch under way.
    pub sums: Sums,
    /// The best network so far.
    pub best: Option<Best>,
    /// Seconds of training so far.
    pub seconds: f64,
    /// Finished epochs.
    #[serde(default)]
    pub rows: Vec<EpochMetrics>,
}

/// Sums over the images of a step or of an epoch; means are taken at its end, so that a short last
/// batch counts as what it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Sums {
    pub images: usize,
    pub correct: usize,
    pub loss: f64,
    pub seconds: f64,
}

/// The best network by validation accuracy, ties decided by validation loss.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Best {
    pub epoch: usize,
    pub correct: usize,
    pub loss: f64,
}

impl Progress {
    /// Counts a step that is done.
    pub fn add(&mut self, step: Sums) {
        self.batch += 1;
        self.step += 1;
        self.seconds += step.seconds;
        self.sums.images += step.images;
        self.sums.correct += step.correct;
        self.sums.loss += step.loss;
        self.sums.seconds += step.seconds;
    }

    /// Whether a validation result beats the best so far.
    pub fn improves(&self, correct: usize, loss: f64) -> bool {
        self.best.is_none_or(|best| {
            correct > best.correct || (correct == best.correct && loss < best.loss)
        })
    }

    /// The epoch with the best network, counted from 1; 0 before the first.
    pub fn best_epoch(&self) -> usize {
        self.best.map_or(0, |best| best.epoch)
    }
}

impl Sums {
    pub fn mean_loss(&self) -> f64 {
        self.loss / self.images as f64
    }

    pub fn accuracy(&self) -> f64 {
        self.correct as f64 / self.images as f64
    }
}

/// The three files of a checkpoint.
pub(crate) fn files(
    progress: &Progress,
    model: &Model,
    optimizer: &Optimizer,
) -> Result<Vec<(&'static str, Vec<u8>)>, TrainError> {
    let state = toml::to_string(progress)
        .map_err(|error| TrainError::backend("writing the checkpoint", error))?;
    Ok(vec![
        (STATE, state.into_bytes()),
        (MODEL, weights::to_bytes(model)?.to_vec()),
        (OPTIMIZER, optimizer.to_bytes()?.to_vec()),
    ])
}

/// Restores what [`files`] wrote: the progress, and the network ready for training on `device`.
pub(crate) fn restore(
    folder: &RunFolder,
    files: &mut BTreeMap<String, Vec<u8>>,
    config: &ModelConfig,
    optimizer: &mut Optimizer,
    device: &Device,
) -> Result<(Progress, Model), TrainError> {
    let damaged =
        |name: &str, reason: String| TrainError::damaged(folder.path().join(name), reason);
    let mut take = |name: &str| {
        files
            .remove(name)
            .ok_or_else(|| damaged("run.json", format!("it does not list {name}")))
    };
    let state =
        String::from_utf8(take(STATE)?).map_err(|error| damaged(STATE, error.to_string()))?;
    let progress = toml::from_str(&state).map_err(|error| damaged(STATE, error.to_string()))?;
    let model = weights::from_bytes(config, take(MODEL)?, device)
        .map_err(|reason| damaged(MODEL, reason))?;
    optimizer
        .restore(take(OPTIMIZER)?, &device.clone().inner())
        .map_err(|reason| damaged(OPTIMIZER, reason))?;
    Ok((progress, model.train()))
}
