use digits_report::{Answer, Block, Finding, Table, text};

use crate::answer::Sentence;
use crate::evidence::seeds;
use crate::results::Results;
use crate::setting::NetworkSummary;

/// Under which conditions everything below was measured.
pub(super) fn conditions(results: &Results) -> String {
    let data = &results.dataset;
    format!(
        "Data set {}: {} training, {} validation and {} test images of {} × {} pixels, {}. {}, {}. Backend {}, {}. digits {}.",
        data.name,
        text::count(data.train_images),
        text::count(data.valid_images),
        text::count(data.test_images),
        data.height,
        data.width,
        text::plural(data.classes, "class"),
        text::capitalized(&seeds(&results.plan.seeds)),
        epochs(results),
        results.machine.backend,
        text::plural(results.machine.threads, "thread"),
        results.version,
    )
}

/// The sentences, their tests, and where the evidence is.
pub(super) fn answer(results: &Results) -> Answer {
    let finding = |sentence: &Sentence| Finding {
        text: sentence.text.clone(),
        note: note(sentence),
        section: sentence.question.clone(),
    };
    Answer {
        heading: "What do you observe?".to_owned(),
        findings: results.answer.iter().map(finding).collect(),
        if_empty: "Nothing was measured that an answer could rest on.".to_owned(),
    }
}

/// The test behind a sentence and its p-values, if there are any.
fn note(sentence: &Sentence) -> Option<String> {
    let mut parts: Vec<String> = sentence.test.iter().cloned().collect();
    parts.extend(sentence.p.and_then(text::p_value));
    let adjusted = sentence.p_adjusted.and_then(text::p_value);
    parts.extend(adjusted.map(|p| format!("Holm-adjusted {p}")));
    (!parts.is_empty()).then(|| parts.join("; "))
}

/// A row for each recipe: its parameters, and the columns of the questions.
pub(super) fn table(results: &Results) -> Block {
    let questions = results.findings.questions();
    let columns = |recipe: &str| {
        let columns = questions.iter().flat_map(|of| of.summary(recipe));
        columns.collect::<Vec<(&'static str, Option<String>)>>()
    };
    let names = columns("").into_iter().map(|(name, _)| name);
    let rows = results.networks.iter().map(|network| {
        let mut row = vec![network.recipe.clone(), text::count(network.parameters)];
        let cells = columns(&network.recipe).into_iter().map(|(_, cell)| cell);
        row.extend(cells.map(|cell| cell.unwrap_or_else(|| text::NONE.to_owned())));
        row
    });
    let head = ["network", "parameters"].into_iter().chain(names);
    Table::new("", head).rows(rows).block()
}

/// `5 epochs`, or the epochs of each recipe where they differ.
fn epochs(results: &Results) -> String {
    let of = |network: &NetworkSummary| {
        let config: toml::Table = network.config.parse().ok()?;
        let epochs = config.get("training")?.get("epochs")?.as_integer()?;
        Some((network.recipe.clone(), usize::try_from(epochs).ok()?))
    };
    let known: Vec<(String, usize)> = results.networks.iter().filter_map(of).collect();
    match known.as_slice() {
        [] => "epochs not recorded".to_owned(),
        [(_, first), rest @ ..] if rest.iter().all(|(_, epochs)| epochs == first) => {
            text::plural(*first, "epoch")
        }
        several => {
            let each = several.iter();
            let each = each.map(|(recipe, epochs)| format!("{recipe} {epochs}"));
            format!("epochs: {}", each.collect::<Vec<_>>().join(", "))
        }
    }
}
