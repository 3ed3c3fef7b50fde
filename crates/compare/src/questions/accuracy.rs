//! Question 1: how often each is right, as they are and at equal size.

use crate::CompareError;
use crate::experiment::{Lab, Outputs};
use crate::results::{Accuracy, Contest, McNemar, Network, Pair};
use crate::runs::Trained;
use crate::specs::Group;
use crate::stats;

/// Test accuracies, their difference seed by seed, and McNemar's test image by image.
pub(crate) fn ask(lab: &Lab<'_>, outputs: &Outputs) -> Result<Accuracy, CompareError> {
    Ok(Accuracy {
        full: contest(lab, Group::Full, &outputs.full),
        matched: contest(lab, Group::Matched, &outputs.matched),
    })
}

fn contest(lab: &Lab<'_>, group: Group, outputs: &Pair<Vec<Vec<f64>>>) -> Contest {
    let first = |network| lab.first(group, network);
    let pair = |of: &dyn Fn(Network) -> String| Pair {
        mlp: of(Network::Mlp),
        cnn: of(Network::Cnn),
    };
    let accuracies = Pair {
        mlp: test_accuracies(&lab.runs_of(group, Network::Mlp)),
        cnn: test_accuracies(&lab.runs_of(group, Network::Cnn)),
    };
    let right = outputs.map(|outputs| {
        outputs
            .iter()
            .map(|logits| right(lab, logits))
            .collect::<Vec<_>>()
    });
    let mcnemar: Vec<McNemar> = lab
        .plan
        .seeds
        .iter()
        .zip(right.mlp.iter().zip(&right.cnn))
        .map(|(&seed, (mlp, cnn))| stats::mcnemar(seed, mlp, cnn))
        .collect();
    Contest {
        recipe: pair(&|network| first(network).record.recipe.clone()),
        parameters: Pair {
            mlp: first(Network::Mlp).record.parameters,
            cnn: first(Network::Cnn).record.parameters,
        },
        seeds: lab.plan.seeds.clone(),
        difference: stats::paired(&accuracies.mlp, &accuracies.cnn),
        accuracy: accuracies.map(|values| stats::sample(values.clone())),
        mcnemar,
    }
}

/// What each run found on the test split when it ended.
pub(crate) fn test_accuracies(runs: &[&Trained]) -> Vec<f64> {
    runs.iter()
        .filter_map(|run| run.record.result.map(|result| result.test_accuracy))
        .collect()
}

/// Which test images are classified rightly.
pub(crate) fn right(lab: &Lab<'_>, logits: &[f64]) -> Vec<bool> {
    logits
        .chunks_exact(lab.test.classes())
        .zip(lab.test.labels())
        .map(|(row, &label)| stats::top(row, 1.0).0 == label)
        .collect()
}
