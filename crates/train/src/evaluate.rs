use burn::tensor::{Device, Tensor, TensorData};
use digits_data::{Augmentation, Batcher, Images, Normalization};
use digits_models::Model;
use serde::{Deserialize, Serialize};

use crate::TrainError;
use crate::loss::{predictions_and_losses, softmax};
use crate::run_folder::LoadedRun;

/// Images in one forward pass.
const BATCH: usize = 250;

/// What a network makes of a set of labelled images.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Evaluation {
    /// Fraction classified correctly.
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
    /// Images classified correctly.
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
        let normalization = &self.record.dataset.normalization;
        let (logits, _) = outputs(&self.model, &images, indices, normalization, device)?;
        Ok(logits)
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
    let (logits, labels) = outputs(model, images, indices, normalization, device)?;
    // The network may tell more classes apart than the images have.
    let classes = images.classes().max(logits.len() / labels.len().max(1));
    let mut confusion = vec![vec![0; classes]; classes];
    let mut loss = 0.0;
    let answers = predictions_and_losses(&logits, classes, &labels);
    for ((predicted, image_loss), label) in answers.into_iter().zip(labels) {
        confusion[usize::from(label)][predicted] += 1;
        loss += image_loss;
    }
    Ok(summarize(confusion, loss))
}

/// Logits `[images, classes]`, row by row, and labels of the images at `indices`.
fn outputs(
    model: &Model,
    images: &Images,
    indices: Option<&[u32]>,
    normalization: &Normalization,
    device: &Device,
) -> Result<(Vec<f32>, Vec<u8>), TrainError> {
    let all: Vec<u32> = match indices {
        Some(_) => Vec::new(),
        None => (0..images.len() as u32).collect(),
    };
    // Fills batches without the perturbations of training, and in parallel.
    let batcher = Batcher::new(images, *normalization, &Augmentation::default(), 0);
    let shape = images.shape();
    let (mut outputs, mut all_labels) = (Vec::new(), Vec::new());
    for chunk in indices.unwrap_or(&all).chunks(BATCH) {
        let (pixels, labels) = batcher.fill(chunk, 0, 0);
        let batch = [chunk.len(), 1, shape.height, shape.width];
        outputs.extend(logits(model, pixels, batch, device)?);
        all_labels.extend(labels);
    }
    Ok((outputs, all_labels))
}

/// One forward pass: normalised pixels to logits on the host, row by row.
fn logits(
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

fn summarize(confusion: Vec<Vec<usize>>, loss: f64) -> Evaluation {
    let ratio = |part: usize, whole: usize| match whole {
        0 => 0.0,
        _ => part as f64 / whole as f64,
    };
    let classes = (0..confusion.len())
        .map(|class| {
            let right = confusion[class][class];
            let images = confusion[class].iter().sum();
            let precision = ratio(right, confusion.iter().map(|row| row[class]).sum());
            let recall = ratio(right, images);
            let f1 = match right {
                0 => 0.0,
                _ => 2.0 * precision * recall / (precision + recall),
            };
            ClassReport {
                precision,
                recall,
                f1,
                images,
            }
        })
        .collect();
    let images = confusion.iter().flatten().sum();
    let mut evaluation = Evaluation {
        accuracy: 0.0,
        loss: loss / f64::max(images as f64, 1.0),
        images,
        confusion,
        classes,
    };
    evaluation.accuracy = ratio(evaluation.correct(), images);
    evaluation
}

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
            return Err(TrainError::Refused(format!(
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
    use digits_data::ImageShape;
    use digits_models::MlpConfig;

    use super::*;

    #[test]
    fn the_summary_of_a_small_confusion_matrix_is_right() {
        // Three classes: 8 of 10 zeros right, 5 of 5 ones, no two. Precision of 1 is 5/7.
        let confusion = vec![vec![8, 2, 0], vec![0, 5, 0], vec![0, 0, 0]];
        let evaluation = summarize(confusion, 3.0);
        assert_eq!((evaluation.correct(), evaluation.images), (13, 15));
        assert!((evaluation.accuracy - 13.0 / 15.0).abs() < 1e-15);
        assert!((evaluation.loss - 0.2).abs() < 1e-15);
        let [zero, one, two] = evaluation.classes[..] else {
            panic!("three classes")
        };
        assert_eq!((zero.precision, zero.recall), (1.0, 0.8));
        assert!((one.precision - 5.0 / 7.0).abs() < 1e-15);
        assert!((one.f1 - 10.0 / 12.0).abs() < 1e-15);
        assert_eq!((two.precision, two.recall, two.f1), (0.0, 0.0, 0.0));
    }

    #[test]
    fn a_network_that_knows_more_classes_than_the_images_have_is_evaluated_row_by_row() {
        let images = Images::new(
            ImageShape::MNIST,
            2,
            (0..784 * 3).map(|i| i as u8).collect(),
            vec![0, 1, 1],
        )
        .unwrap();
        let device = Device::flex();
        let model = Model::Mlp(MlpConfig::default().init(&device).unwrap());
        let plain = Normalization::new(0.0, 1.0).unwrap();
        let (logits, labels) = outputs(&model, &images, None, &plain, &device).unwrap();
        assert_eq!((logits.len(), labels.len()), (30, 3));
        let answers = predictions_and_losses(&logits, 10, &labels);
        let expected: f64 = answers.iter().map(|(_, loss)| loss / 3.0).sum();
        let found = evaluate(&model, &images, None, &plain, &device).unwrap();
        assert!((found.loss - expected).abs() < 1e-12);
        assert_eq!((found.images, found.confusion.len()), (3, 10));
    }

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
