use crate::images::ImageShape;

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

    /// Samples `image` along the map with bilinear interpolation into `out`, both
    /// `shape.pixels()` bytes, row by row. Pixels from outside the image are background (0).
    ///
    /// # Panics
    /// If a length does not fit the shape.
    pub(crate) fn warp(&self, shape: ImageShape, image: &[u8], out: &mut [u8]) {
        let ImageShape { height, width } = shape;
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
    }

    /// How many pixels of the old image one pixel of the new one shows.
    #[cfg(test)]
    pub(crate) fn area(&self) -> f32 {
        self.xx * self.yy - self.xy * self.yx
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHAPE: ImageShape = ImageShape::new(9, 9);

    #[test]
    fn a_dot_goes_where_shear_rotation_scale_and_shift_take_it() {
        // Row and column before, the map, row and column after; the center is (4, 4).
        for (from, (shear, rotation, scale, shift), to) in [
            ((4, 4), (0.0, 0.0, 1.0, (0.0, 0.0)), Some((4, 4))),
            ((4, 4), (0.0, 0.0, 1.0, (2.0, 1.0)), Some((5, 6))),
            ((8, 8), (0.0, 0.0, 1.0, (2.0, 1.0)), None),
            // y goes down, so a positive angle turns clockwise: right to bottom.
            ((4, 7), (0.0, 90.0, 1.0, (0.0, 0.0)), Some((7, 4))),
            ((4, 7), (0.0, 90.0, 1.0, (-1.0, 0.0)), Some((7, 3))),
            ((4, 5), (0.0, 0.0, 2.0, (0.0, 0.0)), Some((4, 6))),
            ((2, 4), (45.0, 0.0, 1.0, (0.0, 0.0)), Some((2, 2))),
            ((6, 4), (45.0, 0.0, 1.0, (0.0, 0.0)), Some((6, 6))),
            // First the shear, then the rotation.
            ((2, 4), (45.0, 90.0, 1.0, (0.0, 0.0)), Some((2, 6))),
        ] {
            let mut image = [0; 81];
            image[from.0 * 9 + from.1] = 200;
            let mut out = [9; 81];
            Affine::new(shear, rotation, scale, shift).warp(SHAPE, &image, &mut out);
            let place = |(row, column): (usize, usize)| row * 9 + column;
            let seen = out.iter().position(|&pixel| pixel > 190);
            assert_eq!(seen, to.map(place), "{from:?} {shear} {rotation} {scale}");
        }
    }

    #[test]
    fn half_a_pixel_is_shared_by_two() {
        let mut image = [0; 81];
        image[40] = 200;
        let mut out = [9; 81];
        Affine::new(0.0, 0.0, 1.0, (0.5, 0.0)).warp(SHAPE, &image, &mut out);
        let mut expected = [0; 81];
        expected[40..42].fill(100);
        assert_eq!(out, expected);
    }
}
