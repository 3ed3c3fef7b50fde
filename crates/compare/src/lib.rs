//! Many runs: the experiment MLP against CNN, its statistics, its report.
//!
//! A [`Plan`] says what is trained and asked; [`Results`] is what was found; the renderers turn
//! results into a page, a Markdown text and JSON. Every network trained is an ordinary run folder
//! and is used again where its configuration and data are the same. What is asked is in
//! [`questions`].

mod answer;
mod error;
mod evidence;
mod filters;
mod images;
mod network;
mod plan;
mod progress;
mod question;
pub mod questions;
pub mod report;
mod results;
mod runner;
mod runs;
mod setting;
pub mod stats;
#[cfg(test)]
mod tests;
mod words;

pub use answer::Sentence;
pub use error::CompareError;
pub use filters::{LearnedFilter, NamedKernel};
pub use network::{Network, Pair};
pub use plan::{CorruptionPlan, PermutationPlan, Plan, SamplePlan, TolerancePlan};
pub use progress::{Event, Watcher};
pub use questions::Findings;
pub use results::{Results, SCHEMA, compare};
pub use runner::Experiment;
pub use setting::{DatasetSummary, Machine, NetworkSummary, Timing};
