//! Question 6: how many images each needs.

use crate::CompareError;
use crate::experiment::Lab;
use crate::questions::accuracy::test_accuracies;
use crate::results::{Accuracy, Network, SampleEfficiency, SampleSize};
use crate::specs::Group;
use crate::stats;

/// Test accuracy against the number of training images.
pub(crate) fn ask(lab: &Lab<'_>, accuracy: &Accuracy) -> Result<SampleEfficiency, CompareError> {
    let seeds = lab.plan.samples.seeds;
    let classes = lab.test.classes();
    let mut sizes: Vec<SampleSize> = lab
        .few()
        .map(|(per_class, runs)| {
            let values = runs.map(|runs| test_accuracies(runs));
            SampleSize {
                per_class: Some(per_class),
                images: per_class * classes,
                difference: stats::paired(&values.mlp, &values.cnn),
                accuracy: values.map(|values| stats::sample(values.clone())),
            }
        })
        .collect();
    let all = accuracy
        .full
        .accuracy
        .map(|sample| sample.values[..seeds].to_vec());
    sizes.push(SampleSize {
        per_class: None,
        images: lab
            .first(Group::Full, Network::Mlp)
            .record
            .dataset
            .train_images,
        difference: stats::paired(&all.mlp, &all.cnn),
        accuracy: all.map(|values| stats::sample(values.clone())),
    });
    Ok(SampleEfficiency {
        seeds: lab.plan.seeds[..seeds].to_vec(),
        sizes,
    })
}
