//! Run folders: curves while they grow, confusion matrices on request.

use std::fs;
use std::time::SystemTime;

use digits_train::{EpochMetrics, FinalMetrics, RunFolder, Status};
use serde::Serialize;

use crate::app::App;
use crate::error::{Answer, ApiError};
use crate::networks::lock;
use crate::query::Query;

/// Evaluations that are kept.
const KEPT: usize = 32;

#[derive(Serialize)]
struct Run {
    id: String,
    name: String,
    recipe: String,
    kind: String,
    dataset: String,
    backend: String,
    seed: u64,
    parameters: usize,
    status: Status,
    /// Whether a process is training it now.
    in_progress: bool,
    /// Epochs planned, where the configuration can be read.
    planned: Option<usize>,
    best_epoch: usize,
    train_seconds: f64,
    images_per_second: f64,
    epochs: Vec<EpochMetrics>,
    result: Option<FinalMetrics>,
    /// Seconds since the run was last saved.
    age: Option<f64>,
    /// Changes whenever the run does.
    version: String,
}

/// Every run, the newest first.
pub(crate) fn list(app: &App) -> Result<Answer, ApiError> {
    let mut all: Vec<Run> = app
        .networks
        .places()
        .into_iter()
        .filter_map(|place| {
            let record = place.folder.record().ok()?;
            let settings = place.folder.settings();
            Some(Run {
                images_per_second: record.images_per_second(),
                in_progress: record.status == Status::Running && place.folder.in_use(),
                planned: settings.ok().map(|config| config.training.epochs),
                age: age(&place.folder),
                id: place.id,
                name: place.name,
                recipe: record.recipe,
                kind: record.model,
                dataset: record.dataset.name,
                backend: record.backend,
                seed: record.seed,
                parameters: record.parameters,
                status: record.status,
                best_epoch: record.best_epoch,
                train_seconds: record.train_seconds,
                epochs: record.epochs,
                result: record.result,
                version: record.checksum,
            })
        })
        .collect();
    let age_of = |run: &Run| run.age.unwrap_or(f64::INFINITY);
    all.sort_by(|a, b| age_of(a).total_cmp(&age_of(b)));
    Answer::json(&all)
}

/// The run's network on the test split of its data, as `digits evaluate` does it.
pub(crate) fn evaluation(app: &App, query: &Query) -> Result<Answer, ApiError> {
    let id = query.get("run").unwrap_or_default();
    let network = app.networks.get(id)?;
    let record = &network.run.record;
    let mut known = lock(&app.evaluations);
    if let Some((_, evaluation)) = known.iter().find(|(run, _)| *run == record.checksum) {
        return Answer::json(evaluation);
    }
    let source = &network.run.config.data;
    let test = app.samples.test_of(&record.dataset, source)?;
    let evaluation = network.run.evaluate(&test, None, &app.device)?;
    let answer = Answer::json(&evaluation);
    known.push_front((record.checksum.clone(), evaluation));
    known.truncate(KEPT);
    answer
}

fn age(folder: &RunFolder) -> Option<f64> {
    if folder.is_pretrained() {
        return None;
    }
    let written = fs::metadata(folder.path().join("run.json"))
        .ok()?
        .modified()
        .ok()?;
    let age = SystemTime::now().duration_since(written).ok()?;
    Some(age.as_secs_f64())
}
