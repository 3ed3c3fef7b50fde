//! Digits that the project draws itself: endless, seeded, with no file and no network.
//!
//! Each image is written, not photographed: a skeleton of pen strokes (several forms a digit,
//! `skeleton`), bent, deformed and inked by a random hand (`stroke`), and prepared as MNIST
//! was (`raster`). Image `index` of a seed is the same bytes on every machine.

mod dataset;
mod hand;
mod raster;
mod skeleton;
mod stroke;
mod style;

use rayon::prelude::*;

use crate::DataError;
use crate::images::{ImageShape, Images};
use crate::random::mix;
pub use dataset::DrawnDataset;
use hand::Hand;

/// Height and width of an image in pixels.
const SIDE: usize = 28;
/// Pixels of an image.
const PIXELS: usize = SIDE * SIDE;
/// Images of the training split, as many as MNIST has.
pub const TRAIN: usize = 60_000;
/// Images of the test split; they come after the training images, so the two never meet.
pub const TEST: usize = 10_000;
/// Training images that are drawn at most: their pixels fill 1.6 GB.
pub const MOST: usize = 2_000_000;
/// Seed of the data set that `--data drawn` names.
pub const SEED: u64 = 4;

/// The first test image of a set of `train` training images. Sets of up to [`TRAIN`] share one
/// test split, so that their results can be compared.
pub fn first_test(train: usize) -> usize {
    train.max(TRAIN)
}

/// Draws `count` images from `first` on; every ten in a row hold each digit once.
///
/// # Errors
/// `count` is 0.
pub fn images(seed: u64, first: usize, count: usize) -> Result<Images, DataError> {
    let mut pixels = vec![0; count * PIXELS];
    let labels = pixels
        .par_chunks_exact_mut(PIXELS)
        .enumerate()
        .map(|(offset, out)| {
            let (label, image) = draw(seed, (first + offset) as u64);
            out.copy_from_slice(&image);
            label
        })
        .collect();
    Images::new(ImageShape::MNIST, 10, pixels, labels)
}

/// One image and its digit.
fn draw(seed: u64, index: u64) -> (u8, [u8; PIXELS]) {
    let digit = label(seed, index);
    let mut hand = Hand::new(mix(seed ^ 0x4452_4157_4E00_0000, index));
    let strokes = skeleton::write(digit, &mut hand);
    let mut lines = stroke::ink(&strokes, &mut hand);
    (digit, raster::render(digit, &mut lines, &mut hand))
}

/// The digit at this index: each ten indices are a permutation of the ten digits.
fn label(seed: u64, index: u64) -> u8 {
    let mut hand = Hand::new(mix(seed ^ 0x4C41_4245_4C53_0000, index / 10));
    let mut digits: [u8; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    for place in (1..10).rev() {
        digits.swap(place, hand.below(place + 1));
    }
    digits[(index % 10) as usize]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::files::sha256;

    #[test]
    fn the_same_seed_and_index_give_the_same_pixels_on_every_machine() {
        let images = images(SEED, 0, 1000).unwrap();
        // Printed once by this test; another value means that published results change.
        assert_eq!(
            sha256(images.bytes()),
            "24466b933524027ae9a394910fa30a8a12dbb995bcaf8b63caed67cde35c3256"
        );
        let later = super::images(SEED, 990, 10).unwrap();
        assert!((0..10).all(|index| later.pixels(index) == images.pixels(990 + index)));
    }

    #[test]
    fn every_ten_images_hold_each_digit_once_in_changing_order() {
        let images = images(9, 0, 1000).unwrap();
        let mut orders = HashSet::new();
        for ten in images.labels().chunks(10) {
            assert_eq!(ten.iter().collect::<HashSet<_>>().len(), 10);
            orders.insert(ten.to_vec());
        }
        assert!(orders.len() > 90);
    }

    #[test]
    fn no_two_of_ten_thousand_images_are_equal_and_seeds_differ() {
        let (one, other) = (images(1, 0, 10_000).unwrap(), images(2, 0, 10_000).unwrap());
        let mut seen = HashSet::new();
        for index in 0..10_000 {
            assert!(
                seen.insert(one.pixels(index).to_vec()),
                "image {index} repeats"
            );
            assert!(
                seen.insert(other.pixels(index).to_vec()),
                "image {index} of another seed repeats"
            );
        }
    }

    #[test]
    fn every_image_is_prepared_as_mnist_was() {
        let images = images(3, 0, 2000).unwrap();
        for index in 0..images.len() {
            let pixels = images.pixels(index);
            let inked: Vec<usize> = (0..PIXELS).filter(|&place| pixels[place] > 0).collect();
            let span = |values: &mut dyn Iterator<Item = usize>| {
                let (low, high) = values.fold((SIDE, 0), |(low, high), value| {
                    (low.min(value), high.max(value))
                });
                high - low + 1
            };
            let (height, width) = (
                span(&mut inked.iter().map(|p| p / SIDE)),
                span(&mut inked.iter().map(|p| p % SIDE)),
            );
            assert!(
                height.max(width) <= 20 && height.max(width) >= 16,
                "image {index}: {width}×{height}"
            );
            let mass: f64 = pixels.iter().map(|&pixel| f64::from(pixel)).sum();
            assert!(mass > 255.0 * 8.0, "image {index} has hardly any ink");
            let mean = |coordinate: fn(usize) -> usize| {
                (0..PIXELS)
                    .map(|place| f64::from(pixels[place]) * (coordinate(place) as f64 + 0.5))
                    .sum::<f64>()
                    / mass
            };
            // The 20×20 box may touch the field's edge before the centre is reached.
            assert!(
                (mean(|p| p / SIDE) - 14.0).abs() < 3.0 && (mean(|p| p % SIDE) - 14.0).abs() < 3.0,
                "image {index}"
            );
        }
    }
}
