use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::DataError;
use crate::affine::Affine;
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
    /// Whether images stay as they are.
    pub fn is_identity(&self) -> bool {
        *self == Self::default()
    }

    /// # Errors
    /// A bound that is negative, not a number, or too large.
    pub fn validate(&self) -> Result<(), DataError> {
        within("augmentation.shift", self.shift, 0.0..=1000.0, "pixels")?;
        within(
            "augmentation.rotation",
            self.rotation,
            0.0..=180.0,
            "degrees",
        )?;
        within("augmentation.scale", self.scale, 0.0..=0.99, "a fraction")?;
        within("augmentation.shear", self.shear, 0.0..=80.0, "degrees")
    }

    /// Writes a changed copy of `image` to `out`; both `shape.pixels()` bytes, row by row.
    /// Pixels from outside the image are background (0).
    ///
    /// # Panics
    /// If a length does not fit the shape.
    pub fn apply(&self, shape: ImageShape, image: &[u8], out: &mut [u8], rng: &mut impl Rng) {
        self.draw(rng).warp(shape, image, out);
    }

    fn draw(&self, rng: &mut impl Rng) -> Affine {
        let mut within = |bound: f64| {
            if bound == 0.0 {
                0.0
            } else {
                rng.random_range(-bound..=bound)
            }
        };
        let shift = (within(self.shift), within(self.shift));
        let rotation = within(self.rotation);
        let scale = 1.0 + within(self.scale);
        Affine::new(within(self.shear), rotation, scale, shift)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::stream;

    #[test]
    fn draws_stay_within_their_bounds_and_depend_on_the_generator_alone() {
        let of = |text| serde_json::from_str::<Augmentation>(text).unwrap();
        let apply = |change: &Augmentation, image: &[u8; 49], seed| {
            let mut out = [0; 49];
            change.apply(ImageShape::new(7, 7), image, &mut out, &mut stream(seed, 0));
            out
        };
        let image: [u8; 49] = std::array::from_fn(|i| i as u8 * 5);
        let all = of(r#"{"shift": 2, "rotation": 30, "scale": 0.2, "shear": 10}"#);
        assert_eq!(apply(&all, &image, 3), apply(&all, &image, 3));
        assert_ne!(apply(&all, &image, 3), apply(&all, &image, 4));
        assert_eq!(apply(&Augmentation::default(), &image, 3), image);
        // The middle of a wide stripe stays in it.
        let stripe = std::array::from_fn(|i| u8::from((7..42).contains(&i)));
        for seed in 0..1000 {
            let shifted = apply(&of(r#"{"shift": 2}"#), &stripe, seed);
            assert_eq!(shifted[3 * 7 + 3], 1);
            // 1/scale², whatever shear and rotation.
            let area = all.draw(&mut stream(seed, 0)).area();
            let within = 1.0 / 1.44 - 1e-4..=1.0 / 0.64 + 1e-4;
            assert!(within.contains(&area), "{area}");
        }
    }

    #[test]
    fn invalid_bounds_are_refused_by_name() {
        for (text, start) in [
            (r#"{"shift": -1}"#, "augmentation.shift is -1; give pixels"),
            (r#"{"rotation": 180.5}"#, "augmentation.rotation is 180.5"),
            (r#"{"scale": 1}"#, "augmentation.scale is 1; give a"),
            (r#"{"shear": 90}"#, "augmentation.shear is 90; give"),
        ] {
            let bad: Augmentation = serde_json::from_str(text).unwrap();
            let message = bad.validate().unwrap_err().to_string();
            assert!(message.starts_with(start), "{message}");
        }
    }
}
