use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;
use std::path::Path;

use digits_data::{Augmentation, ImageShape, Images, Source, View};
use digits_models::{InputConfig, ModelConfig, ModelError};
use serde::{Deserialize, Serialize};
use toml::{Table, Value};

use crate::TrainError;
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
    #[serde(skip_serializing_if = "is_best")]
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

fn is_best(keep: &Keep) -> bool {
    *keep == Keep::Best
}

pub(crate) fn is_one(value: &usize) -> bool {
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
    /// An invalid setting, by its full name, with what would be valid.
    pub fn validate(&self) -> Result<(), TrainError> {
        let ensure = |valid: bool, name: &str, value: &dyn Display, wanted: &str| match valid {
            true => Ok(()),
            false => Err(TrainError::Refused(format!(
                "{name} is {value}; give {wanted}"
            ))),
        };
        let integer = i64::try_from(self.seed).is_ok();
        let wanted = "an integer of at most 9223372036854775807";
        ensure(integer, "seed", &self.seed, wanted)?;
        let settings = settings("training", &self.training)?;
        for (names, valid, wanted) in RULES {
            for name in names.split(' ') {
                let name = format!("training.{name}");
                let value = settings.get(&name).and_then(|value| value.parse().ok());
                value.map_or(Ok(()), |value| ensure(valid(value), &name, &value, wanted))?;
            }
        }
        if let Schedule::Cosine { peak, last, .. } = self.training.schedule {
            let wanted = "a number between 0 and the peak";
            let below = (0.0..=peak).contains(&last);
            ensure(below, "training.schedule.final", &last, wanted)?;
        }
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

    /// Every setting in which two runs differ, as in `threads = 1, not 2`, in the order of the
    /// names.
    ///
    /// # Errors
    /// A number that TOML cannot hold.
    pub fn differences(&self, other: &Self) -> Result<Vec<String>, TrainError> {
        differences("", self, other)
    }
}

type Rule = (&'static str, fn(f64) -> bool, &'static str);

/// What the numbers below `training` must be.
const RULES: [Rule; 4] = [
    (
        "epochs passes batch_size validation early_stopping save_every schedule.every",
        |value| value >= 1.0,
        "1 or more",
    ),
    (
        "label_smoothing optimizer.beta_1 optimizer.beta_2 optimizer.momentum schedule.warmup",
        |value| (0.0..1.0).contains(&value),
        "a number with 0 ≤ x < 1",
    ),
    (
        "clip_norm optimizer.epsilon schedule.rate schedule.peak schedule.factor",
        |value| value.is_finite() && value > 0.0,
        "a positive number",
    ),
    (
        "optimizer.weight_decay",
        |value| value.is_finite() && value >= 0.0,
        "0 or a positive number",
    ),
];

/// Every setting in which two values differ, in the order of the names below `name`.
fn differences<T: Serialize>(name: &str, one: &T, other: &T) -> Result<Vec<String>, TrainError> {
    let (one, other) = (settings(name, one)?, settings(name, other)?);
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let value =
        |of: &BTreeMap<String, String>, name| of.get(name).cloned().unwrap_or("none".to_owned());
    Ok(names
        .into_iter()
        .filter(|&name| one.get(name) != other.get(name))
        .map(|name| {
            format!(
                "{name} = {}, not {}",
                value(&one, name),
                value(&other, name)
            )
        })
        .collect())
}

/// The first setting by which networks of two configurations compute something else, if any.
/// Dropout may differ.
pub(crate) fn network_difference(
    found: &ModelConfig,
    wanted: &ModelConfig,
) -> Result<Option<String>, TrainError> {
    let (found, wanted) = (found.clone().as_computed(), wanted.clone().as_computed());
    let mut all = differences("model", &found, &wanted)?;
    // One kind has settings that the other lacks; the kind says more.
    all.sort_by_key(|difference| !difference.starts_with("model.kind ="));
    Ok(all.into_iter().next())
}

/// Name and value of every setting that is neither a table nor a list.
fn settings<T: Serialize>(name: &str, value: &T) -> Result<BTreeMap<String, String>, TrainError> {
    fn add(name: &str, value: &Value, all: &mut BTreeMap<String, String>) {
        let below = |key: &str| format!("{name}.{key}").trim_start_matches('.').to_owned();
        match value {
            Value::Table(table) => table
                .iter()
                .for_each(|(key, item)| add(&below(key), item, all)),
            Value::Array(items) => items
                .iter()
                .enumerate()
                .for_each(|(index, item)| add(&below(&index.to_string()), item, all)),
            leaf => drop(all.insert(name.to_owned(), leaf.to_string())),
        }
    }
    let table = Table::try_from(value)
        .map_err(|error| TrainError::backend("writing the configuration", error))?;
    let mut all = BTreeMap::new();
    add(name, &Value::Table(table), &mut all);
    Ok(all)
}

/// What a network for these images is fed and tells apart.
pub fn input_of(images: &Images) -> InputConfig {
    let ImageShape { height, width } = images.shape();
    InputConfig {
        height,
        width,
        classes: images.classes(),
    }
}

/// The size of the images that a network is fed.
pub fn image_shape(model: &ModelConfig) -> ImageShape {
    let InputConfig { height, width, .. } = model.input();
    ImageShape { height, width }
}

/// Whether the network `model` of `run` can be given the images of the data set `name`.
///
/// # Errors
/// Images of another size, or more classes than the network tells apart.
pub fn check_fit(
    run: &Path,
    model: &ModelConfig,
    name: &str,
    images: &Images,
) -> Result<(), TrainError> {
    let (shape, classes) = (image_shape(model), model.input().classes);
    if images.shape() == shape && images.classes() <= classes {
        return Ok(());
    }
    Err(TrainError::Refused(format!(
        "the network of {} was trained for {shape} pixels and {classes} classes, but {name} has {} pixels and {} classes",
        run.display(),
        images.shape(),
        images.classes()
    )))
}
