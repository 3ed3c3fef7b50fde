use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use digits_data::{Cache, OpenOptions};
use serde::Serialize;

use crate::args::OutputArgs;
use crate::error::CliError;
use crate::output;
use crate::progress::DataProgress;

/// `digits data …`
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show where MNIST is kept and whether it is whole
    Status(OutputArgs),
    /// Fetch what is missing or damaged
    Fetch(OutputArgs),
    /// Copy MNIST's four files, raw or gzipped, from a folder into the cache
    Import {
        /// The folder
        #[arg(value_name = "DIR")]
        folder: PathBuf,
        #[command(flatten)]
        output: OutputArgs,
    },
}

#[derive(Debug, Serialize)]
struct Report {
    cache: PathBuf,
    whole: bool,
    files: Vec<File>,
}

#[derive(Debug, Serialize)]
struct File {
    path: PathBuf,
    ok: bool,
    problem: Option<String>,
}

/// Runs `digits data …`.
pub fn run(command: &Command) -> Result<ExitCode, CliError> {
    let cache = Cache::of_user()?;
    let output = match command {
        Command::Status(output) => output,
        Command::Fetch(output) => {
            let mut progress = DataProgress::new(output.quiet);
            cache.fetch(&OpenOptions::default(), &mut |event| progress.show(event))?;
            output
        }
        Command::Import { folder, output } => {
            cache.import(folder)?;
            output
        }
    };
    let report = report(&cache);
    if output.json {
        output::json(&report)?;
    } else {
        let mut text = format!("MNIST in {}\n", report.cache.display());
        for file in &report.files {
            let name = file
                .path
                .file_name()
                .map(|name| name.to_string_lossy().into_owned());
            text += &format!(
                "  {:<26} {}\n",
                name.unwrap_or_default(),
                file.problem.as_deref().unwrap_or("ok")
            );
        }
        if !report.whole {
            text += "not whole: `digits data fetch` downloads it, `digits data import DIR` copies it from a folder\n";
        }
        output::text(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn report(cache: &Cache) -> Report {
    let status = cache.status();
    Report {
        cache: cache.path().to_owned(),
        whole: status.iter().all(|file| file.state.is_ok()),
        files: status
            .into_iter()
            .map(|file| File {
                path: file.path,
                ok: file.state.is_ok(),
                problem: file.state.err(),
            })
            .collect(),
    }
}
