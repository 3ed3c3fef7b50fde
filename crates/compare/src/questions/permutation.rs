//! Question 5: one fixed permutation of the pixels of all images, in training and test. What is
//! lost is what rests on the neighborhood of pixels.

use digits_data::View;

use crate::CompareError;
use crate::experiment::Lab;
use crate::picture;
use crate::questions::accuracy::test_accuracies;
use crate::results::{Accuracy, Network, Pair, Permutation};
use crate::specs::Group;
use crate::stats;

/// Test accuracy on images as they are and permuted.
pub(crate) fn ask(lab: &Lab<'_>, accuracy: &Accuracy) -> Result<Permutation, CompareError> {
    let seeds = lab.plan.permutation.seeds;
    let natural = accuracy
        .full
        .accuracy
        .map(|sample| sample.values[..seeds].to_vec());
    let permuted = Pair {
        mlp: test_accuracies(&lab.runs_of(Group::Permuted, Network::Mlp)),
        cnn: test_accuracies(&lab.runs_of(Group::Permuted, Network::Cnn)),
    };
    let change = Pair {
        mlp: stats::paired(&natural.mlp, &permuted.mlp),
        cnn: stats::paired(&natural.cnn, &permuted.cnn),
    };
    let view = View {
        permutation: Some(lab.plan.permutation.permutation),
        ..View::default()
    };
    let digit = lab.test.pixels(0);
    Ok(Permutation {
        seeds: lab.plan.seeds[..seeds].to_vec(),
        permutation: lab.plan.permutation.permutation,
        natural: natural.map(|values| stats::sample(values.clone())),
        permuted: permuted.map(|values| stats::sample(values.clone())),
        interaction: stats::paired(&change.mlp.values, &change.cnn.values),
        change,
        example: [
            picture::ink(lab.test.shape(), digit)?,
            picture::ink(lab.test.shape(), &view.permute_image(digit))?,
        ],
    })
}
