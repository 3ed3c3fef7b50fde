use digits_data::ImageShape;
use digits_report::Picture;

use crate::CompareError;

/// An image of a data set as PNG in base64, ink dark on white paper.
pub(crate) fn ink(shape: ImageShape, pixels: &[u8]) -> Result<String, CompareError> {
    Ok(Picture::ink(shape.width as u32, shape.height as u32, pixels)?.base64()?)
}
