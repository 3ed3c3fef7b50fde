use std::io::Cursor;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use image::imageops::{self, FilterType};
use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage};

use crate::ReportError;

/// Cells of a heat map that hold their number.
const CELL: u32 = 40;
/// Heat maps of at most so many rows and columns get such cells.
const MOST_LABELED: usize = 16;
/// Larger ones become about so wide, if they are not wider with one pixel a cell.
const WIDTH: usize = 320;
/// Between pictures that stand side by side.
const GAP: u32 = 34;
/// Letters of 5×7 dots side by side, after a line that names them; the last is for all others.
const LETTERS: &str = include_str!("letters.txt");

/// What the colors of a heat map mean. Values are scaled to the largest absolute one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Palette {
    /// Negative values blue, 0 white, positive values orange.
    Signed,
    /// 0 is black, the largest value white, like light.
    Gray,
    /// 0 is white, the largest value black, like ink.
    Ink,
}

impl Palette {
    /// The color of a value, red, green and blue, where `largest` is the largest absolute value of
    /// all; what is not a number is gray.
    pub fn color(self, value: f64, largest: f64) -> [u8; 3] {
        if !value.is_finite() {
            return [136; 3];
        }
        let share = if largest > 0.0 { value / largest } else { 0.0 };
        let share = share.clamp(-1.0, 1.0);
        let blend = |end: [f64; 3]| end.map(|e| (255.0 + (e - 255.0) * share.abs()).round() as u8);
        match (self, share < 0.0) {
            (Self::Signed, true) => blend([24.0, 95.0, 185.0]),
            (Self::Signed, false) => blend([213.0, 94.0, 0.0]),
            (Self::Gray, _) => [(255.0 * share.max(0.0)).round() as u8; 3],
            (Self::Ink, true) => [255; 3],
            (Self::Ink, false) => blend([20.0; 3]),
        }
    }
}

/// What can be read on a color.
pub fn readable_on([r, g, b]: [u8; 3]) -> [u8; 3] {
    let light = 0.299 * f64::from(r) + 0.587 * f64::from(g) + 0.114 * f64::from(b);
    if light > 140.0 { [20; 3] } else { [250; 3] }
}

/// The largest absolute value of those that are numbers.
pub fn largest<'a>(values: impl IntoIterator<Item = &'a f64>) -> f64 {
    let numbers = values.into_iter().filter(|value| value.is_finite());
    numbers.fold(0.0, |largest, value| largest.max(value.abs()))
}

/// Pixels that become a PNG file, or its base64 for a [`Tile`](crate::Tile).
#[derive(Debug, Clone, PartialEq)]
pub struct Picture(DynamicImage);

impl Picture {
    /// Gray values row by row, 0 for black.
    ///
    /// # Errors
    /// Another number of pixels than width · height.
    pub fn gray(width: u32, height: u32, pixels: Vec<u8>) -> Result<Self, ReportError> {
        let found = pixels.len();
        let wrong = || ReportError(format!("{width} × {height} pixels are not {found}"));
        let fits = u64::from(width) * u64::from(height) == found as u64;
        let picture = GrayImage::from_raw(width, height, pixels).filter(|_| fits);
        Ok(Self(picture.ok_or_else(wrong)?.into()))
    }

    /// The same of ink, 0 for none: dark on white paper.
    ///
    /// # Errors
    /// As for [`Self::gray`].
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

    /// The same in squares large enough to be seen, with the numbers in them where there is room.
    pub fn large_heat_map<R: AsRef<[f64]>>(rows: &[R], palette: Palette) -> Self {
        let small = Self::heat_map(rows, palette).0.to_rgb8();
        let longest = small.width().max(small.height()) as usize;
        if longest > MOST_LABELED {
            let cell = (WIDTH / longest).max(1) as u32;
            let (width, height) = (small.width() * cell, small.height() * cell);
            return Self(imageops::resize(&small, width, height, FilterType::Nearest).into());
        }
        let (width, height) = (small.width() * CELL, small.height() * CELL);
        let mut picture = RgbImage::from_fn(width, height, |x, y| match (x % CELL, y % CELL) {
            (0, _) | (_, 0) => Rgb([128; 3]),
            _ => *small.get_pixel(x / CELL, y / CELL),
        });
        for (row, top) in rows.iter().zip((0..).step_by(CELL as usize)) {
            for (value, left) in row.as_ref().iter().zip((0..).step_by(CELL as usize)) {
                let ink = readable_on(small.get_pixel(left / CELL, top / CELL).0);
                write(&mut picture, &label(*value), (left, top), CELL, ink);
            }
        }
        Self(picture.into())
    }

    /// Pictures side by side on white, each with a gray line around it, and a sign (`*`, `=`)
    /// between them.
    pub fn beside(parts: &[Self], signs: &[&str]) -> Self {
        let parts: Vec<RgbImage> = parts.iter().map(|part| part.0.to_rgb8()).collect();
        let height = parts.iter().map(RgbImage::height).max().unwrap_or(0) + 2 * GAP;
        let width = parts.iter().map(|part| part.width() + GAP).sum::<u32>() + GAP;
        let mut all = RgbImage::from_pixel(width, height, Rgb([255; 3]));
        let mut left = GAP;
        for (number, part) in parts.iter().enumerate() {
            let top = (height - part.height()) / 2;
            let frame = RgbImage::from_pixel(part.width() + 2, part.height() + 2, Rgb([128; 3]));
            imageops::replace(&mut all, &frame, i64::from(left) - 1, i64::from(top) - 1);
            imageops::replace(&mut all, part, i64::from(left), i64::from(top));
            left += part.width();
            if let Some(sign) = signs.get(number) {
                write(&mut all, sign, (left, height / 2 - GAP / 2), GAP, [20; 3]);
            }
            left += GAP;
        }
        Self(all.into())
    }

    /// The bytes of a PNG file.
    ///
    /// # Errors
    /// A picture without pixels or too large to encode.
    pub fn png(&self) -> Result<Vec<u8>, ReportError> {
        let mut bytes = Cursor::new(Vec::new());
        self.0
            .write_to(&mut bytes, ImageFormat::Png)
            .map_err(|error| ReportError(format!("a picture: {error}")))?;
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

/// At most five characters.
fn label(value: f64) -> String {
    let size = value.abs();
    let decimals = match size {
        _ if !size.is_finite() => return "?".to_owned(),
        _ if size.fract() == 0.0 && size < 1e5 => 0,
        _ if size < 10.0 => 2,
        _ if size < 100.0 => 1,
        _ if size < 1e4 => 0,
        _ => return format!("{value:.0e}"),
    };
    match format!("{value:.decimals$}") {
        zero if zero == "-0" || zero == "-0.00" => "0".to_owned(),
        text => text,
    }
}

/// Writes into the middle of a square, in two sizes of letters.
fn write(picture: &mut RgbImage, text: &str, (left, top): (u32, u32), size: u32, ink: [u8; 3]) {
    let columns = (6 * text.chars().count() as u32).saturating_sub(1);
    let scale = if columns * 2 + 4 <= size { 2 } else { 1 };
    let left = left + size.saturating_sub(columns * scale) / 2;
    let top = top + size.saturating_sub(7 * scale) / 2;
    let dot = RgbImage::from_pixel(scale, scale, Rgb(ink));
    let (names, rows) = LETTERS.split_once('\n').unwrap_or_default();
    for (number, letter) in (0..).zip(text.chars()) {
        let from = 6 * names.find(letter).unwrap_or(names.len() - 1);
        for (row, y) in rows.lines().zip((top..).step_by(scale as usize)) {
            for (column, _) in row[from..from + 5].match_indices('#') {
                let x = left + scale * (6 * number + column as u32);
                imageops::replace(picture, &dot, x.into(), y.into());
            }
        }
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
        let first = [[24, 95, 185], [255; 3], [213, 94, 0]].concat();
        // What is not a number is gray.
        let second = [[234, 175, 128], [136; 3], [136; 3]].concat();
        assert_eq!(picture.into_raw(), [first, second].concat());
        for nothing in [&[][..], &[vec![]]] {
            let picture = Picture::heat_map(nothing, Palette::Ink);
            assert_eq!(picture.base64().unwrap(), "");
        }
    }

    #[test]
    fn ink_is_dark_on_white_and_the_number_of_pixels_has_to_fit() {
        let picture = decoded(&Picture::ink(2, 1, &[0, 255]).unwrap());
        assert_eq!(picture.into_raw(), [255, 255, 255, 0, 0, 0]);
        for pixels in [0, 1, 3] {
            assert!(Picture::ink(2, 1, &vec![0; pixels]).is_err(), "{pixels}");
        }
    }
}
