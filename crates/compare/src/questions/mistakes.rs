//! Question 8: what each gets wrong.

use crate::CompareError;
use crate::experiment::{Lab, Outputs};
use crate::picture;
use crate::results::{Answer, Gallery, Mistake, Mistakes, Network, Pair};
use crate::stats;

/// Confusion matrices and galleries of the networks of the first seed.
pub(crate) fn ask(lab: &Lab<'_>, outputs: &Outputs) -> Result<Mistakes, CompareError> {
    let classes = lab.test.classes();
    let answers = outputs.full.map(|runs| {
        runs[0] // a plan has seeds
            .chunks_exact(classes)
            .map(|row| {
                let (label, probability) = stats::top(row, 1.0);
                Answer { label, probability }
            })
            .collect::<Vec<Answer>>()
    });
    let wrong =
        |network: Network, index: usize| answers.of(network)[index].label != lab.test.label(index);
    let confusion = answers.map(|answers| {
        let mut counts = vec![vec![0; classes]; classes];
        for (answer, &label) in answers.iter().zip(lab.test.labels()) {
            counts[usize::from(label)][usize::from(answer.label)] += 1;
        }
        counts
    });
    let gallery = |mlp_misses: bool, cnn_misses: bool| -> Result<Gallery, CompareError> {
        let mut found: Vec<usize> = (0..lab.test.len())
            .filter(|&index| {
                wrong(Network::Mlp, index) == mlp_misses && wrong(Network::Cnn, index) == cnn_misses
            })
            .collect();
        // How sure the networks that miss it are; the surest first.
        let sureness = |index: usize| -> f64 {
            Network::BOTH
                .into_iter()
                .filter(|&network| wrong(network, index))
                .map(|network| answers.of(network)[index].probability)
                .sum()
        };
        found.sort_by(|&a, &b| sureness(b).total_cmp(&sureness(a)).then(a.cmp(&b)));
        let images = found
            .iter()
            .take(lab.plan.gallery)
            .map(|&index| {
                Ok(Mistake {
                    index: index as u32,
                    label: lab.test.label(index),
                    answer: Pair {
                        mlp: answers.mlp[index],
                        cnn: answers.cnn[index],
                    },
                    png: picture::ink(lab.test.shape(), lab.test.pixels(index))?,
                })
            })
            .collect::<Result<_, CompareError>>()?;
        Ok(Gallery {
            count: found.len(),
            images,
        })
    };
    Ok(Mistakes {
        seed: lab.plan.seeds[0],
        only_mlp: gallery(true, false)?,
        only_cnn: gallery(false, true)?,
        both: gallery(true, true)?,
        confusion,
    })
}
