use std::borrow::Cow;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;
use serde::{Deserialize, Serialize};

use crate::DataError;
use crate::images::Images;
use crate::random::stream;

/// Streams of random numbers that must not meet those of the split and the shuffling.
const PERMUTATION: u64 = 0x5045_524D_5554_4500;
const SUBSET: u64 = 0x5041_5254_0000_0000;

/// A subset or a permutation of a data set, for experiments. The default is the data set as it
/// is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct View {
    /// Train on this many images of each class only, drawn by the run's seed: a larger number
    /// holds the images of a smaller one and more. Validation and test images stay.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_class: Option<usize>,
    /// Permute the pixels of every image, those of the test split too, all in the same way,
    /// which this seed decides: everything but the neighborhood of pixels is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub permutation: Option<u64>,
}

impl View {
    /// Whether this is the data set as it is.
    pub fn is_whole(&self) -> bool {
        *self == Self::default()
    }

    /// # Errors
    /// No images of each class.
    pub fn validate(&self) -> Result<(), DataError> {
        match self.per_class {
            Some(0) => Err(DataError::Invalid(
                "view.per_class: it is 0; give 1 or more, or leave it out".to_owned(),
            )),
            _ => Ok(()),
        }
    }

    /// Those of the `indices` that are trained on, sorted.
    ///
    /// # Errors
    /// A class with fewer images than `per_class`.
    ///
    /// # Panics
    /// If an index is out of range.
    pub fn subset(
        &self,
        images: &Images,
        indices: &[u32],
        seed: u64,
    ) -> Result<Vec<u32>, DataError> {
        let Some(wanted) = self.per_class else {
            return Ok(indices.to_vec());
        };
        let mut classes: Vec<Vec<u32>> = vec![Vec::new(); images.classes()];
        for &index in indices {
            classes[usize::from(images.label(index as usize))].push(index);
        }
        let mut subset =
            Vec::with_capacity(wanted.saturating_mul(classes.len()).min(indices.len()));
        for (label, mut class) in classes.into_iter().enumerate() {
            if class.len() < wanted {
                let found = class.len();
                return Err(DataError::Invalid(format!(
                    "view.per_class = {wanted}: class {label} has only {found} training images; lower it"
                )));
            }
            class.shuffle(&mut stream(seed ^ SUBSET, label as u64));
            subset.extend(&class[..wanted]);
        }
        subset.sort_unstable();
        Ok(subset)
    }

    /// The images as a network sees them: the same, or a copy with permuted pixels.
    pub fn permute<'a>(&self, images: &'a Images) -> Cow<'a, Images> {
        match self.order(images.shape().pixels()) {
            None => Cow::Borrowed(images),
            Some(order) => Cow::Owned(images.reordered(&order)),
        }
    }

    /// One image as a network sees it, row by row.
    pub fn permute_image<'a>(&self, image: &'a [u8]) -> Cow<'a, [u8]> {
        match self.order(image.len()) {
            None => Cow::Borrowed(image),
            Some(order) => order.iter().map(|&from| image[from as usize]).collect(),
        }
    }

    /// For each pixel, the pixel whose value it gets.
    fn order(&self, pixels: usize) -> Option<Vec<u32>> {
        let seed = self.permutation?;
        let mut order: Vec<u32> = (0..pixels as u32).collect();
        order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed ^ PERMUTATION));
        Some(order)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ImageShape;

    fn images() -> Images {
        let labels: Vec<u8> = (0..60).map(|i| i % 3).collect();
        let pixels = (0..60 * 12).map(|i| (i % 251) as u8).collect();
        Images::new(ImageShape::new(3, 4), 3, pixels, labels).unwrap()
    }

    fn subset(per_class: Option<usize>, seed: u64) -> Result<Vec<u32>, DataError> {
        let view = View {
            per_class,
            permutation: None,
        };
        let all: Vec<u32> = (0..60).collect();
        view.subset(&images(), &all, seed)
    }

    #[test]
    fn a_subset_has_as_many_of_each_class_and_grows_by_adding() {
        let images = images();
        let small = subset(Some(4), 7).unwrap();
        for class in 0..3 {
            let count = small.iter().filter(|&&i| images.label(i as usize) == class);
            assert_eq!(count.count(), 4);
        }
        let large = subset(Some(9), 7).unwrap();
        assert!(small.iter().all(|index| large.contains(index)));
        assert_ne!(subset(Some(4), 8).unwrap(), small);
        assert!(subset(None, 7).unwrap().into_iter().eq(0..60));
        let message = subset(Some(21), 1).unwrap_err().to_string();
        assert!(message.contains("class 0 has only 20"), "{message}");
    }

    #[test]
    fn a_permutation_moves_the_pixels_of_every_image_alike_and_loses_none() {
        let images = images();
        let view = |permutation| View {
            per_class: None,
            permutation,
        };
        assert!(view(None).is_whole());
        assert_eq!(*view(None).permute(&images), images);
        let permuted = view(Some(3)).permute(&images);
        assert_ne!(*permuted, images);
        assert_ne!(view(Some(4)).permute(&images), permuted);
        assert_eq!(permuted.labels(), images.labels());
        for index in 0..images.len() {
            let (before, after) = (images.pixels(index), permuted.pixels(index));
            assert_eq!(after, &*view(Some(3)).permute_image(before));
            let sorted = |pixels: &[u8]| {
                let mut pixels = pixels.to_vec();
                pixels.sort_unstable();
                pixels
            };
            assert_eq!(sorted(after), sorted(before));
        }
    }
}
