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
mod text;

use std::fs;
use std::path::Path;

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
    let problem = |source| CompareError::Io {
        action: "write",
        path: path.to_owned(),
        source,
    };
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(problem)?;
    // Beside its place, then renamed: readable by whom the folder is readable, unlike the files
    // that libraries make for secrets.
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".new");
    let fresh = path.with_file_name(name);
    let written = fs::write(&fresh, bytes).and_then(|()| fs::rename(&fresh, path));
    if let Err(error) = written {
        // What is left of a disk that is full should not stay.
        fs::remove_file(&fresh).ok();
        return Err(problem(error));
    }
    Ok(())
}
