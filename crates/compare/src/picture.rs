use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use digits_data::ImageShape;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder};

use crate::CompareError;

/// An image of a data set as PNG in base64, ink dark on white paper.
pub(crate) fn ink(shape: ImageShape, pixels: &[u8]) -> Result<String, CompareError> {
    let paper: Vec<u8> = pixels.iter().map(|&ink| 255 - ink).collect();
    let mut png = Vec::new();
    PngEncoder::new(&mut png)
        .write_image(
            &paper,
            shape.width as u32,
            shape.height as u32,
            ExtendedColorType::L8,
        )
        .map_err(CompareError::report)?;
    Ok(STANDARD.encode(png))
}
