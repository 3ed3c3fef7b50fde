use digits_report::Block;

use crate::error::CompareError;
use crate::plan::Plan;
use crate::runner::Runner;
use crate::runs::Group;
use crate::setting::Context;
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

    /// How many images will be shown to a network of each kind, if they are so many that the
    /// progress should know.
    fn evaluated_images(_plan: &Plan, _test_images: usize) -> usize
    where
        Self: Sized,
    {
        0
    }

    /// Measures with trained runs.
    fn measure(runner: &mut Runner<'_>) -> Result<Self, CompareError>
    where
        Self: Sized;

    /// How the question is put.
    fn heading(&self) -> Heading;

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

/// How a question is put.
pub(crate) struct Heading {
    /// Its field in `results.json` and its address in the page.
    pub id: &'static str,
    /// Of its section, without a number.
    pub title: &'static str,
    /// In a sentence.
    pub question: &'static str,
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
        Self {
            test: claim
                .test
                .map(|test| format!("the larger p of two tests: {test}")),
            p: first.p.zip(second.p).map(|(a, b)| a.max(b)),
            ..claim
        }
    }
}
