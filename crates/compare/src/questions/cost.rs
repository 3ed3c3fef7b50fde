//! Question 2: what each network costs.

use std::fs;
use std::time::Instant;

use digits_models::ModelConfig;
use digits_train::RunRecord;

use crate::CompareError;
use crate::experiment::Lab;
use crate::results::{Cost, Network, NetworkCost, NetworkSummary, Reaches};
use crate::runs::Trained;
use crate::specs::Group;

/// Passes over the test split whose median time counts, after one that does not.
const PASSES: usize = 5;
/// Validation accuracies that a training may reach.
const MARKS: [f64; 3] = [0.97, 0.98, 0.99];

/// Parameters, multiply-adds, time and size of each network.
pub(crate) fn ask(lab: &mut Lab<'_>) -> Result<Cost, CompareError> {
    let mut networks = Vec::new();
    for (group, network) in GROUPS {
        let runs = lab.runs_of(group, network);
        let first = lab.first(group, network);
        let (_, config) = first.folder.describe()?;
        let epochs: Vec<f64> = runs
            .iter()
            .flat_map(|run| &run.record.epochs)
            .map(|epoch| epoch.seconds)
            .collect();
        let model = first.folder.path().join("model.bpk");
        let bytes = fs::metadata(&model)
            .map_err(|source| CompareError::Io {
                action: "read",
                path: model,
                source,
            })?
            .len();
        networks.push(NetworkCost {
            recipe: first.record.recipe.clone(),
            network,
            parameters: first.record.parameters,
            multiply_adds: config
                .model
                .macs()
                .map_err(digits_train::TrainError::from)?,
            seconds_per_epoch: median(epochs).unwrap_or(0.0),
            inference_images_per_second: speed(lab, first)?,
            bytes,
            reaches: MARKS.map(|mark| reaches(&runs, mark)).into(),
        });
    }
    Ok(Cost { networks })
}

/// The networks as they are, then those of equal size.
const GROUPS: [(Group, Network); 4] = [
    (Group::Full, Network::Mlp),
    (Group::Full, Network::Cnn),
    (Group::Matched, Network::Mlp),
    (Group::Matched, Network::Cnn),
];

/// The recipes as they were trained.
pub(crate) fn networks(lab: &Lab<'_>) -> Result<Vec<NetworkSummary>, CompareError> {
    GROUPS
        .into_iter()
        .map(|(group, network)| {
            let run = lab.first(group, network);
            let (_, config) = run.folder.describe()?;
            let dropout = match &config.model {
                ModelConfig::Mlp(model) => model.dropout,
                ModelConfig::Cnn(model) => model.dropout,
            };
            Ok(NetworkSummary {
                recipe: run.record.recipe.clone(),
                network,
                layers: layers(&config.model),
                parameters: run.record.parameters,
                label_smoothing: config.training.label_smoothing,
                dropout,
                config: toml::to_string(&config).map_err(CompareError::report)?,
            })
        })
        .collect()
}

/// `784-512-10`, or `16 of 5×5, pool 2; 32 of 5×5, pool 2; 128-10`.
fn layers(model: &ModelConfig) -> String {
    let input = model.input();
    let joined = |sizes: &[usize]| -> String {
        let all: Vec<String> = sizes
            .iter()
            .chain([&input.classes])
            .map(ToString::to_string)
            .collect();
        all.join("-")
    };
    match model {
        ModelConfig::Mlp(model) => {
            format!("{}-{}", input.height * input.width, joined(&model.hidden))
        }
        ModelConfig::Cnn(model) => {
            let blocks: Vec<String> = model
                .blocks
                .iter()
                .map(|block| {
                    let pool = if block.pool > 1 {
                        format!(", pool {}", block.pool)
                    } else {
                        String::new()
                    };
                    format!("{} of {1}×{1}{pool}", block.channels, block.kernel)
                })
                .collect();
            format!("{}; {}", blocks.join("; "), joined(&model.hidden))
        }
    }
}

/// Images classified in a second, median of several passes over the test split.
fn speed(lab: &Lab<'_>, run: &Trained) -> Result<f64, CompareError> {
    let network = run.load(lab.device)?;
    network.logits(&lab.test, None, lab.device)?;
    let mut rates = Vec::new();
    for _ in 0..PASSES {
        let started = Instant::now();
        network.logits(&lab.test, None, lab.device)?;
        rates.push(lab.test.len() as f64 / started.elapsed().as_secs_f64());
    }
    Ok(median(rates).unwrap_or(0.0))
}

fn reaches(runs: &[&Trained], accuracy: f64) -> Reaches {
    let reached: Vec<(f64, f64)> = runs
        .iter()
        .filter_map(|run| first_at(&run.record, accuracy))
        .collect();
    Reaches {
        accuracy,
        seeds: reached.len(),
        of: runs.len(),
        epoch: median(reached.iter().map(|(epoch, _)| *epoch).collect()),
        seconds: median(reached.iter().map(|(_, seconds)| *seconds).collect()),
    }
}

/// The first epoch whose validation accuracy is at least `accuracy`, and the seconds of training
/// until its end.
fn first_at(record: &RunRecord, accuracy: f64) -> Option<(f64, f64)> {
    let mut seconds = 0.0;
    for epoch in &record.epochs {
        seconds += epoch.seconds;
        if epoch.valid_accuracy >= accuracy {
            return Some((epoch.epoch as f64, seconds));
        }
    }
    None
}

/// The middle value, or the mean of the two in the middle; none of none.
fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => Some(values[middle]),
        _ => Some((values[middle - 1] + values[middle]) / 2.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_or_the_mean_of_the_two_there() {
        assert_eq!(median(vec![3.0, 1.0, 2.0]), Some(2.0));
        assert_eq!(median(vec![4.0, 1.0, 2.0, 3.0]), Some(2.5));
        assert_eq!(median(Vec::new()), None);
    }
}
