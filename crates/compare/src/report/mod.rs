//! Results as documents: a page, a Markdown text with figures, a few lines for a terminal.
//!
//! All of them are pure functions of [`Results`]: nothing is measured, read or written here, and
//! nothing is claimed that the results do not say. The page and the Markdown text render one
//! document whose sections are written once.

mod figures;
mod sections;
mod summary;

#[cfg(test)]
pub(crate) mod tests;

use crate::{CompareError, Results};

/// The report as one self-contained page: no script, no font and no picture from outside.
///
/// # Errors
/// A figure could not be drawn.
pub fn html(results: &Results) -> Result<String, CompareError> {
    Ok(digits_report::html(&sections::document(results)?))
}

/// The report as Markdown for a repository, and the figures that belong beside it: relative file
/// name (`figures/….svg`) and contents.
///
/// # Errors
/// A figure could not be drawn.
pub fn markdown(results: &Results) -> Result<(String, Vec<(String, String)>), CompareError> {
    Ok(digits_report::markdown(&sections::document(results)?))
}

/// What a terminal shows: the answer, at most 96 columns wide, and a small table.
pub fn summary(results: &Results) -> String {
    summary::text(results)
}
