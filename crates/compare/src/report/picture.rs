//! Weights and feature maps as PNG, one pixel a number: a few hundred bytes where as many vector
//! squares would take a hundred times as much.

use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{ImageFormat, Rgb, RgbImage};

use crate::CompareError;

/// What colors mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Palette {
    /// Negative values blue, 0 white, positive values orange.
    Signed,
    /// 0 is white, the largest value black, like ink.
    Ink,
}

/// A matrix as PNG in base64, colors scaled to its largest absolute value. Nothing for a matrix
/// without a number in it; cells without a number are gray.
pub(super) fn matrix(rows: &[Vec<f64>], palette: Palette) -> Result<String, CompareError> {
    let width = rows.iter().map(Vec::len).max().unwrap_or(0);
    if width == 0 {
        return Ok(String::new());
    }
    let largest = rows
        .iter()
        .flatten()
        .filter(|value| value.is_finite())
        .fold(0.0_f64, |largest, value| largest.max(value.abs()));
    let picture = RgbImage::from_fn(width as u32, rows.len() as u32, |x, y| {
        let value = rows
            .get(y as usize)
            .and_then(|row| row.get(x as usize))
            .copied()
            .unwrap_or(f64::NAN);
        Rgb(color(value, largest, palette))
    });
    let mut bytes = Cursor::new(Vec::new());
    picture
        .write_to(&mut bytes, ImageFormat::Png)
        .map_err(|error| CompareError::Report(error.to_string()))?;
    Ok(STANDARD.encode(bytes.into_inner()))
}

fn color(value: f64, largest: f64, palette: Palette) -> [u8; 3] {
    if !value.is_finite() {
        return [136; 3];
    }
    let share = if largest > 0.0 {
        (value / largest).clamp(-1.0, 1.0)
    } else {
        0.0
    };
    // The same blue and orange as in the pictures of `digits verify`.
    let end = match (palette, share < 0.0) {
        (Palette::Ink, true) => return [255; 3],
        (Palette::Ink, false) => [20.0; 3],
        (Palette::Signed, true) => [24.0, 95.0, 185.0],
        (Palette::Signed, false) => [213.0, 94.0, 0.0],
    };
    end.map(|end: f64| (255.0 + (end - 255.0) * share.abs()).round() as u8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matrix_becomes_one_pixel_a_number() {
        let png = matrix(
            &[vec![-2.0, 0.0, 2.0], vec![1.0, f64::NAN]],
            Palette::Signed,
        )
        .unwrap();
        let picture = image::load_from_memory(&STANDARD.decode(png).unwrap())
            .unwrap()
            .to_rgb8();
        assert_eq!(picture.dimensions(), (3, 2));
        assert_eq!(picture.get_pixel(0, 0).0, [24, 95, 185]);
        assert_eq!(picture.get_pixel(1, 0).0, [255, 255, 255]);
        assert_eq!(picture.get_pixel(2, 0).0, [213, 94, 0]);
        assert_eq!(picture.get_pixel(1, 1).0, [136, 136, 136], "not a number");
        assert_eq!(picture.get_pixel(2, 1).0, [136, 136, 136], "a missing cell");
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        assert_eq!(matrix(&[], Palette::Ink).unwrap(), "");
        assert_eq!(matrix(&[vec![]], Palette::Ink).unwrap(), "");
        assert_ne!(matrix(&[vec![0.0]], Palette::Ink).unwrap(), "");
    }
}
