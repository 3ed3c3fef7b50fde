//! The program `digits`: arguments, devices, dispatch.

mod args;
mod commands;
mod device;
mod error;
mod output;
mod progress;
mod runs;

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    match commands::run(args::Cli::parse()) {
        Ok(code) => code,
        Err(error) => error.report(),
    }
}
