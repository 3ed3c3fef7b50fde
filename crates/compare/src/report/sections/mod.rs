//! What the report says, section by section.

mod accuracy;
mod calibration;
mod corruptions;
mod cost;
mod ending;
mod features;
mod mistakes;
mod opening;
mod permutation;
mod samples;
mod tolerance;

use crate::{CompareError, Difference, Results, Sample};
use digits_report::{Answer, Block, Document, Section, Table, text};

/// The whole report.
pub(super) fn document(results: &Results) -> Result<Document, CompareError> {
    Ok(Document {
        style: "",
        title: opening::title(results),
        conditions: opening::conditions(results),
        answer: Some(Answer {
            heading: "What do you observe?".to_owned(),
            findings: opening::answer(results),
            if_empty: "Nothing was measured that an answer could rest on.".to_owned(),
        }),
        sections: vec![
            Ask {
                id: "accuracy",
                heading: "1. Accuracy",
                question: "How often is each network right on the test images?",
            }
            .section(results, accuracy::blocks(results)?),
            Ask {
                id: "cost",
                heading: "2. Cost",
                question: "What does each network cost in memory and time?",
            }
            .section(results, cost::blocks(results)?),
            Ask {
                id: "tolerance",
                heading: "3. Shift, rotation, scale",
                question: "Which network is more tolerant of digits that are moved, turned or resized, and what does shift augmentation in training change?",
            }
            .section(results, tolerance::blocks(results)?),
            Ask {
                id: "corruptions",
                heading: "4. Damaged images",
                question: "How do the networks, trained on clean images, cope with damaged ones?",
            }
            .section(results, corruptions::blocks(results)?),
            Ask {
                id: "permutation",
                heading: "5. Permuted pixels",
                question: "What happens if one fixed permutation shuffles the pixels of all training and test images?",
            }
            .section(results, permutation::blocks(results)?),
            Ask {
                id: "samples",
                heading: "6. Sample efficiency",
                question: "How many training images does each network need?",
            }
            .section(results, samples::blocks(results)?),
            Ask {
                id: "calibration",
                heading: "7. Calibration",
                question: "When a network says 90 %, is it right nine times out of ten?",
            }
            .section(results, calibration::blocks(results)?),
            Ask {
                id: "mistakes",
                heading: "8. What they get wrong",
                question: "Which classes are confused, and do both networks fail on the same images?",
            }
            .section(results, mistakes::blocks(results)?),
            Ask {
                id: "features",
                heading: "9. What they look at",
                question: "Do the learned filters resemble the three filters of the exercise sheet?",
            }
            .section(results, features::blocks(results)?),
            ending::caveats(results),
            ending::time(results),
            ending::repeat(results)?,
            ending::references(),
        ],
    })
}

/// A question and its place.
struct Ask {
    id: &'static str,
    heading: &'static str,
    question: &'static str,
}

impl Ask {
    /// The question, the sentences of the answer that belong to it, then the evidence.
    fn section(self, results: &Results, evidence: Vec<Block>) -> Section {
        let mut blocks = vec![Block::Question(self.question.to_owned())];
        blocks.extend(
            results
                .answer
                .iter()
                .filter(|sentence| sentence.question == self.id)
                .map(|sentence| Block::Finding(sentence.text.clone())),
        );
        blocks.extend(evidence);
        Section {
            id: self.id,
            heading: self.heading.to_owned(),
            blocks,
        }
    }
}

/// `5 seeds (1, 2, 3, 4 and 5)`.
fn seeds(seeds: &[u64]) -> String {
    if seeds.is_empty() {
        return text::plural(0, "seed");
    }
    format!(
        "{} ({})",
        text::plural(seeds.len(), "seed"),
        text::listed(seeds)
    )
}

/// How means and intervals over so many seeds were made.
fn spread(seeds: usize) -> String {
    if seeds < 2 {
        "With a single seed there is neither an interval nor a p-value.".to_owned()
    } else {
        format!(
            "Mean of {seeds} networks trained from different seeds, with the 95 % confidence interval of the mean (Student's t) as a bar or band."
        )
    }
}

/// Every number that a plot of samples has to hold.
fn extent<'a>(samples: impl IntoIterator<Item = &'a Sample>) -> Vec<f64> {
    samples
        .into_iter()
        .flat_map(|sample| {
            sample
                .values
                .iter()
                .copied()
                .chain([sample.mean])
                .chain(sample.interval.into_iter().flatten())
        })
        .collect()
}

/// The same of differences.
fn extent_of_differences<'a>(differences: impl IntoIterator<Item = &'a Difference>) -> Vec<f64> {
    differences
        .into_iter()
        .flat_map(|difference| {
            difference
                .values
                .iter()
                .copied()
                .chain([difference.mean])
                .chain(difference.interval.into_iter().flatten())
        })
        .collect()
}

/// Mean, interval and p-value of a difference of fractions, for a table in percentage points.
fn difference_cells(difference: &Difference) -> [String; 3] {
    [
        text::points(difference.mean),
        text::points_interval(difference.interval),
        text::p_cell(difference.p),
    ]
}

/// A table of one number for each seed: columns of a name and values.
fn by_seed(caption: &str, seeds: &[u64], columns: &[(String, Vec<String>)]) -> Block {
    let head =
        std::iter::once("seed".to_owned()).chain(columns.iter().map(|(name, _)| name.clone()));
    Table::new(caption, head)
        .rows(seeds.iter().enumerate().map(|(number, seed)| {
            let cell = |(_, values): &(String, Vec<String>)| {
                values
                    .get(number)
                    .cloned()
                    .unwrap_or_else(|| text::NONE.to_owned())
            };
            std::iter::once(seed.to_string())
                .chain(columns.iter().map(cell))
                .collect()
        }))
        .block()
}

/// Fractions in percent.
fn percents(values: &[f64]) -> Vec<String> {
    values.iter().map(|v| text::fixed(100.0 * v, 2)).collect()
}

/// Differences of fractions in percentage points.
fn all_points(values: &[f64]) -> Vec<String> {
    values.iter().map(|v| text::points(*v)).collect()
}

/// `the first 2,000 test images`, or all of them.
fn images(limit: usize, results: &Results) -> String {
    let all = results.dataset.test_images;
    if limit == 0 || limit >= all {
        format!("all {} test images", text::count(all))
    } else {
        format!("the first {} test images", text::count(limit))
    }
}
