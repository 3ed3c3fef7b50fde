//! Digits that the project draws itself: endless, seeded, with no file and no network.
//!
//! Each image is written, not photographed: a skeleton of pen strokes (several forms a digit,
//! `skeleton`), bent, deformed and inked by a random hand (`stroke`), and prepared as MNIST
//! was (`raster`). Image `index` of a seed is the same bytes on every machine.

mod hand;
mod raster;
mod skeleton;
mod stroke;
mod style;

use rayon::prelude::*;

use self::hand::Hand;
use self::raster::PIXELS;
use super::{Dataset, Source};
use crate::DataError;
use crate::choice::mix;
use crate::files::sha256;
use crate::images::{ImageShape, Images};

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
    let places = pixels.par_chunks_exact_mut(PIXELS).enumerate();
    let draw = |(offset, out): (usize, &mut [u8])| {
        let (label, image) = draw(seed, (first + offset) as u64);
        out.copy_from_slice(&image);
        label
    };
    let labels = places.map(draw).collect();
    Images::new(ImageShape::MNIST, 10, pixels, labels)
}

/// A set of `count` training images. Its test images follow from the same generator and seed, so
/// the fingerprint is that of the training images.
pub(super) fn open(count: usize) -> Result<Dataset, DataError> {
    let (source, train) = (Source::Drawn(count), images(SEED, 0, count)?);
    Ok(Dataset {
        name: source.to_string(),
        source,
        fingerprint: sha256(train.bytes()),
        train,
    })
}

/// One image and its digit.
fn draw(seed: u64, index: u64) -> (u8, [u8; PIXELS]) {
    let digit = label(seed, index);
    let mut hand = Hand::new(mix(seed ^ 0x4452_4157_4E00_0000, index));
    skeleton::write(digit, &mut hand);
    let mut lines = stroke::ink(&mut hand);
    (digit, raster::render(digit, &mut lines, &mut hand))
}

/// The digit at this index: each ten indices are a permutation of the ten digits.
fn label(seed: u64, index: u64) -> u8 {
    let mut hand = Hand::new(mix(seed ^ 0x4C41_4245_4C53_0000, index / 10));
    let mut digits: [u8; 10] = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
    for place in (1..10).rev() {
        digits.swap(place, (hand.unit() * (place + 1) as f64) as usize);
    }
    digits[(index % 10) as usize]
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::raster::SIDE;
    use super::*;
    use crate::images::center_of_mass;

    #[test]
    fn the_same_seed_and_index_give_the_same_pixels_on_every_machine() {
        let first = images(SEED, 0, 1000).unwrap();
        // Printed once by this test; another value means that published results change.
        let known = "24466b933524027ae9a394910fa30a8a12dbb995bcaf8b63caed67cde35c3256";
        assert_eq!(sha256(first.bytes()), known);
        let later = images(SEED, 990, 10).unwrap();
        assert_eq!(later.bytes(), &first.bytes()[990 * PIXELS..]);
    }

    #[test]
    fn every_ten_images_hold_each_digit_once_and_all_images_and_orders_differ() {
        let sets = [1, 2].map(|seed| images(seed, 0, 10_000).unwrap());
        let all = sets.iter().flat_map(|set| set.bytes().chunks(PIXELS));
        assert_eq!(all.collect::<HashSet<_>>().len(), 20_000);
        let tens: HashSet<_> = sets[0].labels().chunks(10).take(100).collect();
        let each = |ten: &&[u8]| ten.iter().collect::<HashSet<_>>().len() == 10;
        assert!(tens.iter().all(each) && tens.len() > 90);
    }

    #[test]
    fn every_image_is_prepared_as_mnist_was() {
        let images = images(3, 0, 2000).unwrap();
        for (index, pixels) in images.bytes().chunks(PIXELS).enumerate() {
            let values = pixels.iter().copied().map(f64::from);
            let mass: f64 = values.clone().sum();
            assert!(mass > 255.0 * 8.0, "image {index} has hardly any ink");
            let inked = || (0..PIXELS).filter(|&place| pixels[place] > 0);
            let extent = |coordinate: fn(usize) -> usize| {
                let (low, high) = (inked().map(coordinate).min(), inked().map(coordinate).max());
                high.unwrap() - low.unwrap() + 1
            };
            let (height, width) = (extent(|place| place / SIDE), extent(|place| place % SIDE));
            let size = height.max(width);
            assert!((16..=20).contains(&size), "image {index}: {width}×{height}");
            // The 20×20 box may touch the field's edge before the center is reached.
            let (x, y) = center_of_mass(values, SIDE);
            let off = (x - 13.5).abs().max((y - 13.5).abs());
            assert!(off < 3.0, "image {index}: {x} {y}");
        }
    }
}
