//! From the options of a command line to what a command works with: device, data, run. Every
//! command opens them here, before any work.

use std::path::Path;

use burn::tensor::Device;
use digits_data::{DataError, Dataset, OpenOptions, Source};
use digits_train::{RunFolder, RunRecord};
use rayon::ThreadPoolBuilder;

use crate::args::DataArgs;
use crate::device::{Backend, start_threads};
use crate::error::CliError;
use crate::progress::DataProgress;
use crate::runs;

/// What to do where there is no run.
const ADVICE: &str =
    "Train one (`just train-cnn`), or name one: a run folder, pretrained/cnn or pretrained/mlp";

/// Starts `threads` threads (0: one per core), of which the calling one is one, and the backend.
/// Returns the device and the number of threads.
///
/// # Errors
/// Threads that cannot be started; a backend that is not in this build or finds no hardware.
pub fn device(backend: Backend, threads: usize) -> Result<(Device, usize), CliError> {
    // A caller that hands its work to other threads waits to be woken after each operation, and a
    // training step is some forty of them.
    let threads = start_threads(threads, ThreadPoolBuilder::new().use_current_thread())?;
    Ok((backend.device()?, threads))
}

/// The data of `--data`, or of `otherwise`; downloads and notices go to standard error.
///
/// # Errors
/// Data that are damaged or unavailable.
pub fn data(args: &DataArgs, otherwise: &Source, quiet: bool) -> Result<Dataset, DataError> {
    let options = OpenOptions {
        offline: args.offline,
        ..OpenOptions::default()
    };
    let mut progress = DataProgress::new(quiet);
    digits_data::open(
        args.data.as_ref().unwrap_or(otherwise),
        &options,
        &mut |event| progress.show(event),
    )
}

/// The run of this name (a folder, or `pretrained/NAME`), or the newest trained one.
///
/// # Errors
/// An unknown pretrained network; no trained run where none is named.
pub fn run(name: Option<&Path>) -> Result<RunFolder, CliError> {
    match name {
        Some(name) => Ok(RunFolder::named(name)?),
        None => runs::newest("trained run", ADVICE, RunRecord::has_network).map(RunFolder::new),
    }
}
