use std::path::PathBuf;

/// Why something could not be computed, read or written. A check that *fails* is no error: it is
/// a [`crate::Check`] that says so.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum VerifyError {
    /// Sizes that do not fit together.
    #[error("{what} has {found} values where {expected} are needed")]
    Size {
        /// What was given, for example `weights of layer 2, unit 1`.
        what: String,
        /// The size that fits.
        expected: usize,
        /// The size that was given.
        found: usize,
    },
    /// Something that must not be empty.
    #[error("{what} is empty; give at least one")]
    Empty {
        /// What was given.
        what: &'static str,
    },
    /// A value that is infinite, not a number, or too large to compute with.
    #[error("{what} is {value}; give a finite number of moderate size (at most 1e100)")]
    NotFinite {
        /// Where the value stands.
        what: String,
        /// The value.
        value: f64,
    },
    /// Softmax cross-entropy needs plain sums as outputs.
    #[error(
        "softmax cross-entropy takes the sums of the last layer; set its activation to identity, not {found}"
    )]
    SoftmaxNeedsIdentity {
        /// The activation that was given.
        found: &'static str,
    },
    /// A window that does not fit.
    #[error("{what}: {problem}")]
    Geometry {
        /// Kernel, image or setting.
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
    /// A tensor that a device does not hand back.
    #[error("the device does not hand back {what}: {problem}")]
    Device {
        /// Which values.
        what: &'static str,
        /// The reason the backend gives.
        problem: String,
    },
}
