//! Between data sets and networks, which do not know each other.

use std::path::Path;

use digits_data::{ImageShape, Images};
use digits_models::{InputConfig, ModelConfig};

use crate::TrainError;

/// What a network for these images is fed and tells apart.
pub fn input_of(images: &Images) -> InputConfig {
    let ImageShape { height, width } = images.shape();
    InputConfig {
        height,
        width,
        classes: images.classes(),
    }
}

/// The size of the images that a network is fed.
pub fn image_shape(model: &ModelConfig) -> ImageShape {
    let InputConfig { height, width, .. } = model.input();
    ImageShape { height, width }
}

/// Whether the network `model` of `run` can be given the images of the data set `name`.
///
/// # Errors
/// Images of another size, or more classes than the network tells apart.
pub fn check_fit(
    run: &Path,
    model: &ModelConfig,
    name: &str,
    images: &Images,
) -> Result<(), TrainError> {
    let (shape, classes) = (image_shape(model), model.input().classes);
    if images.shape() == shape && images.classes() <= classes {
        return Ok(());
    }
    Err(TrainError::Unfit(format!(
        "the network of {} was trained for {shape} pixels and {classes} classes, but {name} has {} pixels and {} classes",
        run.display(),
        images.shape(),
        images.classes()
    )))
}
