//! Question 9: what the networks look at.

use burn::tensor::{Tensor, TensorData};
use digits_models::Model;
use digits_train::{LoadedRun, TrainError, normalized};

use crate::CompareError;
use crate::experiment::Lab;
use crate::picture;
use crate::results::{DigitMaps, Features, LearnedFilter, NamedKernel, Network, Unit};
use crate::specs::Group;
use crate::stats;

/// The filters of the exercise sheet.
const SHEET: [(&str, [[f64; 3]; 3]); 3] = [
    (
        "vertical",
        [[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]],
    ),
    (
        "horizontal",
        [[1.0, 2.0, 1.0], [0.0, 0.0, 0.0], [-1.0, -2.0, -1.0]],
    ),
    (
        "Laplacian",
        [[0.0, 1.0, 0.0], [1.0, -4.0, 1.0], [0.0, 1.0, 0.0]],
    ),
];

/// Units of the feed-forward network that are shown.
const UNITS: usize = 16;

type Rows = Vec<Vec<f64>>;

/// First-layer filters and weights of the networks of the first seed, the share of the filters in
/// the span of the sheet's over all seeds, and the feature maps of one digit.
pub(crate) fn ask(lab: &mut Lab<'_>) -> Result<Features, CompareError> {
    let cnns = lab.load(Group::Full, Network::Cnn, lab.plan.seeds.len())?;
    let mlp = lab.first(Group::Full, Network::Mlp).load(lab.device)?;
    let mut by_seed = Vec::new();
    let mut shown = Vec::new();
    for run in &cnns {
        let filters: Vec<LearnedFilter> = kernels(run)?.into_iter().map(learned).collect();
        let shares: Vec<f64> = filters.iter().filter_map(|filter| filter.share).collect();
        if !shares.is_empty() {
            by_seed.push(shares.iter().sum::<f64>() / shares.len() as f64);
        }
        if shown.is_empty() {
            shown = filters;
        }
    }
    let size = shown.first().map_or(0, |filter| filter.rows.len());
    // The expected share of a random direction in a subspace: its dimension over that of the
    // whole.
    let chance = (size >= 3).then(|| SHEET.len() as f64 / (size * size) as f64);
    Ok(Features {
        seed: lab.plan.seeds[0],
        sheet: SHEET
            .map(|(name, rows)| NamedKernel {
                name: name.to_owned(),
                rows: rows.map(Vec::from).into(),
            })
            .into(),
        filters: shown,
        chance,
        share_over_chance: chance
            .map(|chance| stats::difference(by_seed.iter().map(|share| share - chance).collect())),
        units: units(&mlp)?,
        digit: digit(lab, &cnns[0])?,
    })
}

/// The filters of the first convolution, each `kernel × kernel`.
fn kernels(run: &LoadedRun) -> Result<Vec<Rows>, CompareError> {
    let Model::Cnn(cnn) = &run.model else {
        return Ok(Vec::new());
    };
    let Some(block) = cnn.blocks.first() else {
        return Ok(Vec::new());
    };
    let weight = block.conv.weight.val(); // [filters, 1, kernel, kernel]
    let [_, _, height, width] = weight.dims();
    let values = numbers(weight)?;
    Ok(values
        .chunks_exact(height * width)
        .map(|filter| filter.chunks_exact(width).map(<[f64]>::to_vec).collect())
        .collect())
}

/// How much of a filter the sheet's three, laid on its middle, can say. They are orthogonal to
/// each other, so the shares of the three add up.
fn learned(rows: Rows) -> LearnedFilter {
    let size = rows.len();
    let norm: f64 = rows.iter().flatten().map(|v| v * v).sum();
    if size < 3 || norm == 0.0 {
        return LearnedFilter {
            rows,
            share: None,
            nearest: None,
        };
    }
    let start = (size - 3) / 2;
    let cosines = SHEET.map(|(name, kernel)| {
        let dot: f64 = (0..3)
            .flat_map(|row| (0..3).map(move |column| (row, column)))
            .map(|(row, column)| kernel[row][column] * rows[start + row][start + column])
            .sum();
        let length: f64 = kernel.iter().flatten().map(|v| v * v).sum();
        (name, dot / (norm * length).sqrt())
    });
    let share = cosines.iter().map(|(_, cosine)| cosine * cosine).sum();
    let nearest = cosines
        .into_iter()
        .max_by(|a, b| a.1.abs().total_cmp(&b.1.abs()))
        .map(|(name, cosine)| (name.to_owned(), cosine));
    LearnedFilter {
        rows,
        share: Some(share),
        nearest,
    }
}

/// The units of the first hidden layer with the largest weights.
fn units(run: &LoadedRun) -> Result<Vec<Unit>, CompareError> {
    let Model::Mlp(mlp) = &run.model else {
        return Ok(Vec::new());
    };
    let layer = mlp.dense.hidden.first().unwrap_or(&mlp.dense.output);
    let weight = layer.weight.val(); // [inputs, units]
    let [_, count] = weight.dims();
    let values = numbers(weight)?;
    let width = run.config.model.input().width;
    let mut units: Vec<Unit> = (0..count)
        .map(|index| {
            let weights: Vec<f64> = values.iter().skip(index).step_by(count).copied().collect();
            Unit {
                index,
                norm: weights.iter().map(|v| v * v).sum::<f64>().sqrt(),
                rows: weights.chunks_exact(width).map(<[f64]>::to_vec).collect(),
            }
        })
        .collect();
    units.sort_by(|a, b| b.norm.total_cmp(&a.norm).then(a.index.cmp(&b.index)));
    units.truncate(UNITS);
    Ok(units)
}

/// The first test image, block by block.
fn digit(lab: &Lab<'_>, run: &LoadedRun) -> Result<DigitMaps, CompareError> {
    let image = lab.test.pixels(0);
    let shape = lab.test.shape();
    let mut blocks = Vec::new();
    if let Model::Cnn(cnn) = &run.model {
        let pixels = normalized(run, &[image.to_vec()])?;
        let images = Tensor::<4>::from_data(
            TensorData::new(pixels, [1, 1, shape.height, shape.width]),
            lab.device,
        );
        for maps in cnn.feature_maps(images) {
            let [_, _, height, width] = maps.dims();
            blocks.push(
                numbers(maps)?
                    .chunks_exact(height * width)
                    .map(|map| map.chunks_exact(width).map(<[f64]>::to_vec).collect())
                    .collect(),
            );
        }
    }
    Ok(DigitMaps {
        index: 0,
        label: lab.test.label(0),
        png: picture::ink(shape, image)?,
        blocks,
    })
}

fn numbers<const D: usize>(tensor: Tensor<D>) -> Result<Vec<f64>, CompareError> {
    tensor.try_into_vec_as::<f64>().map_err(|error| {
        CompareError::Train(TrainError::Backend {
            doing: "reading weights",
            message: error.to_string(),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_filters_of_the_sheet_are_orthogonal() {
        for (i, (_, a)) in SHEET.iter().enumerate() {
            for (_, b) in &SHEET[i + 1..] {
                let dot: f64 = a
                    .iter()
                    .flatten()
                    .zip(b.iter().flatten())
                    .map(|(x, y)| x * y)
                    .sum();
                assert_eq!(dot, 0.0);
            }
        }
    }

    #[test]
    fn a_filter_of_the_sheet_lies_in_their_span_and_a_constant_one_does_not() {
        let mut rows = vec![vec![0.0; 5]; 5];
        for row in 0..3 {
            for column in 0..3 {
                rows[row + 1][column + 1] = -2.0 * SHEET[0].1[row][column];
            }
        }
        let filter = learned(rows);
        assert!((filter.share.unwrap() - 1.0).abs() < 1e-12);
        let (name, cosine) = filter.nearest.unwrap();
        assert_eq!(name, "vertical");
        assert!((cosine + 1.0).abs() < 1e-12);
        assert_eq!(learned(vec![vec![1.0; 3]; 3]).share, Some(0.0));
        assert_eq!(learned(vec![vec![1.0; 2]; 2]).share, None);
    }
}
