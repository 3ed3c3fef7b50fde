//! Question 4: what damaged test images do.

use digits_data::Corruption;

use crate::CompareError;
use crate::experiment::Lab;
use crate::picture;
use crate::questions::tolerance::{changed, mean};
use crate::results::{CorruptionResult, Corruptions, Network, Pair, Severity};
use crate::specs::Group;
use crate::stats;

/// Test accuracy under each corruption at each severity.
pub(crate) fn ask(lab: &mut Lab<'_>) -> Result<Corruptions, CompareError> {
    let plan = &lab.plan.corruptions;
    let networks = Pair::measure(|network| lab.load(Group::Full, network, plan.seeds))?;
    let images = lab.some_test_images(plan.images)?;
    let clean = Pair::measure(|network| lab.accuracies(networks.of(network), &images))?;
    let mut kinds = Vec::new();
    // Of each network, seed by seed, every accuracy.
    let mut all: Pair<Vec<Vec<f64>>> = Pair::default();
    for corruption in Corruption::ALL {
        let mut severities = Vec::new();
        let mut here: Pair<Vec<Vec<f64>>> = Pair::default();
        let mut examples = Vec::new();
        for &level in &plan.severities {
            let severity = digits_data::Severity::new(level)?;
            let damaged = changed(&images, |index, pixels| {
                corruption.apply(severity, images.shape(), pixels, plan.seed, index as u64)
            })?;
            examples.push(picture::ink(damaged.shape(), damaged.pixels(0))?);
            let accuracy = Pair::measure(|network| lab.accuracies(networks.of(network), &damaged))?;
            for network in Network::BOTH {
                match network {
                    Network::Mlp => here.mlp.push(accuracy.mlp.clone()),
                    Network::Cnn => here.cnn.push(accuracy.cnn.clone()),
                }
            }
            severities.push(Severity {
                level,
                setting: corruption.setting(severity),
                accuracy: accuracy.map(|values| stats::sample(values.clone())),
            });
        }
        let means = here.map(|rows| by_seed(rows));
        kinds.push(CorruptionResult {
            name: corruption.name().to_owned(),
            severities,
            difference: stats::paired(&means.mlp, &means.cnn),
            mean: means.map(|values| stats::sample(values.clone())),
            examples,
        });
        all.mlp.extend(here.mlp);
        all.cnn.extend(here.cnn);
    }
    let means = all.map(|rows| by_seed(rows));
    Ok(Corruptions {
        seeds: lab.plan.seeds[..plan.seeds].to_vec(),
        clean: clean.map(|values| stats::sample(values.clone())),
        kinds,
        difference: stats::paired(&means.mlp, &means.cnn),
        mean: means.map(|values| stats::sample(values.clone())),
    })
}

/// Seed by seed, the mean over all rows.
fn by_seed(rows: &[Vec<f64>]) -> Vec<f64> {
    let seeds = rows.first().map_or(0, Vec::len);
    (0..seeds)
        .map(|seed| mean(&rows.iter().map(|row| row[seed]).collect::<Vec<f64>>()))
        .collect()
}
