use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use crate::DataError;
use crate::affine::Affine;
use crate::error::within;
use crate::images::ImageShape;

/// One chosen change to one image: where [`crate::Augmentation`] draws at random within bounds,
/// this is exactly what was asked for. The default changes nothing.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Perturbation {
    /// Shift to the right in pixels.
    pub right: f64,
    /// Shift downwards in pixels.
    pub down: f64,
    /// Rotation about the center in degrees, clockwise on the screen.
    pub rotation: f64,
    /// Size of the result, 1 for the size of the image.
    pub scale: f64,
    /// Standard deviation of Gaussian noise on every pixel, 1 for the step from paper to ink.
    pub noise: f64,
    /// Seed of the noise.
    pub seed: u64,
}

impl Default for Perturbation {
    fn default() -> Self {
        Self {
            right: 0.0,
            down: 0.0,
            rotation: 0.0,
            scale: 1.0,
            noise: 0.0,
            seed: 0,
        }
    }
}

impl Perturbation {
    /// # Errors
    /// A value that is not a number or out of its range.
    pub fn validate(&self) -> Result<(), DataError> {
        within("right", self.right, -1000.0..=1000.0, "pixels")?;
        within("down", self.down, -1000.0..=1000.0, "pixels")?;
        within("rotation", self.rotation, -360.0..=360.0, "degrees")?;
        within("scale", self.scale, 0.05..=20.0, "a factor")?;
        within("noise", self.noise, 0.0..=10.0, "a deviation")
    }

    /// A changed copy of `image` (`shape.pixels()` bytes, row by row): first moved, with bilinear
    /// interpolation and background from outside, then noise, cut off at paper and ink.
    ///
    /// # Panics
    /// If the length does not fit the shape.
    pub fn apply(&self, shape: ImageShape, image: &[u8]) -> Vec<u8> {
        let mut out = vec![0; shape.pixels()];
        Affine::new(0.0, self.rotation, self.scale, (self.right, self.down))
            .warp(shape, image, &mut out);
        if self.noise > 0.0 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed ^ 0x006e_6f69_7365);
            for pixel in &mut out {
                let noise = 255.0 * self.noise * normal(&mut random);
                *pixel = (f64::from(*pixel) + noise).round().clamp(0.0, 255.0) as u8;
            }
        }
        out
    }
}

/// A draw from the standard normal distribution (Box and Muller 1958).
fn normal(random: &mut Xoshiro256PlusPlus) -> f64 {
    let radius: f64 = 1.0 - random.random_range(0.0..1.0); // in (0, 1]
    let angle: f64 = random.random_range(0.0..std::f64::consts::TAU);
    (-2.0 * radius.ln()).sqrt() * angle.cos()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(set: impl Fn(&mut Perturbation)) -> Perturbation {
        let mut change = Perturbation::default();
        set(&mut change);
        change
    }

    #[test]
    fn each_part_goes_where_it_says_and_none_changes_nothing() {
        // Where a dot three columns right of the center of 9×9 pixels goes: row, column.
        for (change, (row, column)) in [
            (with(|_| {}), (4, 7)),
            (with(|change| change.right = 1.0), (4, 8)),
            (with(|change| change.down = 1.0), (5, 7)),
            (with(|change| change.rotation = 90.0), (7, 4)),
            (with(|change| change.scale = 1.0 / 3.0), (4, 5)),
        ] {
            let mut image = vec![0; 81];
            image[4 * 9 + 7] = 200;
            let out = change.apply(ImageShape::new(9, 9), &image);
            assert_eq!(out[row * 9 + column], 200, "{change:?}");
        }
    }

    #[test]
    fn noise_has_the_deviation_asked_for_and_repeats_with_its_seed() {
        let noisy = |seed| {
            let change = with(|change| (change.noise, change.seed) = (0.1, seed));
            change.apply(ImageShape::new(100, 100), &[128; 10_000])
        };
        let out: Vec<f64> = noisy(3).into_iter().map(f64::from).collect();
        let mean = out.iter().sum::<f64>() / 1e4;
        let variance = out.iter().map(|p| (p - mean).powi(2)).sum::<f64>() / 1e4;
        assert!((mean - 128.0).abs() < 1.0, "{mean}");
        assert!((variance.sqrt() - 25.5).abs() < 0.6, "{}", variance.sqrt());
        assert_eq!(noisy(3), noisy(3));
        assert_ne!(noisy(3), noisy(4));
    }

    #[test]
    fn invalid_values_are_refused_by_name() {
        for (bad, start) in [
            (with(|change| change.scale = 0.0), "scale is 0; give "),
            (with(|change| change.noise = f64::NAN), "noise is NaN; "),
            (with(|change| change.right = f64::INFINITY), "right is inf"),
        ] {
            let message = bad.validate().unwrap_err().to_string();
            assert!(message.starts_with(start), "{message}");
        }
        Perturbation::default().validate().unwrap();
    }
}
