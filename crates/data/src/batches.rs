//! From images to the numbers of a batch.

use std::borrow::Cow;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::DataError;
use crate::choice::stream;
use crate::geometry::Augmentation;
use crate::images::Images;

/// Separates augmentation from the other uses of a seed.
const AUGMENT: u64 = 0x4155_474D_454E_5400;

/// Images that one task normalizes: less than this is not worth a second thread.
const TOGETHER: usize = 32;

/// How a pixel becomes a number: (pixel/255 − mean) / std. Measured once, on the training
/// images, kept with the network, and used by training, evaluation and prediction alike.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Given")]
pub struct Normalization {
    /// Mean of the pixels, scaled to 0..=1.
    pub mean: f32,
    /// Their standard deviation; 1 for constant pixels.
    pub std: f32,
}

/// What a file says, before it is checked.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Given {
    mean: f32,
    std: f32,
}

impl TryFrom<Given> for Normalization {
    type Error = DataError;

    fn try_from(given: Given) -> Result<Self, DataError> {
        Self::new(given.mean, given.std)
    }
}

impl Normalization {
    /// A normalization that somebody states.
    ///
    /// # Errors
    /// A mean or deviation that is not a finite number, a deviation that is not above 0 or so small
    /// that some pixel would become no finite number.
    pub fn new(mean: f32, std: f32) -> Result<Self, DataError> {
        let stated = Self { mean, std };
        if std > 0.0 && std.is_finite() && stated.table().iter().all(|value| value.is_finite()) {
            return Ok(stated);
        }
        Err(DataError::Invalid(format!(
            "pixels cannot be normalized with mean {mean} and deviation {std}: give two finite numbers, the deviation above 0, as in 0.1307,0.3081"
        )))
    }

    /// Mean and standard deviation of all pixels of the images at `indices`, exact up to the
    /// final rounding: pixels are counted by value, and the counts are whole numbers.
    pub fn measure(images: &Images, indices: &[u32]) -> Self {
        let mut counts = [0_u64; 256];
        for &index in indices {
            for &pixel in images.pixels(index as usize) {
                counts[usize::from(pixel)] += 1;
            }
        }
        let count = counts.iter().sum::<u64>().max(1) as f64;
        let moment = |power: u32| -> f64 {
            let counted = (0_u64..).zip(counts);
            let sum: u64 = counted.map(|(value, count)| value.pow(power) * count).sum();
            sum as f64 / count / 255_f64.powi(power as i32)
        };
        let mean = moment(1);
        let std = (moment(2) - mean * mean).max(0.0).sqrt();
        Self {
            mean: mean as f32,
            std: if std > 0.0 { std as f32 } else { 1.0 },
        }
    }

    /// Normalizes one image, or any run of pixels.
    ///
    /// # Panics
    /// If the lengths differ.
    pub fn apply(&self, pixels: &[u8], out: &mut [f32]) {
        assert_eq!(pixels.len(), out.len(), "one number a pixel");
        let table = self.table();
        for (out, &pixel) in out.iter_mut().zip(pixels) {
            *out = table[usize::from(pixel)];
        }
    }

    /// The normalized value of every possible byte: one load instead of a division.
    pub fn table(&self) -> [f32; 256] {
        std::array::from_fn(|pixel| (pixel as f32 / 255.0 - self.mean) / self.std)
    }
}

/// Turns indices into batches: normalized pixels in one contiguous buffer, and labels.
///
/// Augmentation draws from a generator that depends on the seed, the epoch and the image's place
/// in it, so any batch can be made without those before it, by any number of threads.
#[derive(Debug)]
pub struct Batcher<'a> {
    images: &'a Images,
    table: [f32; 256],
    augmentation: Augmentation,
    seed: u64,
}

impl<'a> Batcher<'a> {
    /// A source of batches from `images`.
    pub fn new(
        images: &'a Images,
        normalization: Normalization,
        augmentation: &Augmentation,
        seed: u64,
    ) -> Self {
        Self {
            images,
            table: normalization.table(),
            augmentation: *augmentation,
            seed: seed ^ AUGMENT,
        }
    }

    /// The batch of the images at `indices`, which stand from `position` on in the order of
    /// `epoch`: pixels for a tensor `[batch, 1, height, width]`, and labels `[batch]`.
    #[expect(
        unsafe_code,
        reason = "zeros first would take as long as the pixels, and one thread for them"
    )]
    pub fn fill(&self, indices: &[u32], epoch: u64, position: usize) -> (Vec<f32>, Vec<u8>) {
        let (shape, size) = (self.images.shape(), self.images.shape().pixels());
        let unchanged = self.augmentation == Augmentation::default();
        let length = indices.len() * size;
        let mut pixels = Vec::with_capacity(length);
        pixels.spare_capacity_mut()[..length]
            .par_chunks_exact_mut(size)
            .zip(indices)
            .with_min_len(if unchanged { TOGETHER } else { 1 })
            .enumerate()
            .for_each(|(place, (out, &index))| {
                let mut image = Cow::Borrowed(self.images.pixels(index as usize));
                if !unchanged {
                    let mut rng = stream(self.seed, (epoch << 32) | (position + place) as u64);
                    let map = self.augmentation.draw(&mut rng);
                    image = Cow::Owned(map.warp(shape, &image));
                }
                assert_eq!(image.len(), size, "one number a pixel");
                for (out, &pixel) in out.iter_mut().zip(&*image) {
                    out.write(self.table[usize::from(pixel)]);
                }
            });
        // SAFETY: `length` is a chunk for each image, and all numbers of each were written.
        unsafe { pixels.set_len(length) };
        let label = |&index: &u32| self.images.label(index as usize);
        (pixels, indices.iter().map(label).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ImageShape;

    #[test]
    fn a_batch_holds_its_images_in_order_and_does_not_depend_on_those_before_it() {
        let pixels = (0..160_u8).map(|i| i.wrapping_mul(37)).collect();
        let images = Images::new(ImageShape::new(4, 4), 10, pixels, (0..10).collect()).unwrap();
        let normalization = Normalization::new(0.5, 0.25).unwrap();
        let none = Augmentation::default();
        let (pixels, labels) = Batcher::new(&images, normalization, &none, 1).fill(&[7, 2], 1, 0);
        assert_eq!(labels, [7, 2]);
        let mut expected = [0.0; 32];
        let bytes = [images.pixels(7), images.pixels(2)].concat();
        normalization.apply(&bytes, &mut expected);
        assert_eq!(pixels, expected);

        let augmentation = serde_json::from_str(r#"{"shift": 1, "rotation": 20}"#).unwrap();
        let of_seed = |seed| Batcher::new(&images, normalization, &augmentation, seed);
        let tail = of_seed(1).fill(&[4, 5], 2, 2).0;
        assert_eq!(of_seed(1).fill(&[3, 1, 4, 5], 2, 0).0[32..], tail);
        assert_ne!(of_seed(1).fill(&[4, 5], 3, 2).0, tail);
        assert_ne!(of_seed(2).fill(&[4, 5], 2, 2).0, tail);
    }

    #[test]
    fn mean_and_deviation_are_those_of_the_definition() {
        let pixels = vec![0, 255, 51, 102, 7, 7, 7, 7];
        let images = Images::new(ImageShape::new(1, 4), 2, pixels, vec![0, 1]).unwrap();
        let normalization = Normalization::measure(&images, &[0]);
        // Values 0, 1, 0.2, 0.4: mean 0.4, variance (0.16 + 0.36 + 0.04 + 0)/4 = 0.14.
        assert!((normalization.mean - 0.4).abs() < 1e-6);
        assert!((normalization.std - 0.14_f32.sqrt()).abs() < 1e-6);
        let mut out = [0.0; 2];
        normalization.apply(&[102, 255], &mut out);
        assert!(out[0].abs() < 1e-6 && (out[1] - 0.6 / 0.14_f32.sqrt()).abs() < 1e-5);
        // Constant pixels do not divide by zero.
        Normalization::measure(&images, &[1]).apply(&[7, 7], &mut out);
        assert_eq!(out, [0.0, 0.0]);
    }

    #[test]
    fn what_would_make_no_finite_numbers_is_refused_in_code_and_in_files() {
        let (nan, infinity) = (f32::NAN, f32::INFINITY);
        let stds = [0.0, -0.3, nan, infinity].map(|std| (0.1307, std));
        let others = [(nan, 1.0), (-infinity, 1.0), (0.5, 1e-45)];
        for (mean, std) in stds.into_iter().chain(others) {
            let message = Normalization::new(mean, std).unwrap_err().to_string();
            let named = message.contains("mean") && message.contains("deviation");
            assert!(named, "{message}");
        }
        let read = |text: &str| serde_json::from_str::<Normalization>(text);
        let good = read(r#"{"mean": 0.1307, "std": 0.3081}"#).unwrap();
        assert_eq!(good, Normalization::new(0.1307, 0.3081).unwrap());
        for text in [
            r#"{"mean": 0.1, "std": 0}"#,
            r#"{"mean": 1e39, "std": 1.0}"#,
            r#"{"mean": null, "std": 1.0}"#,
            r#"{"mean": 0.1, "std": 1.0, "more": 1}"#,
        ] {
            read(text).expect_err(text);
        }
    }
}
