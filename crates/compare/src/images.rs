//! Pictures of test images, and test images that are changed before a network sees them.

use digits_data::{ImageShape, Images};
use digits_report::Picture;
use rayon::prelude::*;

use crate::error::CompareError;

/// An image of a data set as PNG in base64, ink dark on white paper.
pub(crate) fn ink(shape: ImageShape, pixels: &[u8]) -> Result<String, CompareError> {
    Ok(Picture::ink(shape.width as u32, shape.height as u32, pixels)?.base64()?)
}

/// A copy of the images, each changed by itself.
pub(crate) fn changed(
    images: &Images,
    change: impl Fn(usize, &[u8]) -> Vec<u8> + Sync,
) -> Result<Images, CompareError> {
    let pixels: Vec<Vec<u8>> = (0..images.len())
        .into_par_iter()
        .map(|index| change(index, images.pixels(index)))
        .collect();
    Ok(Images::new(
        images.shape(),
        images.classes(),
        pixels.concat(),
        images.labels().to_vec(),
    )?)
}
