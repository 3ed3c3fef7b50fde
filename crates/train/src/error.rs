use std::fmt::Display;
use std::io;
use std::path::{Path, PathBuf};

use digits_data::DataError;
use digits_models::ModelError;

/// Why a run could not be trained, read or used. Every message says what, where and what to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TrainError {
    /// A setting has an invalid value.
    #[error("{name} is {value}; give {wanted}")]
    Setting {
        /// Full name, for example `training.batch_size`.
        name: String,
        /// The value given.
        value: String,
        /// What would be valid.
        wanted: &'static str,
    },
    /// A configuration could not be understood.
    #[error("{origin}: {message}")]
    Config {
        /// The file, recipe or option it came from.
        origin: String,
        /// What is wrong, with the nearest right name where there is one.
        message: String,
    },
    /// The network's configuration describes no network.
    #[error("the model cannot be built: {0}")]
    Model(#[from] ModelError),
    /// The data set could not be read.
    #[error(transparent)]
    Data(#[from] DataError),
    /// The loss stopped being a finite number.
    #[error(
        "training diverged at step {step} (epoch {epoch}): the loss is {loss}. The last good checkpoint is kept in {run}. \
         Lower the learning rate (training.schedule) or set training.clip_norm"
    )]
    Diverged {
        /// Step, counted from 1.
        step: usize,
        /// Epoch, counted from 1.
        epoch: usize,
        /// The loss.
        loss: f64,
        /// The run folder.
        run: PathBuf,
    },
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
    /// The run was written by a newer version of this program.
    #[error(
        "{path} has schema version {found}, and this program knows versions up to {known}. Use a newer `digits`"
    )]
    NewerSchema {
        /// `run.json`.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The newest version that this program reads.
        known: u32,
    },
    /// Another process is working in this run folder.
    #[error(
        "{0} is in use by another process. Wait for it to end, or choose another folder with --run"
    )]
    Locked(PathBuf),
    /// A new run would overwrite an existing one.
    #[error("{0} already holds a run. Resume it (--resume), or choose another folder with --run")]
    Exists(PathBuf),
    /// This is not the run for that: none at all, one without a network, one that cannot be
    /// resumed or written.
    #[error("{path} {problem}")]
    Folder {
        /// The run folder, or the name of a pretrained run.
        path: PathBuf,
        /// What it is or has, and what to do.
        problem: String,
    },
    /// A network, its images and their number do not go together; the message says which.
    #[error("{0}")]
    Unfit(String),
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
    pub(crate) fn io(
        action: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io {
            action,
            path,
            source,
        }
    }

    pub(crate) fn folder(path: &Path, problem: impl Into<String>) -> Self {
        Self::Folder {
            path: path.to_owned(),
            problem: problem.into(),
        }
    }

    pub(crate) fn damaged(path: impl Into<PathBuf>, reason: impl Display) -> Self {
        Self::Damaged {
            path: path.into(),
            reason: reason.to_string(),
        }
    }

    pub(crate) fn backend(doing: &'static str, message: impl Display) -> Self {
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
