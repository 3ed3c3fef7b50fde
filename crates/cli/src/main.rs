#![doc = include_str!("../README.md")]

/// One file for each command.
mod commands {
    pub mod compare;
    pub mod data;
    pub mod evaluate;
    pub mod export;
    pub mod filter;
    pub mod import;
    pub mod playground;
    pub mod predict;
    pub mod train;
    pub mod verify;
}
mod device;
mod progress;
mod shared;

use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};
use rayon::ThreadPoolBuilder;

use commands::{
    compare, data, evaluate, export, filter, import, playground, predict, train, verify,
};
use device::{Backend, BackendStatus, start_threads};
use shared::{CliError, Done, OutputArgs};

/// A training step allocates and frees tensors of several megabytes; the system's allocator gives
/// such memory back each time and takes it anew, page by page.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Train, compare, prove and use networks that read handwritten digits.
#[derive(Debug, Parser)]
#[command(
    name = "digits",
    version,
    arg_required_else_help = true,
    max_term_width = 100
)]
struct Cli {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
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

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Train(args) => train::run(&args),
        Command::Compare(args) => compare::run(&args),
        Command::Evaluate(args) => evaluate::run(&args),
        Command::Predict(args) => predict::run(&args),
        Command::Export(args) => export::run(&args),
        Command::Import(args) => import::run(&args),
        Command::Data(command) => data::run(&command),
        Command::Verify(args) => verify::run(&args),
        Command::Filter(args) => filter::run(&args),
        Command::Playground(args) => playground::run(args),
        Command::Devices(output) => devices(output),
    };
    outcome.unwrap_or_else(|error| error.report())
}

/// `digits devices`
fn devices(output: OutputArgs) -> Done {
    let pool = ThreadPoolBuilder::new().use_current_thread();
    start_threads(0, pool).map_err(CliError::usage)?;
    let backends = Backend::value_variants().iter();
    let all: Vec<BackendStatus> = backends.map(|backend| backend.status()).collect();
    output.print(&all, || {
        let mut text = String::from("backend   state      detail\n");
        for status in &all {
            let state = match (status.in_build, status.works) {
                (_, true) => "works",
                (true, false) => "no device",
                (false, false) => "not built",
            };
            text += &format!("{:<9} {state:<10} {}\n", status.backend, status.detail);
        }
        text
    })
}
