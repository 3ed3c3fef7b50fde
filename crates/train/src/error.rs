use std::fmt::Display;
use std::io;
use std::path::PathBuf;

use digits_data::DataError;
use digits_models::ModelError;

/// Why a run could not be trained, read or used. Every message says what, where and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// What was asked for cannot be: an invalid setting, a run or data that it does not go with,
    /// a loss that is not finite.
    #[error("{0}")]
    Refused(String),
    /// The network's configuration describes no network.
    #[error("the model cannot be built: {0}")]
    Model(#[from] ModelError),
    /// The data set could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
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
    /// A file of a run folder is not what was written.
    #[error("{path} is damaged: {reason}. Restore it from a copy, or train again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What does not fit.
        reason: String,
    },
    /// Another process is working in this run folder.
    #[error(
        "{0} is in use by another process. Wait for it to end, or choose another folder with --run"
    )]
    Locked(PathBuf),
    /// A new run would overwrite an existing one.
    #[error("{0} already holds a run. Resume it (--resume), or choose another folder with --run")]
    Exists(PathBuf),
    /// The backend failed.
    #[error("the backend failed while {doing}: {message}")]
    Backend {
        /// What was going on.
        doing: &'static str,
        /// The backend's message.
        message: String,
    },
}

impl TrainError {
    /// [`Self::Io`] on this path, of the error of the operating system.
    pub fn io(action: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    /// [`Self::Damaged`] with a reason that shows itself.
    pub fn damaged(path: impl Into<PathBuf>, reason: impl Display) -> Self {
        Self::Damaged {
            path: path.into(),
            reason: reason.to_string(),
        }
    }

    /// [`Self::Backend`] with a message that shows itself.
    pub fn backend(doing: &'static str, message: impl Display) -> Self {
        Self::Backend {
            doing,
            message: message.to_string(),
        }
    }
}

/// What a person can do about the usual reasons.
fn hint(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            ". The disk is full: free some space; what was saved before is intact"
        }
        io::ErrorKind::ReadOnlyFilesystem | io::ErrorKind::PermissionDenied => {
            ". Choose a folder that you may write to (--run DIR)"
        }
        _ => "",
    }
}
