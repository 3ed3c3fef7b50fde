//! Options that several commands share.

use std::path::PathBuf;

use clap::Args;
use digits_data::Source;

use crate::device::Backend;

/// Where to compute.
#[derive(Debug, Clone, Args)]
pub struct DeviceArgs {
    /// Backend to compute on
    #[arg(long, value_enum, env = "DIGITS_BACKEND", help_heading = "Device")]
    pub backend: Option<Backend>,
    /// Worker threads of the CPU backends; 0 for one per core
    #[arg(long, value_name = "N", help_heading = "Device")]
    pub threads: Option<usize>,
}

impl DeviceArgs {
    /// The backend asked for, or the default one.
    pub fn backend(&self) -> Backend {
        self.backend.unwrap_or(Backend::Flex)
    }
}

/// What data to use.
#[derive(Debug, Clone, Args)]
pub struct DataArgs {
    /// Data set: auto, mnist, drawn (drawn:N for N training images), or a folder with four files
    /// in IDX form
    #[arg(
        long,
        value_name = "auto|mnist|drawn[:N]|DIR",
        env = "DIGITS_DATA",
        help_heading = "Data"
    )]
    pub data: Option<Source>,
    /// Never use the network
    #[arg(long, help_heading = "Data")]
    pub offline: bool,
}

/// How to answer.
#[derive(Debug, Clone, Copy, Args)]
pub struct OutputArgs {
    /// Print the result as one JSON document
    #[arg(long, help_heading = "Output")]
    pub json: bool,
    /// No progress and no notices on standard error
    #[arg(long, help_heading = "Output")]
    pub quiet: bool,
}

/// Where runs are kept, unless a command says otherwise.
pub fn artifacts() -> PathBuf {
    PathBuf::from("artifacts")
}
