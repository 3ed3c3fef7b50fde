//! A question, and under which conditions everything was measured.

use digits_report::Block;
use serde::{Deserialize, Serialize};

use crate::error::CompareError;
use crate::network::Network;
use crate::plan::Plan;
use crate::runner::Runner;
use crate::runs::Group;
use crate::stats::{Difference, Sample};

/// A question that is asked of both networks. The implementing type is what was found; it holds
/// its fields of `results.json`.
pub(crate) trait Question {
    /// Groups of runs that the measurement rests on.
    fn groups(runner: &mut Runner<'_>) -> Result<Vec<Group>, CompareError>
    where
        Self: Sized,
    {
        Ok(vec![Group::full(runner.plan)])
    }

    /// How often a network of each kind will be shown how many test images (0 for all), if that is
    /// so often that the progress should know.
    fn evaluated_images(_plan: &Plan) -> (usize, usize)
    where
        Self: Sized,
    {
        (0, 0)
    }

    /// Measures with trained runs.
    fn measure(runner: &mut Runner<'_>) -> Result<Self, CompareError>
    where
        Self: Sized;

    /// The sentences of the answer that it leads to.
    fn claims<'a>(&'a self, _context: &Context<'a>) -> Vec<Claim<'a>> {
        Vec::new()
    }

    /// The figures and tables of its section.
    fn evidence(&self, context: &Context<'_>) -> Result<Vec<Block>, CompareError>;

    /// What its numbers do not say.
    fn caveats(&self, _context: &Context<'_>) -> Vec<String> {
        Vec::new()
    }

    /// Its columns in the table on the terminal: heading and the cell of a recipe.
    fn summary(&self, _recipe: &str) -> Vec<(&'static str, Option<String>)> {
        Vec::new()
    }

    /// The test accuracy of a recipe, which other sections show beside their numbers.
    fn test_accuracy(&self, _recipe: &str) -> Option<&Sample> {
        None
    }
}

/// A question as it is put, with what was found.
pub(crate) struct Asked<'a> {
    /// Its field in `results.json` and its address in the page.
    pub id: &'static str,
    /// Of its section, without a number.
    pub title: &'static str,
    pub question: &'static str,
    pub found: &'a dyn Question,
}

/// A sentence in the making: the test behind it, and what it says once the p-value has been
/// corrected for the number of tests.
pub(crate) struct Claim<'a> {
    pub test: Option<String>,
    pub p: Option<f64>,
    pub write: Box<dyn Fn(Option<f64>) -> String + 'a>,
}

impl<'a> Claim<'a> {
    /// Rests on counts and clocks, not on a test.
    pub fn untested(text: String) -> Self {
        Self {
            test: None,
            p: None,
            write: Box::new(move |_| text.clone()),
        }
    }

    /// Rests on the paired t-test of a difference.
    pub fn tested(difference: &Difference, write: impl Fn(Option<f64>) -> String + 'a) -> Self {
        Self {
            test: Some(match difference.values.len() {
                1 => "none: a single seed".to_owned(),
                count => format!("paired t-test, {count} seeds"),
            }),
            p: difference.p,
            write: Box::new(write),
        }
    }

    /// Rests on two tests and claims something only if both find it, so that the larger p-value
    /// counts.
    pub fn tested_twice(
        differences: [&Difference; 2],
        write: impl Fn(Option<f64>) -> String + 'a,
    ) -> Self {
        let [first, second] = differences;
        let claim = Self::tested(first, write);
        let test = claim.test.unwrap_or_default();
        Self {
            test: Some(format!("the larger p of two tests: {test}")),
            p: first.p.zip(second.p).map(|(a, b)| a.max(b)),
            ..claim
        }
    }
}

/// The data of the experiment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetSummary {
    pub name: String,
    pub fingerprint: String,
    pub classes: usize,
    pub height: usize,
    pub width: usize,
    /// Training images of the full-size runs, those held out for validation excluded.
    pub train_images: usize,
    pub valid_images: usize,
    pub test_images: usize,
}

/// Where the experiment was computed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    pub backend: String,
    pub threads: usize,
}

/// One of the recipes compared.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NetworkSummary {
    pub recipe: String,
    pub network: Network,
    /// The layers, for example `784-512-10`.
    pub layers: String,
    pub parameters: usize,
    /// The whole configuration of one run (TOML).
    pub config: String,
    pub label_smoothing: f64,
    pub dropout: f64,
}

/// What every question may tell of besides its own findings.
pub(crate) struct Context<'a> {
    pub plan: &'a Plan,
    pub dataset: &'a DatasetSummary,
    pub networks: &'a [NetworkSummary],
    /// Test accuracy of each of the networks, where it is known.
    pub accuracies: Vec<Option<&'a Sample>>,
}

impl<'a> Context<'a> {
    /// The test accuracy of a recipe.
    pub fn accuracy_of(&self, recipe: &str) -> Option<&'a Sample> {
        let number = self.networks.iter().position(|of| of.recipe == recipe)?;
        self.accuracies[number]
    }

    /// A recipe as it was trained.
    pub fn network(&self, recipe: &str) -> Option<&'a NetworkSummary> {
        self.networks.iter().find(|of| of.recipe == recipe)
    }
}
