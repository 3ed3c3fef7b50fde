use std::path::PathBuf;

/// Why something could not be computed, read or written. A check that *fails* is not an
/// error: it is a [`crate::Check`] that says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Sizes that do not fit together, a value that cannot be computed with, or a text that cannot
    /// be understood: what was given, what is wrong with it and what to do.
    #[error("{0}")]
    Invalid(String),
    /// A file that cannot be read.
    #[error("cannot read {path}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason the system gives.
        source: std::io::Error,
    },
    /// A chart that cannot be drawn.
    #[error("cannot draw the report")]
    Report(#[from] digits_report::ReportError),
    /// Values that a device does not hand back, with the reason that the backend gives.
    #[error("the device does not hand back values: {0}")]
    Device(String),
}

pub(crate) fn invalid(what: &str, problem: impl std::fmt::Display) -> VerifyError {
    VerifyError::Invalid(format!("{what}: {problem}"))
}

/// For lists that are too short or too long.
pub(crate) fn check_length(what: &str, found: usize, expected: usize) -> Result<(), VerifyError> {
    if found == expected {
        return Ok(());
    }
    let problem = format!("it has {found} values where {expected} are needed");
    Err(invalid(what, problem))
}

/// For numbers that are infinite, not a number, or too large to compute with.
pub(crate) fn check_number(what: &str, value: f64) -> Result<(), VerifyError> {
    if value.abs() <= 1e100 {
        return Ok(());
    }
    let problem = "give a finite number of moderate size (at most 1e100)";
    Err(invalid(what, format!("{value} is out of range; {problem}")))
}
