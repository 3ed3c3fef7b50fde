//! What the commands share: options, and from these to what a command works with (device, data,
//! run), which every command opens here before any work; results, errors, and Ctrl-C.

use std::error::Error;
use std::fmt::Display;
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use burn::tensor::Device;
use clap::Args;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use digits_data::files::write_whole;
use digits_data::{DataError, Dataset, OpenOptions, Source};
use digits_train::{RunFolder, RunRecord};
use rayon::ThreadPoolBuilder;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::device::{Backend, start_threads};
use crate::progress::Progress;
pub use crate::progress::percent;

/// Exit status after Ctrl-C, as shells have it: 128 + SIGINT.
pub const INTERRUPTED: u8 = 130;

/// What every command gives.
pub type Done = Result<ExitCode, CliError>;

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

    /// Starts the backend and so many threads, unless the options say otherwise.
    pub fn open(&self, threads: usize) -> Result<Device, CliError> {
        Ok(device(&self.backend().name(), self.threads.unwrap_or(threads))?.0)
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

impl DataArgs {
    /// How to open them.
    pub fn options(&self) -> OpenOptions {
        OpenOptions {
            offline: self.offline,
            ..OpenOptions::default()
        }
    }

    /// The data of `--data`, or of `otherwise`; downloads and notices go to standard error.
    ///
    /// # Errors
    /// Data that are damaged or unavailable.
    pub fn open(&self, otherwise: &Source, quiet: bool) -> Result<Dataset, DataError> {
        let source = self.data.as_ref().unwrap_or(otherwise);
        let mut progress = Progress::new(quiet);
        digits_data::open(source, &self.options(), &mut |event| progress.data(event))
    }
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

impl OutputArgs {
    /// Prints a result as one JSON document, or as text: the end of a command that succeeded.
    pub fn print(self, result: &impl Serialize, text: impl FnOnce() -> String) -> Done {
        if self.json {
            print(&(serde_json::to_string_pretty(result)? + "\n"))
        } else {
            print(&text())
        }
    }
}

/// Takes one of these names, each with its help, for the value that `serde` knows by it.
pub fn one_of<T: DeserializeOwned + Clone + Send + Sync + 'static>(
    names: &'static [(&str, &str)],
) -> impl TypedValueParser<Value = T> {
    let values = names.iter();
    let values = values.map(|(name, help)| PossibleValue::new(*name).help(*help));
    PossibleValuesParser::new(values).try_map(|name| serde_json::from_value::<T>(name.into()))
}

/// Prints text. A reader that went away (`digits … | head`) is not an error.
pub fn print(text: &str) -> Done {
    let mut stdout = io::stdout();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Writes a file whole or not at all; makes its folder.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), CliError> {
    write_whole(path, bytes)
        .map_err(|error| CliError::failed(format!("cannot write {}: {error}", path.display())))
}

/// The error of a file that cannot be read.
pub fn unreadable(path: &Path, reason: &dyn Display) -> CliError {
    CliError::failed(format!("cannot read {}: {reason}", path.display()))
}

/// Starts `threads` threads (0: one per core), of which the calling one is one, and the backend.
/// Returns the device and the number of threads.
///
/// # Errors
/// Threads that cannot be started; a backend that is not in this build or finds no hardware.
pub fn device(backend: &str, threads: usize) -> Result<(Device, usize), CliError> {
    // A caller that hands its work to other threads waits to be woken after each operation, and a
    // training step is some forty of them.
    let backend = Backend::named(backend).map_err(CliError::usage)?;
    let pool = ThreadPoolBuilder::new().use_current_thread();
    let threads = start_threads(threads, pool).map_err(CliError::usage)?;
    let device = backend.device().map_err(CliError::failed)?;
    Ok((device, threads))
}

/// Where runs are kept, unless a command says otherwise.
pub fn artifacts() -> PathBuf {
    PathBuf::from("artifacts")
}

/// The folder asked for, or the one of this name in `artifacts/`.
pub fn folder(asked: Option<&PathBuf>, name: &str) -> PathBuf {
    asked.cloned().unwrap_or_else(|| artifacts().join(name))
}

/// The run of this name (a folder, or `pretrained/NAME`), or the newest trained one.
///
/// # Errors
/// An unknown pretrained network; no trained run where none is named.
pub fn run(name: Option<&Path>) -> Result<RunFolder, CliError> {
    if let Some(name) = name {
        return Ok(RunFolder::named(name)?);
    }
    newest(RunRecord::has_network)
        .map(RunFolder::new)
        .ok_or_else(|| {
            CliError::failed(
                "there is no trained run in artifacts. Train one (`just train-cnn`), or name one: \
             a run folder, pretrained/cnn or pretrained/mlp",
            )
        })
}

/// The run asked for, or the first `artifacts/RECIPE-N` that does not exist. The name of the
/// recipe may come from a file that somebody else wrote: it never leads out of `artifacts`.
pub fn new_run(asked: Option<&PathBuf>, recipe: &str) -> RunFolder {
    let odd = |c: char| !c.is_alphanumeric() && !"-_. ".contains(c);
    let recipe = recipe.replace(odd, "-");
    let mut names = (1_u32..).map(|number| artifacts().join(format!("{recipe}-{number}")));
    let fresh = || names.find(|path| !path.exists());
    let path = asked.cloned().or_else(fresh);
    RunFolder::new(path.unwrap_or_else(|| artifacts().join(recipe)))
}

/// The run in `artifacts/` that was written last, of those that `wanted` accepts, if any. A record
/// is checked when the run is used.
pub fn newest(wanted: impl Fn(&RunRecord) -> bool) -> Option<PathBuf> {
    let entries = fs::read_dir(artifacts()).ok()?;
    let written = entries.flatten().filter_map(|entry| {
        let file = entry.path().join("run.json");
        let record: RunRecord = serde_json::from_slice(&fs::read(&file).ok()?).ok()?;
        let written = fs::metadata(&file).ok()?.modified().ok()?;
        wanted(&record).then(|| (written, entry.path()))
    });
    written.max().map(|(_, path)| path)
}

/// Raised by the first Ctrl-C; the second one ends the program at once.
pub fn interrupt_flag() -> Result<Arc<AtomicBool>, CliError> {
    let stop = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stop);
    ctrlc::set_handler(move || {
        if asked.swap(true, Ordering::SeqCst) {
            std::process::exit(i32::from(INTERRUPTED));
        }
        eprintln!(
            "\nstopping after this step (Ctrl-C again: at once, losing the steps since the last save)"
        );
    })?;
    Ok(stop)
}

/// Why a command did not do its work, and the exit status that says so: 2 where the command line
/// asks for something invalid, 1 where the work failed.
#[derive(Debug)]
pub struct CliError(u8, Box<dyn Error>);

impl CliError {
    /// A usage error with this message.
    pub fn usage(error: impl Into<Box<dyn Error>>) -> Self {
        Self(2, error.into())
    }

    /// A failure with this message.
    pub fn failed(error: impl Into<Box<dyn Error>>) -> Self {
        Self(1, error.into())
    }

    /// Prints the message, then every cause that it does not already contain; returns the exit
    /// status.
    pub fn report(&self) -> ExitCode {
        let mut said = self.1.to_string();
        eprintln!("error: {said}");
        let mut cause = self.1.source();
        while let Some(error) = cause {
            let message = error.to_string();
            if !said.contains(&message) {
                eprintln!("  because: {message}");
                said = message;
            }
            cause = error.source();
        }
        ExitCode::from(self.0)
    }
}

impl<E: Error + 'static> From<E> for CliError {
    fn from(error: E) -> Self {
        Self::failed(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_recipe_leads_out_of_the_artifacts() {
        let fresh = |recipe: &str| new_run(None, recipe).path().to_owned();
        let named = artifacts().join("no-such-recipe-1");
        assert_eq!(fresh("no-such-recipe"), named);
        for recipe in ["../../etc/x", "/etc/x", "..", "a\\..\\b", "", "\u{1b}[31m"] {
            let path = fresh(recipe);
            assert_eq!(path.parent(), Some(artifacts().as_path()), "{recipe:?}");
            assert!(!path.display().to_string().contains('\u{1b}'));
        }
    }
}
