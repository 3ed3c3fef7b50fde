use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage};

use crate::color::{Palette, largest};
use crate::error::ReportError;

/// Pixels that become a PNG file, or its base64 for a [`Tile`](crate::Tile).
#[derive(Debug, Clone, PartialEq)]
pub struct Picture(DynamicImage);

impl Picture {
    /// Gray values row by row: 0 is black.
    ///
    /// # Errors
    /// Another number of pixels than width · height.
    pub fn gray(width: u32, height: u32, pixels: Vec<u8>) -> Result<Self, ReportError> {
        let found = pixels.len();
        GrayImage::from_raw(width, height, pixels)
            .filter(|picture| picture.len() == found)
            .map(|picture| Self(picture.into()))
            .ok_or_else(|| ReportError::Picture {
                width,
                height,
                message: format!("{found} gray values were given"),
            })
    }

    /// Ink row by row, 0 for none: dark on white paper.
    ///
    /// # Errors
    /// Another number of pixels than width · height.
    pub fn ink(width: u32, height: u32, pixels: &[u8]) -> Result<Self, ReportError> {
        Self::gray(width, height, pixels.iter().map(|ink| 255 - ink).collect())
    }

    /// One pixel a number, colors scaled to the largest absolute value: a few hundred bytes where
    /// as many vector squares take a hundred times as much. Missing cells are gray.
    pub fn heat_map<R: AsRef<[f64]>>(rows: &[R], palette: Palette) -> Self {
        let rows: Vec<&[f64]> = rows.iter().map(AsRef::as_ref).collect();
        let width = rows.iter().map(|row| row.len()).max().unwrap_or(0);
        let largest = largest(rows.iter().copied().flatten());
        let picture = RgbImage::from_fn(width as u32, rows.len() as u32, |x, y| {
            let value = rows[y as usize].get(x as usize);
            Rgb(palette.color(value.copied().unwrap_or(f64::NAN), largest))
        });
        Self(picture.into())
    }

    /// The bytes of a PNG file.
    ///
    /// # Errors
    /// A picture without pixels or too large to encode.
    pub fn png(&self) -> Result<Vec<u8>, ReportError> {
        let mut bytes = Cursor::new(Vec::new());
        self.0
            .write_to(&mut bytes, ImageFormat::Png)
            .map_err(|error| ReportError::Picture {
                width: self.0.width(),
                height: self.0.height(),
                message: error.to_string(),
            })?;
        Ok(bytes.into_inner())
    }

    /// The PNG in base64; empty for a picture without pixels.
    ///
    /// # Errors
    /// A picture too large to encode.
    pub fn base64(&self) -> Result<String, ReportError> {
        if self.0.width() == 0 || self.0.height() == 0 {
            return Ok(String::new());
        }
        Ok(STANDARD.encode(self.png()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decoded(picture: &Picture) -> RgbImage {
        let png = STANDARD.decode(picture.base64().unwrap()).unwrap();
        image::load_from_memory(&png).unwrap().to_rgb8()
    }

    #[test]
    fn a_heat_map_has_one_pixel_for_each_number() {
        let rows = [vec![-2.0, 0.0, 2.0], vec![1.0, f64::NAN]];
        let picture = decoded(&Picture::heat_map(&rows, Palette::Signed));
        assert_eq!(picture.dimensions(), (3, 2));
        assert_eq!(picture.get_pixel(0, 0).0, [24, 95, 185]);
        assert_eq!(picture.get_pixel(1, 0).0, [255, 255, 255]);
        assert_eq!(picture.get_pixel(2, 0).0, [213, 94, 0]);
        assert_eq!(picture.get_pixel(1, 1).0, [136, 136, 136], "not a number");
        assert_eq!(picture.get_pixel(2, 1).0, [136, 136, 136], "a missing cell");
    }

    #[test]
    fn nothing_is_drawn_of_nothing() {
        let nothing: [&[f64]; 0] = [];
        assert_eq!(
            Picture::heat_map(&nothing, Palette::Ink).base64().unwrap(),
            ""
        );
        assert_eq!(
            Picture::heat_map(&[[0.0; 0]], Palette::Ink)
                .base64()
                .unwrap(),
            ""
        );
        assert_ne!(
            Picture::heat_map(&[[0.0]], Palette::Ink).base64().unwrap(),
            ""
        );
    }

    #[test]
    fn ink_is_dark_on_white_and_the_number_of_pixels_has_to_fit() {
        let picture = decoded(&Picture::ink(2, 1, &[0, 255]).unwrap());
        assert_eq!(picture.into_raw(), [255, 255, 255, 0, 0, 0]);
        for pixels in [0, 1, 3] {
            assert!(Picture::gray(2, 1, vec![0; pixels]).is_err(), "{pixels}");
        }
    }
}
