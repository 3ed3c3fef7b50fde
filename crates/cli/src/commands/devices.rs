use std::process::ExitCode;

use clap::ValueEnum;
use rayon::ThreadPoolBuilder;

use crate::args::OutputArgs;
use crate::device::{Backend, BackendStatus, start_threads};
use crate::error::CliError;
use crate::output;

/// `digits devices`
pub fn run(output: OutputArgs) -> Result<ExitCode, CliError> {
    start_threads(0, ThreadPoolBuilder::new().use_current_thread())?;
    let all: Vec<BackendStatus> = Backend::value_variants()
        .iter()
        .map(|backend| backend.status())
        .collect();
    if output.json {
        output::json(&all)?;
    } else {
        let mut text = String::from("backend   state      detail\n");
        for status in &all {
            let state = match (status.in_build, status.works) {
                (_, true) => "works",
                (true, false) => "no device",
                (false, false) => "not built",
            };
            text += &format!("{:<9} {state:<10} {}\n", status.backend, status.detail);
        }
        output::text(&text)?;
    }
    Ok(ExitCode::SUCCESS)
}
