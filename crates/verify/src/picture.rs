//! Heat maps as PNG, with the numbers in the cells where there is room.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

pub use crate::colors::Palette;
use crate::colors::color;
use crate::error::VerifyError;
use crate::filter::Grid;

/// Cells this large hold numbers.
const CELL: u32 = 40;
/// Grids up to this size get such cells; larger ones one pixel a cell, enlarged if small.
const MAX_LABELED: usize = 16;
/// Larger pictures than this are refused by whoever reads them.
const TARGET: usize = 320;
const GAP: u32 = 34;

/// One grid as a heat map.
pub fn heat_map(grid: &Grid<f64>, palette: Palette) -> RgbImage {
    let largest = grid
        .values()
        .iter()
        .copied()
        .filter(|v| v.is_finite())
        .fold(0.0_f64, |m, v| m.max(v.abs()));
    let labeled = grid.rows().max(grid.columns()) <= MAX_LABELED;
    let cell = if labeled {
        CELL
    } else {
        (TARGET / grid.rows().max(grid.columns())).max(1) as u32
    };
    let mut picture = RgbImage::new(grid.columns() as u32 * cell, grid.rows() as u32 * cell);
    for (r, row) in grid.iter_rows().enumerate() {
        for (c, &value) in row.iter().enumerate() {
            let (fill, ink) = color(value, largest, palette);
            let (x, y) = (c as u32 * cell, r as u32 * cell);
            for dy in 0..cell {
                for dx in 0..cell {
                    let edge = labeled && (dx == 0 || dy == 0);
                    picture.put_pixel(x + dx, y + dy, Rgb(if edge { [128; 3] } else { fill }));
                }
            }
            if labeled {
                write(&mut picture, &label(value), (x, y), cell, ink);
            }
        }
    }
    picture
}

/// Image ⋆ kernel = result, side by side on white.
pub fn panel(image: &Grid<f64>, kernel: &Grid<f64>, result: &Grid<f64>) -> RgbImage {
    let parts = [
        heat_map(image, Palette::Gray),
        heat_map(kernel, Palette::Signed),
        heat_map(result, Palette::Signed),
    ];
    let height = parts.iter().map(RgbImage::height).max().unwrap_or(0) + 2 * GAP;
    let width = parts.iter().map(RgbImage::width).sum::<u32>() + 4 * GAP;
    let mut all = RgbImage::from_pixel(width, height, Rgb([255; 3]));
    let mut left = GAP;
    for (number, part) in parts.iter().enumerate() {
        let top = (height - part.height()) / 2;
        image::imageops::replace(&mut all, part, i64::from(left), i64::from(top));
        frame(&mut all, (left, top), part.dimensions());
        left += part.width();
        if number < 2 {
            let sign = if number == 0 { "*" } else { "=" };
            write(&mut all, sign, (left, height / 2 - GAP / 2), GAP, [20; 3]);
        }
        left += GAP;
    }
    all
}

/// A gray line around a part, so that white results have an edge.
fn frame(picture: &mut RgbImage, (left, top): (u32, u32), (width, height): (u32, u32)) {
    for x in left - 1..=left + width {
        picture.put_pixel(x, top - 1, Rgb([128; 3]));
        picture.put_pixel(x, top + height, Rgb([128; 3]));
    }
    for y in top - 1..=top + height {
        picture.put_pixel(left - 1, y, Rgb([128; 3]));
        picture.put_pixel(left + width, y, Rgb([128; 3]));
    }
}

/// As the bytes of a PNG file.
///
/// # Errors
/// A picture too large to encode.
pub fn png(picture: &RgbImage) -> Result<Vec<u8>, VerifyError> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

/// At most five characters.
fn label(value: f64) -> String {
    if !value.is_finite() {
        return "?".to_owned();
    }
    let text = if value.fract() == 0.0 && value.abs() < 1e5 {
        format!("{value:.0}")
    } else if value.abs() < 10.0 {
        format!("{value:.2}")
    } else if value.abs() < 100.0 {
        format!("{value:.1}")
    } else if value.abs() < 1e4 {
        format!("{value:.0}")
    } else {
        format!("{value:.0e}")
    };
    if text == "-0" || text == "-0.00" {
        "0".to_owned()
    } else {
        text
    }
}

/// Writes into the middle of a square, as large as fits.
fn write(picture: &mut RgbImage, text: &str, (left, top): (u32, u32), size: u32, ink: [u8; 3]) {
    let columns = 6 * text.len() as u32 - 1;
    let scale = if columns * 2 + 4 <= size { 2 } else { 1 };
    let (width, height) = (columns * scale, 7 * scale);
    let (x0, y0) = (
        left + size.saturating_sub(width) / 2,
        top + size.saturating_sub(height) / 2,
    );
    for (number, character) in text.chars().enumerate() {
        for (row, bits) in glyph(character).into_iter().enumerate() {
            for column in 0..5_u32 {
                if bits >> (4 - column) & 1 == 1 {
                    for dy in 0..scale {
                        for dx in 0..scale {
                            let (x, y) = (
                                x0 + (number as u32 * 6 + column) * scale + dx,
                                y0 + row as u32 * scale + dy,
                            );
                            if x < picture.width() && y < picture.height() {
                                picture.put_pixel(x, y, Rgb(ink));
                            }
                        }
                    }
                }
            }
        }
    }
}

/// 5×7 dots, one row a byte, the left dot in bit 4.
fn glyph(character: char) -> [u8; 7] {
    match character {
        '0' => [
            0b01110, 0b10001, 0b10001, 0b10001, 0b10001, 0b10001, 0b01110,
        ],
        '1' => [
            0b00100, 0b01100, 0b00100, 0b00100, 0b00100, 0b00100, 0b01110,
        ],
        '2' => [
            0b01110, 0b10001, 0b00001, 0b00110, 0b01000, 0b10000, 0b11111,
        ],
        '3' => [
            0b11110, 0b00001, 0b00001, 0b01110, 0b00001, 0b00001, 0b11110,
        ],
        '4' => [
            0b00010, 0b00110, 0b01010, 0b10010, 0b11111, 0b00010, 0b00010,
        ],
        '5' => [
            0b11111, 0b10000, 0b11110, 0b00001, 0b00001, 0b10001, 0b01110,
        ],
        '6' => [
            0b00110, 0b01000, 0b10000, 0b11110, 0b10001, 0b10001, 0b01110,
        ],
        '7' => [
            0b11111, 0b00001, 0b00010, 0b00100, 0b01000, 0b01000, 0b01000,
        ],
        '8' => [
            0b01110, 0b10001, 0b10001, 0b01110, 0b10001, 0b10001, 0b01110,
        ],
        '9' => [
            0b01110, 0b10001, 0b10001, 0b01111, 0b00001, 0b00010, 0b01100,
        ],
        '-' => [0, 0, 0, 0b11111, 0, 0, 0],
        '.' => [0, 0, 0, 0, 0, 0b01100, 0b01100],
        'e' => [0, 0, 0b01110, 0b10001, 0b11111, 0b10000, 0b01110],
        '*' => [0, 0b00100, 0b10101, 0b01110, 0b10101, 0b00100, 0],
        '=' => [0, 0, 0b11111, 0, 0b11111, 0, 0],
        _ => [0b01110, 0b10001, 0b00001, 0b00110, 0b00100, 0, 0b00100],
    }
}
