//! Under which conditions everything was measured.

use serde::{Deserialize, Serialize};

use crate::network::Network;
use crate::plan::Plan;
use crate::stats::Sample;

/// The data of the experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetSummary {
    /// Name, for example `mnist`.
    pub name: String,
    /// SHA-256 over the contents.
    pub fingerprint: String,
    /// Number of classes.
    pub classes: usize,
    /// Height of an image in pixels.
    pub height: usize,
    /// Width of an image in pixels.
    pub width: usize,
    /// Training images of the full-size runs, those held out for validation excluded.
    pub train_images: usize,
    /// Images held out for validation.
    pub valid_images: usize,
    /// Images in the test split.
    pub test_images: usize,
}

/// Where the experiment was computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Name of the backend.
    pub backend: String,
    /// Worker threads.
    pub threads: usize,
}

/// One of the recipes compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkSummary {
    /// Name of the recipe, for example `cnn-small`.
    pub recipe: String,
    /// Which of the two kinds it is.
    pub network: Network,
    /// The layers, for example `784-512-10`.
    pub layers: String,
    /// Trainable parameters.
    pub parameters: usize,
    /// The whole configuration of one run (TOML).
    pub config: String,
    /// Label smoothing in training.
    pub label_smoothing: f64,
    /// Dropout of the hidden dense layers in training.
    pub dropout: f64,
}

/// Where time went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// For example `training cnn` or `corruptions`.
    pub part: String,
    /// Seconds.
    pub seconds: f64,
}

/// What every question may tell of besides its own findings.
pub(crate) struct Context<'a> {
    pub plan: &'a Plan,
    pub dataset: &'a DatasetSummary,
    pub networks: &'a [NetworkSummary],
    /// Test accuracy of each of the networks, where it is known.
    pub accuracies: Vec<Option<&'a Sample>>,
}

impl<'a> Context<'a> {
    /// The test accuracy of a recipe.
    pub fn accuracy_of(&self, recipe: &str) -> Option<&'a Sample> {
        let number = self.networks.iter().position(|of| of.recipe == recipe)?;
        self.accuracies[number]
    }

    /// A recipe as it was trained.
    pub fn network(&self, recipe: &str) -> Option<&'a NetworkSummary> {
        self.networks.iter().find(|of| of.recipe == recipe)
    }
}
