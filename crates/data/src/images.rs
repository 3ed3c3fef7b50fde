use std::fmt;

use serde::{Deserialize, Serialize};

use crate::DataError;

/// Height and width of every image of a data set, in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageShape {
    /// Height in pixels.
    pub height: usize,
    /// Width in pixels.
    pub width: usize,
}

impl ImageShape {
    /// 28×28, the shape of MNIST.
    pub const MNIST: Self = Self::new(28, 28);

    /// `height`×`width` pixels.
    pub const fn new(height: usize, width: usize) -> Self {
        Self { height, width }
    }

    /// Pixels of one image.
    pub fn pixels(self) -> usize {
        self.height * self.width
    }
}

impl fmt::Display for ImageShape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}×{}", self.height, self.width)
    }
}

/// Center of mass, to the right and down, of values row by row in rows of `width`.
pub(crate) fn center_of_mass(values: impl Iterator<Item = f64>, width: usize) -> (f64, f64) {
    let (mut mass, mut x, mut y) = (0.0, 0.0, 0.0);
    for (place, value) in values.enumerate() {
        mass += value;
        x += value * (place % width) as f64;
        y += value * (place / width) as f64;
    }
    (x / mass, y / mass)
}

/// Labelled gray images, held once as bytes: row by row, 0 = background, 255 = ink.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Images {
    shape: ImageShape,
    classes: usize,
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Images {
    /// # Errors
    /// No images, a number of bytes that does not fit the shape and the number of labels, no
    /// classes or more than 256, or a label that is not below the number of classes.
    pub fn new(
        shape: ImageShape,
        classes: usize,
        pixels: Vec<u8>,
        labels: Vec<u8>,
    ) -> Result<Self, DataError> {
        let (count, found) = (labels.len(), pixels.len());
        let needed = count.checked_mul(shape.pixels());
        let wrong = labels
            .iter()
            .position(|&label| usize::from(label) >= classes);
        let problem = if count == 0 || shape.pixels() == 0 {
            "there are no images, or they have no pixels".to_owned()
        } else if needed != Some(found) {
            let needed = needed.unwrap_or(usize::MAX);
            format!("{count} labels of {shape} images need {needed} bytes of pixels, not {found}")
        } else if !(1..=256).contains(&classes) {
            format!("{classes} classes; 1 to 256 are possible")
        } else if let Some(place) = wrong {
            let label = labels[place];
            format!("label {label} of image {place} is not below the number of classes, {classes}")
        } else {
            return Ok(Self {
                shape,
                classes,
                pixels,
                labels,
            });
        };
        Err(DataError::Invalid(format!("images: {problem}")))
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Never true: there are no empty sets of images.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Size of each image.
    pub fn shape(&self) -> ImageShape {
        self.shape
    }

    /// Number of classes; every label is below it.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The pixels of one image, row by row.
    pub fn pixels(&self, index: usize) -> &[u8] {
        let size = self.shape.pixels();
        &self.pixels[index * size..(index + 1) * size]
    }

    /// The class of one image.
    pub fn label(&self, index: usize) -> u8 {
        self.labels[index]
    }

    /// The classes of all images.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// All pixels, image after image.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.pixels
    }

    /// A copy whose pixel `i` of every image is the pixel `order[i]` of the original.
    pub(crate) fn reordered(&self, order: &[u32]) -> Self {
        let mut copy = self.clone();
        for (place, pixel) in copy.pixels.iter_mut().enumerate() {
            let (index, place) = (place / order.len(), place % order.len());
            *pixel = self.pixels(index)[order[place] as usize];
        }
        copy
    }

    /// A copy of some of the images, in the order given.
    ///
    /// # Errors
    /// No indices.
    pub fn select(&self, indices: &[u32]) -> Result<Self, DataError> {
        let places = indices.iter().map(|&index| index as usize);
        let pixels = places.clone().flat_map(|index| self.pixels(index));
        let (pixels, labels) = (pixels.copied().collect(), places.map(|i| self.label(i)));
        Self::new(self.shape, self.classes, pixels, labels.collect())
    }
}
