pub mod compare;
pub mod data;
pub mod devices;
pub mod evaluate;
pub mod export;
pub mod filter;
pub mod import;
pub mod playground;
pub mod predict;
pub mod train;
pub mod verify;

use std::process::ExitCode;

use crate::args::{Cli, Command};
use crate::error::CliError;

/// Runs the command.
pub fn run(cli: Cli) -> Result<ExitCode, CliError> {
    match cli.command {
        Command::Train(args) => train::run(args),
        Command::Compare(args) => compare::run(args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Data(command) => data::run(&command),
        Command::Verify(args) => verify::run(&args),
        Command::Filter(args) => filter::run(&args),
        Command::Playground(args) => playground::run(args),
        Command::Devices(output) => devices::run(output),
    }
}
