//! Images shifted, turned, resized and slanted: at random for training, or as somebody asks.

use rand::{Rng, RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use crate::DataError;
use crate::error::within;
use crate::images::ImageShape;

/// Random affine changes to a training image, drawn anew for every image of every epoch,
/// uniformly within ± each bound. All zero: nothing is changed.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {
    /// Shift in both directions, in pixels.
    pub shift: f64,
    /// Rotation about the center, in degrees.
    pub rotation: f64,
    /// Scale: from 1 − s to 1 + s, 0 ≤ s < 1.
    pub scale: f64,
    /// Horizontal shear, in degrees.
    pub shear: f64,
}

impl Augmentation {
    /// # Errors
    /// A bound that is negative, not a number, or too large.
    pub fn validate(&self) -> Result<(), DataError> {
        let (shift, rotation) = (self.shift, self.rotation);
        within("augmentation.shift", shift, 0.0..=1000.0, "pixels")?;
        within("augmentation.rotation", rotation, 0.0..=180.0, "degrees")?;
        within("augmentation.scale", self.scale, 0.0..=0.99, "a fraction")?;
        within("augmentation.shear", self.shear, 0.0..=80.0, "degrees")
    }

    pub(crate) fn draw(&self, rng: &mut impl Rng) -> Affine {
        let mut within = |bound| match bound {
            0.0 => 0.0,
            _ => rng.random_range(-bound..=bound),
        };
        let shift = (within(self.shift), within(self.shift));
        let rotation = within(self.rotation);
        let scale = 1.0 + within(self.scale);
        Affine::new(within(self.shear), rotation, scale, shift)
    }
}

/// One chosen change to one image: where [`Augmentation`] draws at random within bounds, this is
/// exactly what was asked for. The default changes nothing.
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
        let map = Affine::new(0.0, self.rotation, self.scale, (self.right, self.down));
        let mut out = map.warp(shape, image);
        if self.noise > 0.0 {
            let mut random = Xoshiro256PlusPlus::seed_from_u64(self.seed ^ 0x006e_6f69_7365);
            for pixel in &mut out {
                // A draw from the standard normal distribution (Box and Muller 1958).
                let radius: f64 = 1.0 - random.random_range(0.0..1.0); // in (0, 1]
                let angle: f64 = random.random_range(0.0..std::f64::consts::TAU);
                let normal = (-2.0 * radius.ln()).sqrt() * angle.cos();
                let value = f64::from(*pixel) + 255.0 * self.noise * normal;
                *pixel = value.round().clamp(0.0, 255.0) as u8;
            }
        }
        out
    }
}

/// An affine map: a point of the new image, measured from its center, to the point of the old
/// image that it shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Affine {
    xx: f32,
    xy: f32,
    yx: f32,
    yy: f32,
    dx: f32,
    dy: f32,
}

impl Affine {
    /// The map of an image that is sheared to the left at the top (in degrees), then rotated
    /// (degrees, clockwise on the screen), then scaled (1 for its own size), then shifted to the
    /// right and down (pixels).
    pub(crate) fn new(shear: f64, rotation: f64, scale: f64, (right, down): (f64, f64)) -> Self {
        // Each is inverted, and so is their order.
        let zoom = 1.0 / scale;
        let shear = shear.to_radians().tan();
        let (sin, cos) = rotation.to_radians().sin_cos();
        Self {
            xx: (zoom * (cos + shear * sin)) as f32,
            xy: (zoom * (sin - shear * cos)) as f32,
            yx: (-zoom * sin) as f32,
            yy: (zoom * cos) as f32,
            dx: right as f32,
            dy: down as f32,
        }
    }

    /// Samples `image` (`shape.pixels()` bytes, row by row) along the map with bilinear
    /// interpolation. Pixels from outside the image are background (0).
    ///
    /// # Panics
    /// If the length does not fit the shape.
    pub(crate) fn warp(&self, shape: ImageShape, image: &[u8]) -> Vec<u8> {
        assert_eq!(image.len(), shape.pixels(), "one byte a pixel");
        let ImageShape { height, width } = shape;
        let (cx, cy) = ((width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0);
        let pixel = |row: i32, column: i32| -> f32 {
            if (0..height as i32).contains(&row) && (0..width as i32).contains(&column) {
                f32::from(image[row as usize * width + column as usize])
            } else {
                0.0
            }
        };
        let mut out = vec![0; image.len()];
        for (row, line) in out.chunks_exact_mut(width.max(1)).enumerate() {
            let v = row as f32 - cy - self.dy;
            for (column, out) in line.iter_mut().enumerate() {
                let u = column as f32 - cx - self.dx;
                let x = self.xx * u + self.xy * v + cx;
                let y = self.yx * u + self.yy * v + cy;
                let (left, top) = (x.floor(), y.floor());
                let (fx, fy) = (x - left, y - top);
                let (left, top) = (left as i32, top as i32);
                let upper = pixel(top, left) * (1.0 - fx) + pixel(top, left + 1) * fx;
                let lower = pixel(top + 1, left) * (1.0 - fx) + pixel(top + 1, left + 1) * fx;
                *out = (upper * (1.0 - fy) + lower * fy + 0.5) as u8;
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::choice::stream;

    const SHAPE: ImageShape = ImageShape::new(9, 9);

    fn of<T: serde::de::DeserializeOwned>(text: &str) -> T {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn a_dot_goes_where_each_change_takes_it() {
        let dot = |row: usize, column: usize| {
            let mut image = [0; 81];
            image[row * 9 + column] = 200;
            image
        };
        // Row and column before, shear and rotation, row and column after; the center is (4, 4).
        for (from, shear, rotation, to) in [
            ((2, 4), 45.0, 0.0, (2, 2)),
            ((6, 4), 45.0, 0.0, (6, 6)),
            // First the shear, then the rotation.
            ((2, 4), 45.0, 90.0, (2, 6)),
        ] {
            let map = Affine::new(shear, rotation, 1.0, (0.0, 0.0));
            let out = map.warp(SHAPE, &dot(from.0, from.1));
            assert!(out[to.0 * 9 + to.1] > 190, "{from:?} {shear} {rotation}");
        }
        let apply = |text| of::<Perturbation>(text).apply(SHAPE, &dot(4, 7));
        // Three columns right of the center. y goes down, so a positive angle turns clockwise.
        for (text, expected) in [
            ("{}", dot(4, 7)),
            (r#"{"right": 1, "down": 2}"#, dot(6, 8)),
            (r#"{"right": 2}"#, [0; 81]),
            (r#"{"rotation": 90, "right": -1}"#, dot(7, 3)),
        ] {
            assert_eq!(apply(text), expected, "{text}");
        }
        assert_eq!(apply(r#"{"scale": 0.33333333333333333}"#)[4 * 9 + 5], 200);
        // Half a pixel is shared by two.
        assert_eq!(apply(r#"{"right": 0.5}"#)[4 * 9 + 7..4 * 9 + 9], [100, 100]);
    }

    #[test]
    fn draws_stay_within_their_bounds_and_depend_on_the_generator_alone() {
        let image: [u8; 81] = std::array::from_fn(|i| i as u8 * 3);
        let all: Augmentation = of(r#"{"shift": 2, "rotation": 30, "scale": 0.2, "shear": 10}"#);
        let apply = |change: &Augmentation, image: &[u8; 81], seed| {
            change.draw(&mut stream(seed, 0)).warp(SHAPE, image)
        };
        assert_eq!(apply(&all, &image, 3), apply(&all, &image, 3));
        assert_ne!(apply(&all, &image, 3), apply(&all, &image, 4));
        assert_eq!(apply(&Augmentation::default(), &image, 3), image);
        // The middle of a wide stripe stays in it.
        let stripe = std::array::from_fn(|i| u8::from((18..63).contains(&i)));
        for seed in 0..1000 {
            let shifted = apply(&of(r#"{"shift": 2}"#), &stripe, seed);
            assert_eq!(shifted[40], 1);
            // How many pixels of the old image one of the new one shows: 1/scale², whatever
            // shear and rotation.
            let map = all.draw(&mut stream(seed, 0));
            let area = map.xx * map.yy - map.xy * map.yx;
            let within = 1.0 / 1.44 - 1e-4..=1.0 / 0.64 + 1e-4;
            assert!(within.contains(&area), "{area}");
        }
    }

    #[test]
    fn noise_has_the_deviation_asked_for_and_repeats_with_its_seed() {
        let noisy = |seed| {
            let mut change: Perturbation = of(r#"{"noise": 0.1}"#);
            change.seed = seed;
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
        let augmentation = |text| of::<Augmentation>(text).validate();
        let perturbation = |text| of::<Perturbation>(text).validate();
        let none = Perturbation::default();
        let noise = f64::NAN;
        for (outcome, start) in [
            (
                augmentation(r#"{"shift": -1}"#),
                "augmentation.shift is -1; give pixels from 0 to",
            ),
            (
                augmentation(r#"{"rotation": 181}"#),
                "augmentation.rotation is 181",
            ),
            (
                augmentation(r#"{"scale": 1}"#),
                "augmentation.scale is 1; give a",
            ),
            (
                augmentation(r#"{"shear": 90}"#),
                "augmentation.shear is 90; give",
            ),
            (perturbation(r#"{"right": 1001}"#), "right is 1001"),
            (perturbation(r#"{"scale": 0}"#), "scale is 0; give "),
            (Perturbation { noise, ..none }.validate(), "noise is NaN; "),
        ] {
            let message = outcome.unwrap_err().to_string();
            assert!(message.starts_with(start), "{message}");
        }
        none.validate().unwrap();
    }
}
