//! One run: configuration, training loop, evaluation, checkpoints, resume, prediction.
//!
//! A run lives in a folder ([`RunFolder`]) that is self-contained: its configuration, its
//! record with the SHA-256 of every file, the best network, and everything needed to go on
//! exactly where it stopped. This crate knows no command line and constructs no device.

mod config;
mod error;
mod evaluate;
mod job;
mod loss;
mod metrics;
mod optimizer;
mod pretrained;
mod recipe;
mod record;
mod run_folder;
mod schedule;
mod trainer;
pub mod weights;

pub use config::{Keep, OptimizerConfig, RunConfig, TrainingConfig};
pub use config::{check_fit, image_shape, input_of};
pub use error::TrainError;
pub use evaluate::{ClassReport, Evaluation, evaluate};
pub use evaluate::{Prediction, Ranked, normalized, predict, probabilities};
pub use job::{Callbacks, Event, Outcome, StartFrom, TrainingJob};
pub use loss::{argmax, cross_entropy, predictions_and_losses, softmax};
pub use metrics::EpochMetrics;
pub use optimizer::Optimizer;
pub use recipe::{Recipe, recipe_names};
pub use record::{DatasetRecord, FinalMetrics, Origin, RunRecord, Status, Versions};
pub use run_folder::{LoadedRun, RunFolder, RunLock};
pub use schedule::Schedule;
pub use trainer::train;
