//! Results as documents: a page, a Markdown text with figures, a few lines for a terminal.
//!
//! All of them are pure functions of [`Results`]: nothing is measured or read here, and nothing is
//! claimed that the results do not say. The page and the Markdown text render one
//! document whose sections are written once, each in the file of its question.

mod ending;
mod opening;

use std::path::{Path, PathBuf};

use digits_data::files::write_whole;
use digits_report::{Block, Document, Section};

use crate::error::CompareError;
use crate::question::{Heading, Question};
use crate::results::Results;
use crate::setting::Context;

/// The report as one self-contained page: no script, no font and no picture from outside.
///
/// # Errors
/// A figure could not be drawn.
pub fn html(results: &Results) -> Result<String, CompareError> {
    Ok(digits_report::html(&document(results)?))
}

/// The report as Markdown for a repository, and the figures that belong beside it: relative file
/// name (`figures/….svg`) and contents.
///
/// # Errors
/// A figure could not be drawn.
pub fn markdown(results: &Results) -> Result<(String, Vec<(String, String)>), CompareError> {
    Ok(digits_report::markdown(&document(results)?))
}

/// What a terminal shows: the answer, at most 96 columns wide, and a small table.
pub fn summary(results: &Results) -> String {
    digits_report::plain(&Document {
        answer: Some(opening::answer(results)),
        sections: vec![Section::new("", "", vec![opening::table(results)])],
        ..Document::default()
    })
}

/// Writes `report.html`, `report.md` with its figures and `results.json` into a folder; returns
/// the page's path.
///
/// # Errors
/// A figure that could not be drawn or a file that cannot be written.
pub fn save(folder: &Path, results: &Results) -> Result<PathBuf, CompareError> {
    let write = |name: &str, text: &str| {
        let path = folder.join(name);
        write_whole(&path, text.as_bytes()).map_err(CompareError::io("write", &path))?;
        Ok::<PathBuf, CompareError>(path)
    };
    let page = write("report.html", &html(results)?)?;
    let (text, figures) = markdown(results)?;
    for (name, svg) in figures {
        write(&name, &svg)?;
    }
    write("report.md", &text)?;
    let json = serde_json::to_string_pretty(results).map_err(CompareError::report)?;
    write("results.json", &(json + "\n"))?;
    Ok(page)
}

/// The whole report.
fn document(results: &Results) -> Result<Document, CompareError> {
    let context = results.context();
    let questions = results.findings.questions();
    let mut sections = questions
        .iter()
        .enumerate()
        .map(|(number, question)| section(number + 1, *question, &context, results))
        .collect::<Result<Vec<Section>, CompareError>>()?;
    sections.extend([
        ending::caveats(&questions, &context),
        ending::time(results),
        ending::repeat(results)?,
        ending::references(),
    ]);
    Ok(Document {
        title: format!(
            "Feed-forward network against CNN on {}",
            results.dataset.name
        ),
        conditions: opening::conditions(results),
        answer: Some(opening::answer(results)),
        sections,
        ..Document::default()
    })
}

/// The question, the sentences of the answer that belong to it, then the evidence.
fn section(
    number: usize,
    question: &dyn Question,
    context: &Context<'_>,
    results: &Results,
) -> Result<Section, CompareError> {
    let Heading {
        id,
        title,
        question: asks,
    } = question.heading();
    let mut blocks = vec![Block::Question(asks.to_owned())];
    let answer = results.answer.iter();
    let sentences = answer.filter(|sentence| sentence.question == id);
    blocks.extend(sentences.map(|sentence| Block::Finding(sentence.text.clone())));
    blocks.extend(question.evidence(context)?);
    Ok(Section::new(id, format!("{number}. {title}"), blocks))
}
