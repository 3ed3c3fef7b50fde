use burn::tensor::{Device, Tensor, TensorData};
use digits_data::{Augmentation, Batcher, Images, Normalization};
use digits_models::Model;
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::loss::predictions_and_losses;
use crate::run_folder::LoadedRun;

/// Images in one forward pass of an evaluation.
const BATCH: usize = 250;

/// What a network makes of a set of labelled images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Fraction classified rightly.
    pub accuracy: f64,
    /// Mean cross-entropy in nats.
    pub loss: f64,
    /// Images evaluated.
    pub images: usize,
    /// Counts; row = true class, column = predicted class.
    pub confusion: Vec<Vec<usize>>,
    /// Precision, recall and F₁ of each class.
    pub classes: Vec<ClassReport>,
}

/// How well one class is told from the others.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClassReport {
    /// Of the images given this label, the fraction that have it; 0 if none was given it.
    pub precision: f64,
    /// Of the images that have this label, the fraction given it; 0 if there is none.
    pub recall: f64,
    /// Harmonic mean of the two; 0 if both are.
    pub f1: f64,
    /// Images that have this label.
    pub images: usize,
}

impl Evaluation {
    /// Images classified rightly.
    pub fn correct(&self) -> usize {
        self.confusion
            .iter()
            .enumerate()
            .map(|(class, row)| row[class])
            .sum()
    }
}

impl LoadedRun {
    /// Evaluates the run's network on the images at `indices` (all of them for `None`), which
    /// are arranged and normalized as in its training.
    ///
    /// # Errors
    /// A backend that fails.
    ///
    /// # Panics
    /// As [`evaluate`].
    pub fn evaluate(
        &self,
        images: &Images,
        indices: Option<&[u32]>,
        device: &Device,
    ) -> Result<Evaluation, TrainError> {
        evaluate(
            &self.model,
            &self.config.view.permute(images),
            indices,
            &self.record.dataset.normalization,
            device,
        )
    }

    /// The network's outputs before the softmax for the images at `indices` (all of them for
    /// `None`), arranged and normalized as in its training: `[images, classes]`, row by row.
    ///
    /// # Errors
    /// A backend that fails.
    ///
    /// # Panics
    /// As [`evaluate`].
    pub fn logits(
        &self,
        images: &Images,
        indices: Option<&[u32]>,
        device: &Device,
    ) -> Result<Vec<f32>, TrainError> {
        let images = self.config.view.permute(images);
        let all: Vec<u32>;
        let indices = match indices {
            Some(indices) => indices,
            None => {
                all = (0..images.len() as u32).collect();
                &all
            }
        };
        let shape = images.shape();
        let normalization = self.record.dataset.normalization;
        let batcher = Batcher::new(&images, normalization, &Augmentation::default(), 0);
        let mut outputs = Vec::new();
        for chunk in indices.chunks(BATCH) {
            let (pixels, _) = batcher.fill(chunk, 0, 0);
            let batch = [chunk.len(), 1, shape.height, shape.width];
            outputs.extend(logits(&self.model, pixels, batch, device)?);
        }
        Ok(outputs)
    }
}

/// Evaluates `model` on the images at `indices` (all of them for `None`).
///
/// # Errors
/// A backend that fails.
///
/// # Panics
/// Never for images of the size and labels below the number of classes that the model was built
/// for; [`Images`] guarantees the latter for its own number of classes.
pub fn evaluate(
    model: &Model,
    images: &Images,
    indices: Option<&[u32]>,
    normalization: &Normalization,
    device: &Device,
) -> Result<Evaluation, TrainError> {
    let all: Vec<u32>;
    let indices = match indices {
        Some(indices) => indices,
        None => {
            all = (0..images.len() as u32).collect();
            &all
        }
    };
    let classes = images.classes();
    let shape = images.shape();
    // Fills batches without the perturbations of training, and in parallel.
    let batcher = Batcher::new(images, *normalization, &Augmentation::default(), 0);
    let mut confusion = vec![vec![0; classes]; classes];
    let mut loss = 0.0;
    for chunk in indices.chunks(BATCH) {
        let (pixels, labels) = batcher.fill(chunk, 0, 0);
        let logits = logits(
            model,
            pixels,
            [chunk.len(), 1, shape.height, shape.width],
            device,
        )?;
        for ((predicted, image_loss), &label) in predictions_and_losses(&logits, classes, &labels)
            .into_iter()
            .zip(&labels)
        {
            confusion[usize::from(label)][predicted] += 1;
            loss += image_loss;
        }
    }
    Ok(summarize(confusion, loss, indices.len()))
}

/// One forward pass: normalised pixels to logits on the host, row by row.
pub(crate) fn logits(
    model: &Model,
    pixels: Vec<f32>,
    shape: [usize; 4],
    device: &Device,
) -> Result<Vec<f32>, TrainError> {
    let images = Tensor::<4>::from_data(TensorData::new(pixels, shape), device);
    model
        .forward(images)
        .try_into_vec_as::<f32>()
        .map_err(|error| TrainError::backend("classifying images", error))
}

fn summarize(confusion: Vec<Vec<usize>>, loss: f64, images: usize) -> Evaluation {
    let count = images.max(1) as f64;
    let ratio = |part: usize, whole: usize| {
        if whole == 0 {
            0.0
        } else {
            part as f64 / whole as f64
        }
    };
    let classes = (0..confusion.len())
        .map(|class| {
            let right = confusion[class][class];
            let images = confusion[class].iter().sum();
            let precision = ratio(right, confusion.iter().map(|row| row[class]).sum());
            let recall = ratio(right, images);
            let f1 = if right == 0 {
                0.0
            } else {
                2.0 * precision * recall / (precision + recall)
            };
            ClassReport {
                precision,
                recall,
                f1,
                images,
            }
        })
        .collect();
    let correct: usize = (0..confusion.len())
        .map(|class| confusion[class][class])
        .sum();
    Evaluation {
        accuracy: correct as f64 / count,
        loss: loss / count,
        images,
        confusion,
        classes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_summary_of_a_small_confusion_matrix_is_right() {
        // Two classes: 8 of 10 zeros right, 5 of 5 ones right. Precision of 1 is 5/7.
        let evaluation = summarize(vec![vec![8, 2], vec![0, 5]], 3.0, 15);
        assert_eq!(evaluation.correct(), 13);
        assert!((evaluation.accuracy - 13.0 / 15.0).abs() < 1e-15);
        assert!((evaluation.loss - 0.2).abs() < 1e-15);
        assert_eq!(evaluation.classes[0].precision, 1.0);
        assert_eq!(evaluation.classes[0].recall, 0.8);
        assert!((evaluation.classes[1].precision - 5.0 / 7.0).abs() < 1e-15);
        assert!((evaluation.classes[1].f1 - 10.0 / 12.0).abs() < 1e-15);
    }

    #[test]
    fn a_class_that_never_occurs_is_no_division_by_zero() {
        let evaluation = summarize(vec![vec![3, 0], vec![0, 0]], 0.0, 3);
        assert_eq!(evaluation.classes[1].f1, 0.0);
        assert_eq!(evaluation.accuracy, 1.0);
    }
}
