//! The command line, and one file for each command.

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

use clap::{Parser, Subcommand};

use crate::args::OutputArgs;
use crate::error::CliError;

/// Train, compare, prove and use networks that read handwritten digits.
#[derive(Debug, Parser)]
#[command(
    name = "digits",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Train a network: mlp (also ffn), cnn, or another recipe
    Train(train::Args),
    /// Compare the feed-forward network and the CNN: the whole experiment and its report
    Compare(compare::Args),
    /// Measure a trained network: accuracy, loss, per-class figures, confusion matrix
    Evaluate(evaluate::Args),
    /// Read digits from pictures
    Predict(predict::Args),
    /// Write a network's weights for PyTorch, or as an ONNX model
    Export(export::Args),
    /// Make a run of weights from PyTorch
    Import(import::Args),
    /// Show, fetch, import, draw or look at the data
    #[command(subcommand)]
    Data(data::Command),
    /// Check the hand-derived mathematics: backpropagation and the three filters
    Verify(verify::Args),
    /// Apply the three filters, or one of your own, to a picture
    Filter(filter::Args),
    /// Serve the local page: draw, filters, backpropagation, runs
    Playground(playground::Args),
    /// Show each backend of this build and whether it works
    Devices(OutputArgs),
}

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
