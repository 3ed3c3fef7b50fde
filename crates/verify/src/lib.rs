#![doc = include_str!("../README.md")]

mod cases;
mod check;
mod engine;
mod error;
pub mod filter;
mod mutants;
mod network;
pub mod render;
mod report;
mod suite;
mod worked;

pub use check::{Check, Group, NotChecked, max_error, tolerance};
pub use engine::{Engine, NamedDevice, Precision};
pub use error::VerifyError;
pub use mutants::Mutant;
pub use network::{Activation, Example, Layer, Loss, Network, Trace};
pub use report::{Options, Part, Report};
pub use suite::verify;
pub use worked::{Section, Step, Values, Worked};
