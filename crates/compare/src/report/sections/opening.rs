use crate::report::summary::note;
use crate::{NetworkSummary, Results};
use digits_report::Finding;
use digits_report::text;

pub(super) fn title(results: &Results) -> String {
    format!(
        "Feed-forward network against CNN on {}",
        results.dataset.name
    )
}

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
        text::capitalized(&super::seeds(&results.accuracy.full.seeds)),
        epochs(results),
        results.machine.backend,
        text::plural(results.machine.threads, "thread"),
        results.version,
    )
}

pub(super) fn answer(results: &Results) -> Vec<Finding> {
    results
        .answer
        .iter()
        .map(|sentence| Finding {
            text: sentence.text.clone(),
            note: note(sentence),
            section: sentence.question.clone(),
        })
        .collect()
}

/// `5 epochs`, or the epochs of each recipe where they differ.
fn epochs(results: &Results) -> String {
    let known: Vec<(&str, i64)> = results
        .networks
        .iter()
        .filter_map(|network| Some((network.recipe.as_str(), epochs_of(network)?)))
        .collect();
    match known.as_slice() {
        [] => "epochs not recorded".to_owned(),
        [(_, first), rest @ ..] if rest.iter().all(|(_, epochs)| epochs == first) => {
            text::plural(usize::try_from(*first).unwrap_or(0), "epoch")
        }
        several => {
            let each: Vec<String> = several
                .iter()
                .map(|(recipe, epochs)| format!("{recipe} {epochs}"))
                .collect();
            format!("epochs: {}", each.join(", "))
        }
    }
}

fn epochs_of(network: &NetworkSummary) -> Option<i64> {
    let config: toml::Table = network.config.parse().ok()?;
    config.get("training")?.get("epochs")?.as_integer()
}
