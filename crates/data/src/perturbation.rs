use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use crate::DataError;
use crate::augmentation::{Affine, warp};
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
    /// A value that is not a number or beyond all sense.
    pub fn validate(&self) -> Result<(), DataError> {
        for (name, value, low, high, wanted) in [
            (
                "right",
                self.right,
                -1000.0,
                1000.0,
                "pixels from -1000 to 1000",
            ),
            (
                "down",
                self.down,
                -1000.0,
                1000.0,
                "pixels from -1000 to 1000",
            ),
            (
                "rotation",
                self.rotation,
                -360.0,
                360.0,
                "degrees from -360 to 360",
            ),
            ("scale", self.scale, 0.05, 20.0, "a factor from 0.05 to 20"),
            ("noise", self.noise, 0.0, 10.0, "a deviation from 0 to 10"),
        ] {
            if !(low..=high).contains(&value) {
                return Err(DataError::Perturbation {
                    name,
                    value,
                    wanted,
                });
            }
        }
        Ok(())
    }

    /// A changed copy of `image` (`shape.pixels()` bytes, row by row): first moved, with bilinear
    /// interpolation and background from outside, then noise, cut off at paper and ink.
    ///
    /// # Panics
    /// If the length does not fit the shape.
    pub fn apply(&self, shape: ImageShape, image: &[u8]) -> Vec<u8> {
        let mut out = vec![0; shape.pixels()];
        let (sin, cos) = self.rotation.to_radians().sin_cos();
        let zoom = 1.0 / self.scale;
        // Inverse of: rotate, then scale, then shift.
        let map = Affine {
            xx: (zoom * cos) as f32,
            xy: (zoom * sin) as f32,
            yx: (-zoom * sin) as f32,
            yy: (zoom * cos) as f32,
            dx: self.right as f32,
            dy: self.down as f32,
        };
        warp(map, shape, image, &mut out);
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

    const SHAPE: ImageShape = ImageShape {
        height: 9,
        width: 9,
    };

    fn dot(row: usize, column: usize) -> Vec<u8> {
        let mut image = vec![0; SHAPE.pixels()];
        image[row * SHAPE.width + column] = 200;
        image
    }

    #[test]
    fn nothing_asked_for_changes_nothing() {
        let image: Vec<u8> = (0..81).collect();
        assert_eq!(Perturbation::default().apply(SHAPE, &image), image);
    }

    #[test]
    fn positive_shifts_go_right_and_down() {
        let moved = Perturbation {
            right: 2.0,
            down: 1.0,
            ..Perturbation::default()
        };
        assert_eq!(moved.apply(SHAPE, &dot(4, 4)), dot(5, 6));
    }

    #[test]
    fn a_quarter_turn_takes_the_right_to_the_bottom() {
        let turned = Perturbation {
            rotation: 90.0,
            ..Perturbation::default()
        };
        assert_eq!(turned.apply(SHAPE, &dot(4, 7)), dot(7, 4));
    }

    #[test]
    fn twice_the_size_doubles_the_distance_from_the_center() {
        let grown = Perturbation {
            scale: 2.0,
            ..Perturbation::default()
        };
        assert_eq!(grown.apply(SHAPE, &dot(4, 5))[4 * 9 + 6], 200);
    }

    #[test]
    fn noise_has_the_deviation_asked_for_and_repeats_with_its_seed() {
        let shape = ImageShape {
            height: 100,
            width: 100,
        };
        let noisy = Perturbation {
            noise: 0.1,
            seed: 3,
            ..Perturbation::default()
        };
        let out = noisy.apply(shape, &vec![128; shape.pixels()]);
        let mean = out.iter().map(|&p| f64::from(p)).sum::<f64>() / 1e4;
        let variance = out
            .iter()
            .map(|&p| (f64::from(p) - mean).powi(2))
            .sum::<f64>()
            / 1e4;
        assert!((mean - 128.0).abs() < 1.0, "{mean}");
        assert!((variance.sqrt() - 25.5).abs() < 0.6, "{}", variance.sqrt());
        assert_eq!(noisy.apply(shape, &vec![128; shape.pixels()]), out);
        let other = Perturbation { seed: 4, ..noisy };
        assert_ne!(other.apply(shape, &vec![128; shape.pixels()]), out);
    }

    #[test]
    fn values_beyond_all_sense_are_refused_by_name() {
        for (bad, name) in [
            (
                Perturbation {
                    scale: 0.0,
                    ..Perturbation::default()
                },
                "scale",
            ),
            (
                Perturbation {
                    noise: f64::NAN,
                    ..Perturbation::default()
                },
                "noise",
            ),
            (
                Perturbation {
                    right: f64::INFINITY,
                    ..Perturbation::default()
                },
                "right",
            ),
        ] {
            let message = bad.validate().unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
        }
        Perturbation::default().validate().unwrap();
    }
}
