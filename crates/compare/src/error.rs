use std::io;
use std::path::{Path, PathBuf};

use digits_data::DataError;
use digits_report::ReportError;
use digits_train::TrainError;

/// Why the experiment could not be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CompareError {
    /// The plan asks for something that is invalid.
    #[error("{origin}: {message}")]
    Plan {
        /// The file or option it came from.
        origin: String,
        /// What is wrong, and what would be right.
        message: String,
    },
    /// A run failed.
    #[error(transparent)]
    Train(#[from] TrainError),
    /// The data failed.
    #[error(transparent)]
    Data(#[from] DataError),
    /// A file or folder could not be read or written.
    #[error("cannot {action} {path}: {source}")]
    Io {
        /// `read`, `write`, `create` …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Stopped on request; the next call resumes.
    #[error("stopped; what is done is kept, and the next call resumes")]
    Interrupted,
    /// A figure could not be drawn or a document not be written.
    #[error("the report could not be made: {0}")]
    Report(String),
}

impl From<ReportError> for CompareError {
    fn from(error: ReportError) -> Self {
        Self::Report(error.to_string())
    }
}

impl CompareError {
    /// What an input or output error of a file becomes.
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    pub(crate) fn report(error: impl std::fmt::Display) -> Self {
        Self::Report(error.to_string())
    }
}
