#![doc = include_str!("../README.md")]

mod args;
mod commands;
mod device;
mod error;
mod interrupt;
mod open;
mod output;
mod progress;
mod runs;

use std::process::ExitCode;

use clap::Parser;

/// A training step allocates and frees tensors of several megabytes; the system's allocator gives
/// such memory back each time and takes it anew, page by page.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    match commands::run(commands::Cli::parse()) {
        Ok(code) => code,
        Err(error) => error.report(),
    }
}
