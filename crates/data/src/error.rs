use std::io;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

/// Why data could not be read, fetched or used. Every message says what, where and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DataError {
    /// A file or folder could not be read or written.
    #[error("cannot {action} {path}: {source}{}", hint(.source))]
    Io {
        /// `read`, `write`, `create` …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The operating system's reason.
        source: io::Error,
    },
    /// Data that is not what it should be, or a name that nobody understands.
    #[error("{0}")]
    Invalid(String),
    /// MNIST cannot be had: the whole story, and why in a few words.
    #[error("{0}")]
    Unavailable(String, String),
    /// A setting out of its range.
    #[error("{0}")]
    Setting(String),
    /// A picture that cannot be decoded or is larger than anyone needs.
    #[error("{0}")]
    Picture(String),
    /// A picture, named here, has nothing on it.
    #[error("{0} is blank: there is no ink on it to read")]
    Blank(String),
}

impl DataError {
    pub(crate) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }
}

/// Checks a setting that is counted in `unit`.
pub(crate) fn within(
    name: &str,
    value: f64,
    range: RangeInclusive<f64>,
    unit: &str,
) -> Result<(), DataError> {
    if range.contains(&value) {
        return Ok(());
    }
    let (low, high) = range.into_inner();
    let wanted = format!("{name} is {value}; give {unit} from {low} to {high}");
    Err(DataError::Setting(wanted))
}

/// What a person can do about the usual reasons.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ". The disk is full: free some space; nothing was left half-written"
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            ". Check the permissions, or use another folder (XDG_CACHE_HOME moves the cache)"
        }
        _ => "",
    }
}
