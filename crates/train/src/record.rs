use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::Path;

use digits_data::Normalization;
use digits_data::files::sha256;
use digits_models::ModelError;
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::config::{RunConfig, is_one};
use crate::metrics::EpochMetrics;

/// The version of the run folder that this program writes and the newest it reads.
/// Version 2 added `origin`, version 3 `passes` here and `view`, `passes` and `keep` in
/// `config.toml`; a run without them has what every run had before.
pub(crate) const SCHEMA: u32 = 3;

/// What stands in the field `checksum` while the checksum is taken.
const NO_CHECKSUM: &str = "0000000000000000000000000000000000000000000000000000000000000000";

/// `run.json`: what a run is, how far it is, and what each of its files must be.
///
/// A field that comes later is optional, with a default that means what every run had before, and
/// left out where it has it: old folders open. Fields that this program does not know are ignored:
/// it opens what a later one of the same schema wrote. What must not be ignored takes a new
/// schema number.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRecord {
    /// Version of this format.
    pub schema: u32,
    /// How far the run is.
    pub status: Status,
    /// Name of the recipe, for example `cnn`.
    pub recipe: String,
    /// `mlp` or `cnn`.
    pub model: String,
    /// Trainable parameters.
    pub parameters: usize,
    /// Name of the backend.
    pub backend: String,
    /// Worker threads of the CPU backends.
    pub threads: usize,
    /// Seed of everything random.
    pub seed: u64,
    /// The data set.
    pub dataset: DatasetRecord,
    /// Versions of the programs that trained.
    pub versions: Versions,
    /// Passes over the training images in one epoch.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub passes: usize,
    /// Every finished epoch.
    pub epochs: Vec<EpochMetrics>,
    /// The epoch, counted from 1, whose network is in `model.bpk`; 0 before the first.
    pub best_epoch: usize,
    /// Seconds spent training, validation and saving excluded.
    pub train_seconds: f64,
    /// The outcome, once the run is finished.
    pub result: Option<FinalMetrics>,
    /// Where the first parameters came from, if they were not drawn from the seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// SHA-256 of every other file of the folder, by its path.
    pub files: BTreeMap<String, String>,
    /// SHA-256 of this file with this field filled with zeros.
    pub checksum: String,
}

fn one() -> usize {
    1
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Training, or stopped on the way; `--resume` resumes it.
    Running,
    /// All epochs done and the test split read.
    Finished,
}

/// Where parameters came from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub enum Origin {
    /// `digits import`: the network of another program, not trained here.
    Imported {
        /// The file.
        file: String,
        /// SHA-256 of the file.
        sha256: String,
    },
    /// `digits train --init`: trained further from the network of another run.
    Continued {
        /// Folder of the other run.
        run: String,
        /// SHA-256 of its `model.bpk`.
        sha256: String,
    },
}

/// The data a network was trained on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DatasetRecord {
    /// Name, for example `mnist`.
    pub name: String,
    /// SHA-256 over the contents.
    pub fingerprint: String,
    /// Training images, those held out for validation excluded.
    pub train_images: usize,
    /// Images held out for validation.
    pub valid_images: usize,
    /// How pixels become numbers.
    pub normalization: Normalization,
}

/// The version of Burn, which does not tell; a test holds it to `Cargo.lock`.
const BURN: &str = "0.22.1";

/// Versions of the programs that trained a network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// This program.
    pub digits: String,
    /// Burn.
    pub burn: String,
}

impl Versions {
    /// The versions compiled into this program.
    pub fn current() -> Self {
        Self {
            digits: env!("CARGO_PKG_VERSION").to_owned(),
            burn: BURN.to_owned(),
        }
    }
}

/// The outcome of a finished run.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FinalMetrics {
    /// Validation accuracy of the saved network.
    pub valid_accuracy: f64,
    /// Its accuracy on the test split, read once.
    pub test_accuracy: f64,
    /// Its mean cross-entropy on the test split.
    pub test_loss: f64,
    /// Images in the test split.
    pub test_images: usize,
}

impl RunRecord {
    /// The record of a run that has not begun.
    ///
    /// # Errors
    /// A configuration that describes no network.
    pub fn new(
        recipe: &str,
        config: &RunConfig,
        dataset: DatasetRecord,
        origin: Option<Origin>,
    ) -> Result<Self, ModelError> {
        Ok(Self {
            schema: SCHEMA,
            status: Status::Running,
            recipe: recipe.to_owned(),
            model: config.model.kind().to_owned(),
            parameters: config.model.parameters()?,
            backend: config.backend.clone(),
            threads: config.threads,
            seed: config.seed,
            dataset,
            versions: Versions::current(),
            passes: config.training.passes,
            epochs: Vec::new(),
            best_epoch: 0,
            train_seconds: 0.0,
            result: None,
            origin,
            files: BTreeMap::new(),
            checksum: String::new(),
        })
    }

    /// Whether the folder holds a network that can be used.
    pub fn has_network(&self) -> bool {
        self.best_epoch > 0 || matches!(self.origin, Some(Origin::Imported { .. }))
    }

    /// Training images a second, over the whole run.
    pub fn images_per_second(&self) -> f64 {
        let images = self.dataset.train_images * self.passes * self.epochs.len();
        if self.train_seconds > 0.0 {
            images as f64 / self.train_seconds
        } else {
            0.0
        }
    }

    /// The text of `run.json`, with its checksum.
    pub(crate) fn seal(&mut self) -> Result<String, TrainError> {
        self.checksum = NO_CHECKSUM.to_owned();
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| TrainError::backend("writing run.json", error))?
            + "\n";
        self.checksum = sha256(&text);
        let field = |checksum: &str| format!("\"checksum\": \"{checksum}\"");
        Ok(text.replace(&field(NO_CHECKSUM), &field(&self.checksum)))
    }

    /// Checks and reads the text of the `run.json` at `path`.
    pub(crate) fn from_text(path: &Path, text: &str) -> Result<Self, TrainError> {
        #[derive(Deserialize)]
        struct Version {
            schema: u32,
        }
        let damaged = |reason: &dyn Display| TrainError::damaged(path, reason);
        let version: Version = serde_json::from_str(text).map_err(|error| damaged(&error))?;
        if version.schema > SCHEMA {
            return Err(TrainError::Refused(format!(
                "{} has schema version {}, and this program knows versions up to {SCHEMA}. Use a newer `digits`",
                path.display(),
                version.schema
            )));
        }
        let record: Self = serde_json::from_str(text).map_err(|error| damaged(&error))?;
        let unsealed = text.replace(&record.checksum, NO_CHECKSUM);
        if record.checksum.len() != NO_CHECKSUM.len() || sha256(unsealed) != record.checksum {
            return Err(damaged(&"its checksum does not fit its content"));
        }
        Ok(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Recipe;

    #[test]
    fn the_version_of_burn_is_the_one_in_the_lock_file() {
        let entry = format!("name = \"burn\"\nversion = \"{BURN}\"");
        assert!(include_str!("../../../Cargo.lock").contains(&entry));
    }

    #[test]
    fn unknown_fields_are_ignored_but_unchecked_ones_and_newer_schemas_are_not() {
        let path = Path::new("run.json");
        let config = Recipe::built_in("mlp").unwrap().resolve().unwrap();
        let dataset = DatasetRecord {
            name: "drawn".to_owned(),
            fingerprint: String::new(),
            train_images: 1,
            valid_images: 1,
            normalization: Normalization::new(0.1, 0.3).unwrap(),
        };
        let mut record = RunRecord::new("mlp", &config, dataset, None).unwrap();
        let text = record.seal().unwrap();
        assert_eq!(RunRecord::from_text(path, &text).unwrap(), record);

        let sealed = |text: String| {
            let unsealed = text.replace(&record.checksum, NO_CHECKSUM);
            unsealed.replace(NO_CHECKSUM, &sha256(&unsealed))
        };
        let later = text
            .replace("\"status\"", "\"machine\": {\"cores\": 8}, \"status\"")
            .replace("\"name\"", "\"classes\": [\"a\"], \"name\"");
        let read = RunRecord::from_text(path, &sealed(later.clone())).unwrap();
        assert_eq!((read.dataset, read.seed), (record.dataset, record.seed));

        let message = RunRecord::from_text(path, &later).unwrap_err().to_string();
        assert!(message.contains("its checksum does not fit"), "{message}");
        let newer = text.replace("\"schema\": 3", "\"schema\": 4");
        let message = RunRecord::from_text(path, &newer).unwrap_err().to_string();
        assert!(message.contains("schema version 4"), "{message}");
    }
}
