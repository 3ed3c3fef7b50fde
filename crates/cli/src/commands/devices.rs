use std::process::ExitCode;

use clap::ValueEnum;

use crate::args::OutputArgs;
use crate::device::{self, Backend, BackendStatus};
use crate::error::CliError;
use crate::output;

/// `digits devices`
pub fn run(output: OutputArgs) -> Result<ExitCode, CliError> {
    device::set_threads(0).map_err(CliError::failed)?;
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
