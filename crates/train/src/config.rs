use digits_data::{Augmentation, Images, Source, View};
use digits_models::{ModelConfig, ModelError};
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::check::{at_least_one, ensure, fraction, not_negative, positive};
use crate::fit::input_of;
use crate::schedule::Schedule;

/// Everything that decides the outcome of a run. Saved in the run folder as `config.toml`;
/// the same file again gives the same run.
///
/// A setting that comes later has a default that does what runs did before and is left out of
/// the file where it has it: old files open, and old runs keep their text. A key that this
/// program does not know is refused by its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunConfig {
    /// The data set.
    #[serde(default = "auto")]
    pub data: Source,
    /// The backend, by the name the command line knows it by.
    #[serde(default = "flex")]
    pub backend: String,
    /// Worker threads of the CPU backends; 0 for one per core.
    #[serde(default)]
    pub threads: usize,
    /// Seed of parameters, split, shuffling, augmentation and dropout. At most 2⁶³ − 1, the
    /// largest integer that TOML holds.
    #[serde(default = "default_seed")]
    pub seed: u64,
    /// The network.
    pub model: ModelConfig,
    /// The training.
    #[serde(default)]
    pub training: TrainingConfig,
    /// Random changes to every training image.
    #[serde(default)]
    pub augmentation: Augmentation,
    /// A part or a rearrangement of the data set, for experiments.
    #[serde(default, skip_serializing_if = "View::is_whole")]
    pub view: View,
}

fn auto() -> Source {
    Source::Auto
}

fn flex() -> String {
    "flex".to_owned()
}

fn default_seed() -> u64 {
    42
}

/// How a network is trained.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TrainingConfig {
    /// Epochs: after each the network is validated and the run is saved.
    pub epochs: usize,
    /// Passes over the training images in one epoch. More than 1 is for few images, where
    /// validating and saving after every pass would take longer than training.
    #[serde(skip_serializing_if = "is_one")]
    pub passes: usize,
    /// Images in one step; the last batch of an epoch may be shorter.
    pub batch_size: usize,
    /// Training images held out for validation: the best network and early stopping are
    /// decided on them, never on the test split.
    pub validation: usize,
    /// Which network is kept.
    #[serde(skip_serializing_if = "Keep::is_best")]
    pub keep: Keep,
    /// Probability mass spread evenly over all classes (Szegedy et al. 2016), 0 ≤ α < 1.
    pub label_smoothing: f64,
    /// Gradients are scaled down to this L2 norm, taken over all parameters together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clip_norm: Option<f64>,
    /// Stop after this many epochs without a better validation accuracy.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<usize>,
    /// Save a checkpoint every so many steps, besides the one after every epoch.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub save_every: Option<usize>,
    /// The optimizer.
    pub optimizer: OptimizerConfig,
    /// The learning rate.
    pub schedule: Schedule,
}

impl Default for TrainingConfig {
    fn default() -> Self {
        Self {
            epochs: 5,
            passes: 1,
            batch_size: 128,
            validation: 5000,
            keep: Keep::Best,
            label_smoothing: 0.0,
            clip_norm: None,
            early_stopping: None,
            save_every: None,
            optimizer: OptimizerConfig::Adam {
                beta_1: beta_1(),
                beta_2: beta_2(),
                epsilon: epsilon(),
            },
            schedule: Schedule::OneCycle {
                peak: 0.003,
                warmup: 0.3,
            },
        }
    }
}

/// Which network of a run is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Keep {
    /// That of the epoch with the best validation accuracy.
    #[default]
    Best,
    /// That of the last epoch: the validation images decide nothing.
    Last,
}

impl Keep {
    fn is_best(&self) -> bool {
        *self == Self::Best
    }
}

fn is_one(value: &usize) -> bool {
    *value == 1
}

/// The optimizer and its constants.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase", deny_unknown_fields)]
pub enum OptimizerConfig {
    /// Adam (Kingma and Ba 2015).
    Adam {
        /// Decay of the first moment.
        #[serde(default = "beta_1")]
        beta_1: f64,
        /// Decay of the second moment.
        #[serde(default = "beta_2")]
        beta_2: f64,
        /// Added to the denominator.
        #[serde(default = "epsilon")]
        epsilon: f64,
    },
    /// Adam with decoupled weight decay (Loshchilov and Hutter 2019).
    AdamW {
        /// Decay of the first moment.
        #[serde(default = "beta_1")]
        beta_1: f64,
        /// Decay of the second moment.
        #[serde(default = "beta_2")]
        beta_2: f64,
        /// Added to the denominator.
        #[serde(default = "epsilon")]
        epsilon: f64,
        /// Fraction of each parameter, times the learning rate, removed in every step.
        #[serde(default = "weight_decay")]
        weight_decay: f64,
    },
    /// Stochastic gradient descent with momentum.
    Sgd {
        /// Fraction of the last step added to the next.
        #[serde(default = "momentum")]
        momentum: f64,
        /// Nesterov's look-ahead form.
        #[serde(default)]
        nesterov: bool,
        /// L2 penalty, added to the gradient.
        #[serde(default)]
        weight_decay: f64,
    },
}

fn beta_1() -> f64 {
    0.9
}
fn beta_2() -> f64 {
    0.999
}
fn epsilon() -> f64 {
    1e-8
}
fn weight_decay() -> f64 {
    0.01
}
fn momentum() -> f64 {
    0.9
}

impl RunConfig {
    /// Checks every number before any work is done; what depends on the size of the images is
    /// for [`RunConfig::fitted`].
    ///
    /// # Errors
    /// The first invalid setting, by its full name, with what would be valid.
    pub fn validate(&self) -> Result<(), TrainError> {
        let integer = i64::try_from(self.seed).is_ok();
        let wanted = "an integer of at most 9223372036854775807";
        ensure(integer, "seed", self.seed, wanted)?;
        let training = &self.training;
        at_least_one("training.epochs", training.epochs)?;
        at_least_one("training.passes", training.passes)?;
        at_least_one("training.batch_size", training.batch_size)?;
        at_least_one("training.validation", training.validation)?;
        if let Some(epochs) = training.early_stopping {
            at_least_one("training.early_stopping", epochs)?;
        }
        if let Some(steps) = training.save_every {
            at_least_one("training.save_every", steps)?;
        }
        fraction("training.label_smoothing", training.label_smoothing)?;
        if let Some(norm) = training.clip_norm {
            positive("training.clip_norm", norm)?;
        }
        training.optimizer.validate()?;
        training.schedule.validate()?;
        self.augmentation.validate()?;
        self.view.validate()?;
        match self.model.parameters() {
            Err(ModelError::Misfit(..)) | Ok(_) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    /// The same configuration for these images, checked in full.
    ///
    /// # Errors
    /// As [`RunConfig::validate`], and a network that cannot be built for images of this size.
    pub fn fitted(mut self, images: &Images) -> Result<Self, TrainError> {
        self.model = self.model.with_input(input_of(images));
        self.validate()?;
        self.model.parameters()?;
        Ok(self)
    }

    /// The text of `config.toml`.
    ///
    /// # Errors
    /// A number that TOML cannot hold.
    pub fn to_toml(&self) -> Result<String, TrainError> {
        toml::to_string(self).map_err(|error| TrainError::backend("writing config.toml", error))
    }
}

impl OptimizerConfig {
    fn validate(&self) -> Result<(), TrainError> {
        let name = |setting: &str| format!("training.optimizer.{setting}");
        match *self {
            Self::Adam {
                beta_1,
                beta_2,
                epsilon,
            }
            | Self::AdamW {
                beta_1,
                beta_2,
                epsilon,
                ..
            } => {
                fraction(name("beta_1"), beta_1)?;
                fraction(name("beta_2"), beta_2)?;
                positive(name("epsilon"), epsilon)?;
            }
            Self::Sgd { momentum, .. } => fraction(name("momentum"), momentum)?,
        }
        match *self {
            Self::Adam { .. } => Ok(()),
            Self::AdamW { weight_decay, .. } | Self::Sgd { weight_decay, .. } => {
                not_negative(name("weight_decay"), weight_decay)
            }
        }
    }
}
