use crate::{Contest, Network, NetworkSummary, Results, Sample, Sentence};
use digits_report::text::{self, NONE, wrap};

const COLUMNS: usize = 96;

/// The answer and a small table, for a terminal.
pub(super) fn text(results: &Results) -> String {
    let mut out = String::from("What do you observe?\n\n");
    for (number, sentence) in results.answer.iter().enumerate() {
        let number = format!("{:>3}. ", number + 1);
        let indent = " ".repeat(number.len());
        for (line, words) in wrap(&sentence.text, COLUMNS - number.len())
            .iter()
            .enumerate()
        {
            out += if line == 0 { &number } else { &indent };
            out += words;
            out.push('\n');
        }
        if let Some(note) = note(sentence) {
            for words in wrap(&format!("({note})"), COLUMNS - number.len()) {
                out += &format!("{indent}{words}\n");
            }
        }
    }
    if results.answer.is_empty() {
        out += "  Nothing was measured that an answer could rest on.\n";
    }
    out.push('\n');
    out += &table(&rows(results));
    out
}

/// The test behind a sentence and its p-values, if there are any.
pub(super) fn note(sentence: &Sentence) -> Option<String> {
    let mut parts: Vec<String> = sentence.test.iter().cloned().collect();
    parts.extend(sentence.p.and_then(text::p_value));
    if let Some(adjusted) = sentence.p_adjusted.and_then(text::p_value) {
        parts.push(format!("Holm-adjusted {adjusted}"));
    }
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// The test accuracy of a recipe.
pub(super) fn accuracy_of<'a>(results: &'a Results, recipe: &str) -> Option<&'a Sample> {
    [&results.accuracy.full, &results.accuracy.matched]
        .into_iter()
        .find_map(|contest: &Contest| {
            Network::BOTH
                .into_iter()
                .find(|network| contest.recipe.of(*network) == recipe)
                .map(|network| contest.accuracy.of(network))
        })
}

/// `99.23 ± 0.05`, mean and standard deviation in percent.
pub(super) fn mean_and_deviation(sample: &Sample) -> String {
    let mean = text::fixed(100.0 * sample.mean, 2);
    match sample.std {
        Some(std) if std.is_finite() && mean != NONE => {
            format!("{mean} ± {}", text::fixed(100.0 * std, 2))
        }
        _ => mean,
    }
}

fn rows(results: &Results) -> Vec<[String; 5]> {
    let mut rows = vec![
        [
            "network",
            "parameters",
            "test accuracy, %",
            "s/epoch",
            "images/s",
        ]
        .map(str::to_owned),
    ];
    rows.extend(results.networks.iter().map(|network| row(results, network)));
    rows
}

fn row(results: &Results, network: &NetworkSummary) -> [String; 5] {
    let cost = results
        .cost
        .networks
        .iter()
        .find(|cost| cost.recipe == network.recipe);
    let or_none = |cell: Option<String>| cell.unwrap_or_else(|| NONE.to_owned());
    [
        network.recipe.clone(),
        text::count(network.parameters),
        or_none(accuracy_of(results, &network.recipe).map(mean_and_deviation)),
        or_none(cost.map(|cost| text::fixed(cost.seconds_per_epoch, 2))),
        or_none(cost.map(|cost| text::rate(cost.inference_images_per_second))),
    ]
}

/// Columns as wide as their widest cell; names to the left, numbers to the right.
fn table(rows: &[[String; 5]]) -> String {
    let width = |column: usize| {
        rows.iter()
            .map(|row| row[column].chars().count())
            .max()
            .unwrap_or(0)
    };
    let mut out = String::new();
    for row in rows {
        let mut line = format!("  {:<1$}", row[0], width(0));
        for (column, cell) in row.iter().enumerate().skip(1) {
            line += &format!("  {:>1$}", cell, width(column));
        }
        out += line.trim_end();
        out.push('\n');
    }
    out
}
