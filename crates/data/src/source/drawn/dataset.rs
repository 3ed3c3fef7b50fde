use burn_dataset::vision::MnistItem;
use burn_dataset::{Dataset, DatasetError};

use super::images::{SEED, TEST, TRAIN, draw};
use super::raster::SIDE;

/// Drawn digits as a Burn `Dataset` of the items that Burn's `MnistDataset` gives, so that a
/// program written for that one takes this one in its place. Nothing is held: every item is
/// drawn when it is asked for, the same each time.
///
/// ```
/// use burn_dataset::Dataset;
/// use digits_data::drawn::DrawnDataset;
///
/// let digits = DrawnDataset::new(7, 1_000_000);
/// let item = digits.get(999_999)?;
/// assert!(item.label < 10 && item.image.as_flattened().contains(&255.0));
/// # Ok::<(), burn_dataset::DatasetError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DrawnDataset {
    seed: u64,
    first: usize,
    len: usize,
}

impl DrawnDataset {
    /// The first `len` digits of a seed.
    pub fn new(seed: u64, len: usize) -> Self {
        Self {
            seed,
            first: 0,
            len,
        }
    }

    /// The 60,000 training images of `--data drawn`.
    pub fn train() -> Self {
        Self::new(SEED, TRAIN)
    }

    /// The 10,000 test images of `--data drawn`, which come after the training images.
    pub fn test() -> Self {
        Self {
            seed: SEED,
            first: TRAIN,
            len: TEST,
        }
    }
}

impl Dataset<MnistItem> for DrawnDataset {
    /// Draws one digit; pixels from 0.0 (paper) to 255.0 (ink). Never an error.
    ///
    /// # Panics
    /// Panics if `index >= len()`, as the trait asks.
    fn get(&self, index: usize) -> Result<MnistItem, DatasetError> {
        assert!(
            index < self.len,
            "index {index} of {} drawn digits",
            self.len
        );
        let (label, pixels) = draw(self.seed, self.first as u64 + index as u64);
        let mut image = [[0.0; SIDE]; SIDE];
        for (value, pixel) in image.as_flattened_mut().iter_mut().zip(pixels) {
            *value = f32::from(pixel);
        }
        Ok(MnistItem { image, label })
    }

    fn len(&self) -> usize {
        self.len
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::drawn::images;

    #[test]
    fn the_items_are_the_images_that_the_program_trains_and_tests_on() {
        let (train, test) = (DrawnDataset::train(), DrawnDataset::test());
        assert_eq!((train.len(), test.len()), (TRAIN, TEST));
        for (dataset, first) in [(train, 0), (test, TRAIN)] {
            let images = images(SEED, first, 50).unwrap();
            for index in 0..50 {
                let item = dataset.get(index).unwrap();
                assert_eq!(item.label, images.label(index));
                let pixels = item.image.as_flattened().iter();
                let expected = images.pixels(index).iter();
                assert!(pixels.copied().eq(expected.map(|&pixel| f32::from(pixel))));
            }
        }
        assert_eq!(DrawnDataset::new(1, 100).iter().count(), 100);
    }

    #[test]
    #[should_panic(expected = "index 100 of 100 drawn digits")]
    fn an_index_beyond_the_end_panics_as_burns_trait_asks() {
        let _ = DrawnDataset::new(1, 100).get(100);
    }
}
