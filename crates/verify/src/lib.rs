#![doc = include_str!("../README.md")]

mod cases;
mod compare;
mod differences;
mod engine;
mod error;
pub mod filter;
pub mod gradcheck;
mod mutants;
mod network;

pub use compare::{max_error, tolerance};
pub use differences::{SweepPoint, best, central, steps, sweep};
pub use engine::{Engine, NamedDevice, Precision};
pub use error::VerifyError;
pub use mutants::{Mutant, control, mutants};
pub use network::{Activation, Example, Gradient, Layer, Loss, Network, Trace};
