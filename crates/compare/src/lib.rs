//! Many runs: the experiment MLP against CNN, its statistics, its report.
//!
//! A [`Plan`] says what is trained and asked; [`Results`] is what was found; the renderers turn
//! results into a page, a Markdown text and JSON. Every network trained is an ordinary run folder
//! and is used again where its configuration and data are the same.

mod error;
mod plan;
mod results;
pub mod stats;

pub use error::CompareError;
pub use plan::{CorruptionPlan, PermutationPlan, Plan, SamplePlan, TolerancePlan};
pub use results::*;
