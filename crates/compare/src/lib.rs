//! Many runs: the experiment MLP against CNN, its statistics, its report.
//!
//! A [`Plan`] says what is trained and asked; [`Results`] is what was found; the renderers turn
//! results into a page, a Markdown text and JSON. Every network trained is an ordinary run folder
//! and is used again where its configuration and data are the same.

mod answer;
mod error;
mod experiment;
mod picture;
mod plan;
mod progress;
mod questions;
pub mod report;
mod results;
mod runs;
mod specs;
pub mod stats;

use std::path::Path;

use digits_data::files::write_whole;

pub use error::CompareError;
pub use experiment::{Experiment, compare};
pub use plan::{CorruptionPlan, PermutationPlan, Plan, SamplePlan, TolerancePlan};
pub use progress::{Event, Watcher};
pub use results::*;

/// Writes a file whole or not at all; makes its folder.
///
/// # Errors
/// A folder or a file that cannot be written.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), CompareError> {
    write_whole(path, bytes).map_err(|source| CompareError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    })
}
