use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
use digits_data::Source;

use crate::commands::{
    compare, data, evaluate, export, filter, import, playground, predict, train, verify,
};
use crate::device::Backend;

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
