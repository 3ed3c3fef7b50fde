use burn::tensor::Device;
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::evaluate::{BATCH, logits};
use crate::loss::softmax;
use crate::run_folder::LoadedRun;

/// The answer for one image.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Prediction {
    /// The most probable class.
    pub label: u8,
    /// Its probability (softmax), 0 to 1.
    pub probability: f64,
    /// The three most probable classes, or all of fewer.
    pub top: Vec<Ranked>,
}

/// One class and its probability.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Ranked {
    /// The class.
    pub label: u8,
    /// Its probability, 0 to 1.
    pub probability: f64,
}

/// Classifies prepared images: each `height · width` bytes, row by row, 0 = background,
/// 255 = ink.
///
/// # Errors
/// An image of another size than the network's, or a backend that fails.
pub fn predict(
    run: &LoadedRun,
    images: &[Vec<u8>],
    device: &Device,
) -> Result<Vec<Prediction>, TrainError> {
    let all = probabilities(run, images, device)?;
    Ok(all.into_iter().map(rank).collect())
}

/// The probability of every class (softmax) for prepared images, one list an image.
///
/// # Errors
/// As [`predict`].
pub fn probabilities(
    run: &LoadedRun,
    images: &[Vec<u8>],
    device: &Device,
) -> Result<Vec<Vec<f64>>, TrainError> {
    let input = run.config.model.input();
    let mut answers = Vec::with_capacity(images.len());
    for chunk in images.chunks(BATCH) {
        let pixels = normalized(run, chunk)?;
        let shape = [chunk.len(), 1, input.height, input.width];
        let logits = logits(&run.model, pixels, shape, device)?;
        answers.extend(logits.chunks_exact(input.classes).map(softmax));
    }
    Ok(answers)
}

/// The numbers that the network gets for prepared images, image after image.
///
/// # Errors
/// An image of another size than the network's.
pub fn normalized(run: &LoadedRun, images: &[Vec<u8>]) -> Result<Vec<f32>, TrainError> {
    let input = run.config.model.input();
    let mut pixels = vec![0.0; images.len() * input.pixels()];
    for (target, image) in pixels.chunks_exact_mut(input.pixels()).zip(images) {
        if image.len() != input.pixels() {
            return Err(TrainError::Unfit(format!(
                "the network of {} was trained for {}×{} pixels, but an image has {} pixels",
                run.path.display(),
                input.height,
                input.width,
                image.len()
            )));
        }
        let seen = run.config.view.permute_image(image);
        run.record.dataset.normalization.apply(&seen, target);
    }
    Ok(pixels)
}

fn rank(probabilities: Vec<f64>) -> Prediction {
    let mut ranked: Vec<Ranked> = probabilities
        .into_iter()
        .zip(0..=u8::MAX)
        .map(|(probability, label)| Ranked { label, probability })
        .collect();
    // Stable: ties go to the smaller class.
    ranked.sort_by(|a, b| b.probability.total_cmp(&a.probability));
    ranked.truncate(3);
    Prediction {
        label: ranked[0].label,
        probability: ranked[0].probability,
        top: ranked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_top_three_are_sorted_and_ties_go_to_the_smaller_class() {
        let prediction = rank(softmax(&[0.0, 2.0, 1.0, 2.0]));
        assert_eq!(
            [0, 1, 2].map(|place| prediction.top[place].label),
            [1, 3, 2]
        );
        assert_eq!(prediction.label, 1);
        assert_eq!(prediction.probability, prediction.top[0].probability);
    }
}
