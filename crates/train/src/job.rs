use burn::tensor::Device;
use digits_data::Dataset;

use crate::config::RunConfig;
use crate::metrics::EpochMetrics;
use crate::record::RunRecord;
use crate::run_folder::RunFolder;

/// What is to be trained.
pub struct TrainingJob<'a> {
    /// Name of the recipe, for the record.
    pub recipe: &'a str,
    /// Everything that decides the outcome; for a run that is resumed, as read from its folder.
    pub config: RunConfig,
    /// The data set that `config.data` names.
    pub dataset: &'a Dataset,
    /// Where to compute, without autodiff.
    pub device: &'a Device,
    /// Where the run is kept.
    pub folder: &'a RunFolder,
    /// Where the parameters come from.
    pub start_from: StartFrom<'a>,
}

/// Where the parameters of a run come from.
#[derive(Debug, Clone, Copy)]
pub enum StartFrom<'a> {
    /// A new run: drawn from the seed.
    Seed,
    /// The checkpoint of the run in the folder, which is resumed.
    Checkpoint,
    /// A new run: the network of this one, whose normalization of pixels it takes over.
    Weights(&'a RunFolder),
}

/// What a run tells and asks while it works.
pub struct Callbacks<'a> {
    /// Called with every step and every epoch.
    pub on_event: &'a mut dyn FnMut(Event),
    /// Asked after every step; `true` saves and ends.
    pub should_stop: &'a dyn Fn() -> bool,
}

/// What happens in a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Something that people should know.
    Notice(String),
    /// Before the first step.
    Begin {
        /// Trainable parameters.
        parameters: usize,
        /// Training images.
        train_images: usize,
        /// Validation images.
        valid_images: usize,
        /// Epochs planned.
        epochs: usize,
        /// Batches an epoch.
        batches: usize,
        /// Finished steps of an earlier process; 0 for a new run.
        resumed_at: usize,
    },
    /// After every step.
    Step {
        /// Epoch, counted from 1.
        epoch: usize,
        /// Batches done in this epoch.
        batch: usize,
        /// Mean loss of the epoch so far.
        loss: f64,
        /// Accuracy of the epoch so far.
        accuracy: f64,
        /// Images a second in this epoch so far.
        images_per_second: f64,
    },
    /// After every epoch.
    Epoch {
        /// What was measured.
        metrics: EpochMetrics,
        /// Whether this is the best network so far.
        best: bool,
    },
}

/// How a call of [`train`](crate::train) ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// All epochs done, the best network evaluated on the test split.
    Finished(Box<RunRecord>),
    /// Stopped on request; the folder holds everything needed to resume.
    Interrupted {
        /// Finished steps.
        step: usize,
        /// Steps of the whole run.
        steps: usize,
    },
}
