//! Any picture of a digit, prepared the way MNIST was made (LeCun, Bottou, Bengio and Haffner
//! 1998): the box around the ink scaled into 20×20 pixels keeping its shape, then placed in a
//! 28×28 field with its center of mass in the middle.

use std::fmt::Display;
use std::io::Cursor;

use image::imageops::{self, FilterType};
use image::{DynamicImage, ImageBuffer, ImageError, ImageReader, Limits, Luma};

use crate::DataError;
use crate::images::{ImageShape, center_of_mass};

/// What a picture may cost. Checked before its pixels are unpacked, and held while they are, so
/// that a small file cannot claim a large memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bounds {
    /// Pictures above this many pixels a side are refused.
    pub side: u32,
    /// Pictures above this many pixels are refused.
    pub pixels: u64,
    /// Bytes that unpacking may take, color profiles and other chunks included.
    pub memory: u64,
}

impl Bounds {
    /// For a file that a person names: photographs of 50 megapixels.
    pub const FILE: Self = Self {
        side: 10_000,
        pixels: 50_000_000,
        memory: 50_000_000 * 8 + (64 << 20),
    };
    /// For a picture that somebody sends: one megapixel, 32 MiB.
    pub const SENT: Self = Self {
        side: 1024,
        pixels: 1024 * 1024,
        memory: 32 << 20,
    };
}

/// Below this difference between ink and paper, of 1, a picture is blank.
const MIN_CONTRAST: f32 = 0.12;
/// Share of the field that the ink's box fills: 20 of 28.
const BOX: f32 = 20.0 / 28.0;

type Gray = ImageBuffer<Luma<f32>, Vec<f32>>;

/// A picture as the networks see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// Row by row, 0 = background, 255 = ink.
    pub pixels: Vec<u8>,
    /// Height and width.
    pub shape: ImageShape,
    /// Whether the picture was dark on light and has been inverted.
    pub inverted: bool,
}

/// Decodes and prepares a picture; `name` is for messages.
///
/// # Errors
/// Bytes that are not a picture, a picture beyond the bounds, or a blank one.
pub fn prepare(
    name: &str,
    bytes: &[u8],
    shape: ImageShape,
    bounds: Bounds,
) -> Result<Prepared, DataError> {
    let gray = decode(name, bytes, bounds)?;
    let blank = || DataError::Blank(name.to_owned());
    let (ink, inverted) = ink(&gray).ok_or_else(blank)?;
    Ok(Prepared {
        pixels: center(&ink, shape).ok_or_else(blank)?,
        shape,
        inverted,
    })
}

/// Gray values 0 (black) to 1 (white); transparent pixels as on white paper.
///
/// # Errors
/// Bytes that are not a picture, or a picture beyond the bounds.
pub fn decode(name: &str, bytes: &[u8], bounds: Bounds) -> Result<Gray, DataError> {
    let (width, height) = dimensions(name, bytes, bounds)?;
    let pixels = u64::from(width) * u64::from(height);
    if width.max(height) > bounds.side || pixels > bounds.pixels {
        return Err(too_large(name, bounds));
    }
    let picture = reader(bytes, bounds).and_then(ImageReader::decode);
    Ok(to_gray(&understood(name, bounds, picture)?))
}

/// Width and height of a picture, from its first bytes; no pixel is unpacked, and of what stands
/// before them (a color profile) no more than the bounds allow.
///
/// # Errors
/// Bytes that are not a picture.
pub fn dimensions(name: &str, bytes: &[u8], bounds: Bounds) -> Result<(u32, u32), DataError> {
    let reader = understood(name, bounds, reader(bytes, bounds))?;
    let problem = match reader.format() {
        None if bytes.is_empty() => "it is empty (0 bytes)",
        None => "its content is of no known kind",
        Some(_) => match understood(name, bounds, reader.into_dimensions())? {
            (0, _) | (_, 0) => "it has no pixels",
            size => return Ok(size),
        },
    };
    Err(not_a_picture(name, &problem))
}

fn reader(bytes: &[u8], bounds: Bounds) -> Result<ImageReader<Cursor<&[u8]>>, ImageError> {
    let mut reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(bounds.memory);
    reader.limits(limits);
    Ok(reader)
}

fn understood<T>(
    name: &str,
    bounds: Bounds,
    outcome: Result<T, ImageError>,
) -> Result<T, DataError> {
    outcome.map_err(|error| match error {
        ImageError::Limits(_) => too_large(name, bounds),
        error => not_a_picture(name, &error),
    })
}

fn too_large(name: &str, bounds: Bounds) -> DataError {
    let (side, megapixels) = (bounds.side, bounds.pixels / 1_000_000);
    DataError::Picture(format!(
        "{name} is too large: at most {side} pixels a side and {megapixels} megapixels are read; scale it down first"
    ))
}

fn not_a_picture(name: &str, reason: &dyn Display) -> DataError {
    DataError::Picture(format!(
        "{name} is not a picture that this program reads (PNG, JPEG, BMP, PGM/PPM): {reason}"
    ))
}

fn to_gray(picture: &DynamicImage) -> Gray {
    // Rec. 709 luma, over white.
    let over_white = |[r, g, b, alpha]: [f32; 4]| {
        let luma = 0.2126 * r + 0.7152 * g + 0.0722 * b;
        (luma * alpha + 1.0 - alpha).clamp(0.0, 1.0)
    };
    if let DynamicImage::ImageLuma8(bytes) = picture {
        // The same for gray bytes, looked up: a drawing is prepared at every stroke.
        let table: [f32; 256] = std::array::from_fn(|value| {
            let value = value as f32 / 255.0;
            over_white([value, value, value, 1.0])
        });
        return ImageBuffer::from_fn(bytes.width(), bytes.height(), |x, y| {
            Luma([table[usize::from(bytes.get_pixel(x, y).0[0])]])
        });
    }
    let picture = picture.to_rgba32f();
    ImageBuffer::from_fn(picture.width(), picture.height(), |x, y| {
        Luma([over_white(picture.get_pixel(x, y).0)])
    })
}

/// Ink from 0 to 1 on a background of 0, and whether the picture was dark on light. `None` for a
/// blank picture.
///
/// The background is the median of the border. Everything within three times the border's own
/// spread of it is paper: grain and compression noise vanish, clean edges keep their grays.
fn ink(gray: &Gray) -> Option<(Gray, bool)> {
    let (width, height) = gray.dimensions();
    let mut border: Vec<f32> = gray
        .enumerate_pixels()
        .filter(|(x, y, _)| *x == 0 || *y == 0 || *x + 1 == width || *y + 1 == height)
        .map(|(_, _, pixel)| pixel.0[0])
        .collect();
    border.sort_by(f32::total_cmp);
    let paper = border[border.len() / 2];
    let mut spread: Vec<f32> = border.iter().map(|value| (value - paper).abs()).collect();
    spread.sort_by(f32::total_cmp);
    let noise = spread[spread.len() * 3 / 4].min(0.1);

    let values = || gray.pixels().map(|pixel| pixel.0[0]);
    let (darkest, lightest) = (values().fold(1.0, f32::min), values().fold(0.0, f32::max));
    let inverted = paper - darkest > lightest - paper;
    let contrast = (paper - darkest).max(lightest - paper);
    if contrast < MIN_CONTRAST {
        return None;
    }
    let sign = if inverted { -1.0 } else { 1.0 };
    let ink = ImageBuffer::from_fn(width, height, |x, y| {
        let difference = sign * (gray.get_pixel(x, y).0[0] - paper);
        let inked = difference > 3.0 * noise;
        Luma([if inked { difference / contrast } else { 0.0 }.min(1.0)])
    });
    Some((ink, inverted))
}

/// The ink's box scaled into the field, its center of mass in the middle. `None` without ink.
fn center(ink: &Gray, shape: ImageShape) -> Option<Vec<u8>> {
    let (left, top, right, bottom) = bounds(ink)?;
    let (width, height) = (right - left + 1, bottom - top + 1);
    let (box_width, box_height) = (BOX * shape.width as f32, BOX * shape.height as f32);
    let scale = (box_width / width as f32).min(box_height / height as f32);
    let scaled = |size: u32| ((size as f32 * scale).round() as u32).max(1);
    let cut = imageops::crop_imm(ink, left, top, width, height).to_image();
    let mut small = imageops::resize(&cut, scaled(width), scaled(height), FilterType::Triangle);
    // A thin line in a large picture fades when it is scaled down; its core becomes ink again.
    let top_value = small.pixels().map(|pixel| pixel.0[0]).fold(0.0, f32::max);
    if top_value <= 0.0 {
        return None;
    }
    for pixel in small.pixels_mut() {
        pixel.0[0] = (pixel.0[0] / top_value).clamp(0.0, 1.0);
    }
    let values = small.pixels().map(|pixel| f64::from(pixel.0[0]));
    let (x, y) = center_of_mass(values, small.width() as usize);
    let offset = |field: usize, size: u32, center: f64| -> i64 {
        // The middle of an even field lies between two pixels; MNIST's centers lie at field/2.
        let wanted = (field as f64 / 2.0 - center).round() as i64;
        wanted.clamp(0, field as i64 - i64::from(size))
    };
    let dx = offset(shape.width, small.width(), x);
    let dy = offset(shape.height, small.height(), y);
    let mut pixels = vec![0; shape.pixels()];
    for (x, y, pixel) in small.enumerate_pixels() {
        let (column, row) = (i64::from(x) + dx, i64::from(y) + dy);
        pixels[row as usize * shape.width + column as usize] = (pixel.0[0] * 255.0).round() as u8;
    }
    Some(pixels)
}

/// The smallest box around all ink: left, top, right, bottom, all inclusive.
fn bounds(ink: &Gray) -> Option<(u32, u32, u32, u32)> {
    let pixels = ink.enumerate_pixels();
    let inked = pixels.filter(|(_, _, pixel)| pixel.0[0] > 0.0);
    inked.fold(None, |bounds, (x, y, _)| {
        let (left, top, right, bottom) = bounds.unwrap_or((x, y, x, y));
        Some((left.min(x), top.min(y), right.max(x), bottom.max(y)))
    })
}
