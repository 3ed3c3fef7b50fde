use serde::{Deserialize, Serialize};

use crate::DataError;
use crate::images::Images;

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
            Ok(stated)
        } else {
            Err(DataError::Invalid(format!(
                "pixels cannot be normalized with mean {mean} and deviation {std}: give two finite numbers, the deviation above 0, as in 0.1307,0.3081"
            )))
        }
    }

    /// Mean and standard deviation of all pixels of the images at `indices`, exact up to the
    /// final rounding: pixels are counted by value, and the counts are whole numbers.
    ///
    /// # Panics
    /// If an index is out of range.
    pub fn measure(images: &Images, indices: &[u32]) -> Self {
        let mut counts = [0_u64; 256];
        for &index in indices {
            for &pixel in images.pixels(index as usize) {
                counts[usize::from(pixel)] += 1;
            }
        }
        let moment = |power: u32| -> f64 {
            let sum: u64 = (0_u64..)
                .zip(counts)
                .map(|(value, count)| value.pow(power) * count)
                .sum();
            sum as f64 / counts.iter().sum::<u64>().max(1) as f64 / 255_f64.powi(power as i32)
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
        for (out, value) in out.iter_mut().zip(looked_up(&table, pixels)) {
            *out = value;
        }
    }

    /// The normalized value of every possible byte.
    pub fn table(&self) -> [f32; 256] {
        std::array::from_fn(|pixel| (pixel as f32 / 255.0 - self.mean) / self.std)
    }
}

/// Every pixel's value: one load instead of a division.
pub(crate) fn looked_up(table: &[f32; 256], pixels: &[u8]) -> impl Iterator<Item = f32> {
    pixels.iter().map(|&pixel| table[usize::from(pixel)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ImageShape;

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
        for (mean, std) in [
            (0.1307, 0.0),
            (0.1307, -0.3),
            (0.1307, f32::NAN),
            (0.1307, f32::INFINITY),
            (f32::NAN, 1.0),
            (f32::NEG_INFINITY, 1.0),
            (0.5, 1e-45),
        ] {
            let message = Normalization::new(mean, std).unwrap_err().to_string();
            assert!(message.contains("mean"), "{message}");
            assert!(message.contains("deviation"), "{message}");
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
