use std::path::PathBuf;

/// Why something could not be computed, read or written. A check that *fails* is not an
/// error: it is a [`crate::Check`] that says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Sizes that do not fit together, or a value that cannot be computed with.
    #[error("{what}: {problem}")]
    Invalid {
        /// What was given, for example `unit 1 of layer 2`.
        what: String,
        /// What is wrong with it and what to do.
        problem: String,
    },
    /// A whole-number result that does not fit into 64 bits.
    #[error(
        "the sum of products does not fit into a 64-bit integer; use smaller values, or decimal numbers"
    )]
    Overflow,
    /// A kernel that cannot be read.
    #[error(
        "cannot read the kernel {text:?}: {problem}. Write rows separated by `;`, for example \"1 0 -1; 2 0 -2; 1 0 -1\""
    )]
    Kernel {
        /// The text given.
        text: String,
        /// What is wrong with it.
        problem: String,
    },
    /// A file of values that cannot be understood.
    #[error("cannot read the values in {path}: {problem}")]
    Values {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// A file that cannot be read or written.
    #[error("cannot {action} {path}")]
    Io {
        /// `read`, `write` or `create`.
        action: &'static str,
        /// The file or folder.
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

pub(crate) fn invalid(what: impl Into<String>, problem: impl Into<String>) -> VerifyError {
    VerifyError::Invalid {
        what: what.into(),
        problem: problem.into(),
    }
}

/// For lists that are too short or too long.
pub(crate) fn check_length(what: &str, found: usize, expected: usize) -> Result<(), VerifyError> {
    if found == expected {
        return Ok(());
    }
    Err(invalid(
        what,
        format!("it has {found} values where {expected} are needed"),
    ))
}

/// For numbers that are infinite, not a number, or too large to compute with.
pub(crate) fn check_number(what: &str, value: f64) -> Result<(), VerifyError> {
    if value.abs() <= 1e100 {
        return Ok(());
    }
    let problem = "give a finite number of moderate size (at most 1e100)";
    Err(invalid(what, format!("{value} is out of range; {problem}")))
}
