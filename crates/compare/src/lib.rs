//! Many runs: the experiment MLP against CNN, its statistics, its report.
//!
//! A [`Plan`] says what is trained and asked; [`Results`] is what was found; the renderers turn
//! results into a page, a Markdown text and JSON. Every network trained is an ordinary run folder
//! and is used again where its configuration and data are the same. What is asked is in
//! `questions`.

mod error;
mod evidence;
mod filters;
mod network;
mod plan;
mod question;
mod questions;
pub mod report;
mod results;
mod runner;
mod runs;
mod stats;
#[cfg(test)]
mod tests;
mod words;

pub use error::CompareError;
pub use plan::Plan;
pub use results::{Results, compare};
pub use runner::{Event, Experiment, Watcher};
