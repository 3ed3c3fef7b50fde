use std::borrow::Cow;

use rayon::prelude::*;

use crate::augmentation::Augmentation;
use crate::images::Images;
use crate::normalization::{Normalization, looked_up};
use crate::random::stream;

/// Separates augmentation from the other uses of a seed.
const AUGMENT: u64 = 0x4155_474D_454E_5400;

/// Images that one task normalizes: less than this is not worth a second thread.
const TOGETHER: usize = 32;

/// Turns indices into batches: normalized pixels in one contiguous buffer, and labels.
///
/// Augmentation draws from a generator that depends on the seed, the epoch and the image's place
/// in it, so any batch can be made without those before it, by any number of threads.
#[derive(Debug)]
pub struct Batcher<'a> {
    images: &'a Images,
    table: [f32; 256],
    augmentation: Option<Augmentation>,
    seed: u64,
}

impl<'a> Batcher<'a> {
    /// A source of batches from `images`.
    pub fn new(
        images: &'a Images,
        normalization: Normalization,
        augmentation: &Augmentation,
        seed: u64,
    ) -> Self {
        Self {
            images,
            table: normalization.table(),
            augmentation: (!augmentation.is_identity()).then_some(*augmentation),
            seed: seed ^ AUGMENT,
        }
    }

    /// The batch of the images at `indices`, which stand from `position` on in the order of
    /// `epoch`: pixels for a tensor `[batch, 1, height, width]`, and labels `[batch]`.
    ///
    /// # Panics
    /// If an index is out of range.
    pub fn fill(&self, indices: &[u32], epoch: u64, position: usize) -> (Vec<f32>, Vec<u8>) {
        let labels = indices
            .iter()
            .map(|&index| self.images.label(index as usize))
            .collect();
        let shape = self.images.shape();
        let pixels = match self.augmentation {
            None => self.normalized(indices, TOGETHER, |_, index| {
                Cow::Borrowed(self.images.pixels(index))
            }),
            Some(augmentation) => self.normalized(indices, 1, |offset, index| {
                let mut rng = stream(self.seed, (epoch << 32) | (position + offset) as u64);
                let mut changed = vec![0; shape.pixels()];
                augmentation.apply(shape, self.images.pixels(index), &mut changed, &mut rng);
                Cow::Owned(changed)
            }),
        };
        (pixels, labels)
    }

    /// The normalized pixels of all images, `bytes` being those of one by its place in the batch
    /// and its index; at least `together` in one task.
    #[expect(
        unsafe_code,
        reason = "zeros first would take as long as the pixels, and one thread for them"
    )]
    fn normalized<'b>(
        &self,
        indices: &[u32],
        together: usize,
        bytes: impl Fn(usize, usize) -> Cow<'b, [u8]> + Sync,
    ) -> Vec<f32> {
        let size = self.images.shape().pixels();
        let length = indices.len() * size;
        let mut pixels = Vec::with_capacity(length);
        pixels.spare_capacity_mut()[..length]
            .par_chunks_exact_mut(size)
            .zip(indices)
            .with_min_len(together)
            .enumerate()
            .for_each(|(place, (out, &index))| {
                let bytes = bytes(place, index as usize);
                assert_eq!(bytes.len(), size, "one number a pixel");
                for (out, value) in out.iter_mut().zip(looked_up(&self.table, &bytes)) {
                    out.write(value);
                }
            });
        // SAFETY: `length` is a chunk for each image, and all numbers of each were written.
        unsafe { pixels.set_len(length) };
        pixels
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ImageShape;

    /// Pixels as they are.
    const PLAIN: Normalization = Normalization {
        mean: 0.0,
        std: 1.0 / 255.0,
    };

    #[test]
    fn a_batch_holds_its_images_in_order_and_does_not_depend_on_those_before_it() {
        let pixels = (0..160_u8).map(|i| i.wrapping_mul(37)).collect();
        let images = Images::new(ImageShape::new(4, 4), 10, pixels, (0..10).collect()).unwrap();
        let batcher = Batcher::new(&images, PLAIN, &Augmentation::default(), 1);
        let (pixels, labels) = batcher.fill(&[7, 2], 1, 0);
        assert_eq!(labels, [7, 2]);
        let expected = [images.pixels(7), images.pixels(2)].concat();
        let pairs = pixels.iter().zip(&expected);
        assert_eq!(pixels.len(), expected.len());
        for (pixel, expected) in pairs {
            assert!((pixel - f32::from(*expected)).abs() < 1e-3, "{pixels:?}");
        }

        let augmentation = Augmentation {
            shift: 1.0,
            rotation: 20.0,
            ..Default::default()
        };
        let of_seed = |seed| Batcher::new(&images, PLAIN, &augmentation, seed);
        let tail = of_seed(1).fill(&[4, 5], 2, 2).0;
        assert_eq!(of_seed(1).fill(&[3, 1, 4, 5], 2, 0).0[32..], tail);
        assert_ne!(of_seed(1).fill(&[4, 5], 3, 2).0, tail);
        assert_ne!(of_seed(2).fill(&[4, 5], 2, 2).0, tail);
    }
}
