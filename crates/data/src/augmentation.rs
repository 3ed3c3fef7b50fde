use rand::{Rng, RngExt};
use serde::{Deserialize, Serialize};

use crate::DataError;
use crate::images::ImageShape;

/// Random affine changes to a training image, drawn anew for every image of every epoch,
/// uniformly within ± each bound. All zero: nothing is changed.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Augmentation {
    /// Shift in both directions, in pixels.
    pub shift: f64,
    /// Rotation about the centre, in degrees.
    pub rotation: f64,
    /// Scale: from 1 − s to 1 + s, 0 ≤ s < 1.
    pub scale: f64,
    /// Horizontal shear, in degrees.
    pub shear: f64,
}

/// An affine map: a point of the new image, measured from its centre, to the point of the old
/// image that it shows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Affine {
    pub(crate) xx: f32,
    pub(crate) xy: f32,
    pub(crate) yx: f32,
    pub(crate) yy: f32,
    pub(crate) dx: f32,
    pub(crate) dy: f32,
}

impl Augmentation {
    /// Whether images stay as they are.
    pub fn is_identity(&self) -> bool {
        *self == Self::default()
    }

    /// # Errors
    /// A bound that is negative, not a number, or beyond all sense.
    pub fn validate(&self) -> Result<(), DataError> {
        for (name, value, limit, wanted) in [
            ("shift", self.shift, 1000.0, "pixels from 0 to 1000"),
            ("rotation", self.rotation, 180.0, "degrees from 0 to 180"),
            ("scale", self.scale, 0.99, "a fraction from 0 to 0.99"),
            ("shear", self.shear, 80.0, "degrees from 0 to 80"),
        ] {
            if !(0.0..=limit).contains(&value) {
                return Err(DataError::Augmentation {
                    name,
                    value,
                    wanted,
                });
            }
        }
        Ok(())
    }

    /// Writes a changed copy of `image` to `out`; both `shape.pixels()` bytes, row by row.
    /// Pixels from outside the image are background (0).
    ///
    /// # Panics
    /// If a length does not fit the shape.
    pub fn apply(&self, shape: ImageShape, image: &[u8], out: &mut [u8], rng: &mut impl Rng) {
        let map = self.draw(rng);
        warp(map, shape, image, out);
    }

    fn draw(&self, rng: &mut impl Rng) -> Affine {
        let mut within = |bound: f64| {
            if bound == 0.0 {
                0.0
            } else {
                rng.random_range(-bound..=bound)
            }
        };
        let (dx, dy) = (within(self.shift), within(self.shift));
        let angle = within(self.rotation).to_radians();
        let zoom = 1.0 / (1.0 + within(self.scale));
        let shear = within(self.shear).to_radians().tan();
        let (sin, cos) = angle.sin_cos();
        // Inverse of: shear, then rotate, then scale, then shift.
        let (xx, xy) = (zoom * (cos + shear * sin), zoom * (sin - shear * cos));
        let (yx, yy) = (-zoom * sin, zoom * cos);
        Affine {
            xx: xx as f32,
            xy: xy as f32,
            yx: yx as f32,
            yy: yy as f32,
            dx: dx as f32,
            dy: dy as f32,
        }
    }
}

/// Samples the old image along `map` with bilinear interpolation.
pub(crate) fn warp(map: Affine, shape: ImageShape, image: &[u8], out: &mut [u8]) {
    let (height, width) = (shape.height, shape.width);
    assert!(
        image.len() == shape.pixels() && out.len() == shape.pixels(),
        "one byte a pixel"
    );
    let (cx, cy) = ((width as f32 - 1.0) / 2.0, (height as f32 - 1.0) / 2.0);
    let pixel = |row: i32, column: i32| -> f32 {
        if (0..height as i32).contains(&row) && (0..width as i32).contains(&column) {
            f32::from(image[row as usize * width + column as usize])
        } else {
            0.0
        }
    };
    for (row, line) in out.chunks_exact_mut(width).enumerate() {
        let v = row as f32 - cy - map.dy;
        for (column, out) in line.iter_mut().enumerate() {
            let u = column as f32 - cx - map.dx;
            let x = map.xx * u + map.xy * v + cx;
            let y = map.yx * u + map.yy * v + cy;
            let (left, top) = (x.floor(), y.floor());
            let (fx, fy) = (x - left, y - top);
            let (left, top) = (left as i32, top as i32);
            let upper = pixel(top, left) * (1.0 - fx) + pixel(top, left + 1) * fx;
            let lower = pixel(top + 1, left) * (1.0 - fx) + pixel(top + 1, left + 1) * fx;
            *out = (upper * (1.0 - fy) + lower * fy + 0.5) as u8;
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;
    use rand_xoshiro::Xoshiro256PlusPlus;

    use super::*;

    const SHAPE: ImageShape = ImageShape {
        height: 7,
        width: 7,
    };

    fn dot(row: usize, column: usize) -> Vec<u8> {
        let mut image = vec![0; SHAPE.pixels()];
        image[row * SHAPE.width + column] = 200;
        image
    }

    fn warped(map: Affine, image: &[u8]) -> Vec<u8> {
        let mut out = vec![9; SHAPE.pixels()];
        warp(map, SHAPE, image, &mut out);
        out
    }

    const IDENTITY: Affine = Affine {
        xx: 1.0,
        xy: 0.0,
        yx: 0.0,
        yy: 1.0,
        dx: 0.0,
        dy: 0.0,
    };

    #[test]
    fn no_change_changes_nothing() {
        let image: Vec<u8> = (0..49).collect();
        assert_eq!(warped(IDENTITY, &image), image);
        let mut out = vec![0; 49];
        Augmentation::default().apply(
            SHAPE,
            &image,
            &mut out,
            &mut Xoshiro256PlusPlus::seed_from_u64(1),
        );
        assert_eq!(out, image);
    }

    #[test]
    fn a_shift_moves_right_and_down_and_fills_with_background() {
        let map = Affine {
            dx: 2.0,
            dy: 1.0,
            ..IDENTITY
        };
        assert_eq!(warped(map, &dot(3, 3)), dot(4, 5));
        assert_eq!(warped(map, &dot(6, 6)), vec![0; 49]);
    }

    #[test]
    fn half_a_pixel_is_shared_by_two() {
        let map = Affine {
            dx: 0.5,
            ..IDENTITY
        };
        let out = warped(map, &dot(3, 3));
        assert_eq!((out[3 * 7 + 3], out[3 * 7 + 4]), (100, 100));
    }

    #[test]
    fn a_quarter_turn_maps_right_to_bottom() {
        // Image coordinates have y down, so a positive angle turns clockwise on the screen.
        let out = warped(
            Affine {
                xx: 0.0,
                xy: 1.0,
                yx: -1.0,
                yy: 0.0,
                dx: 0.0,
                dy: 0.0,
            },
            &dot(3, 5),
        );
        assert_eq!(out, dot(5, 3));
    }

    #[test]
    fn draws_stay_within_their_bounds_and_depend_on_the_generator_alone() {
        let augmentation = Augmentation {
            shift: 2.0,
            rotation: 30.0,
            scale: 0.2,
            shear: 10.0,
        };
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(5);
        for _ in 0..1000 {
            let map = augmentation.draw(&mut rng);
            assert!(map.dx.abs() <= 2.0 && map.dy.abs() <= 2.0);
            // The area of a pixel under the inverse map is zoom², whatever rotation and shear.
            let area = map.xx * map.yy - map.xy * map.yx;
            assert!(
                (1.0 / 1.44 - 1e-4..=1.0 / 0.64 + 1e-4).contains(&area),
                "{area}"
            );
        }
        let image: Vec<u8> = (0..49).map(|i| i * 5).collect();
        let once = |seed| {
            let mut out = vec![0; 49];
            augmentation.apply(
                SHAPE,
                &image,
                &mut out,
                &mut Xoshiro256PlusPlus::seed_from_u64(seed),
            );
            out
        };
        assert_eq!(once(3), once(3));
        assert_ne!(once(3), once(4));
    }

    #[test]
    fn senseless_bounds_are_refused_by_name() {
        for (augmentation, name) in [
            (
                Augmentation {
                    shift: -1.0,
                    ..Default::default()
                },
                "shift",
            ),
            (
                Augmentation {
                    rotation: f64::NAN,
                    ..Default::default()
                },
                "rotation",
            ),
            (
                Augmentation {
                    scale: 1.0,
                    ..Default::default()
                },
                "scale",
            ),
            (
                Augmentation {
                    shear: 90.0,
                    ..Default::default()
                },
                "shear",
            ),
        ] {
            let message = augmentation.validate().unwrap_err().to_string();
            assert!(message.contains(name), "{message}");
        }
    }
}
