//! Which images, and in which order: functions of a seed, as all that is random here.

use std::borrow::Cow;
use std::cmp::Reverse;

use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use rand_xoshiro::{SplitMix64, Xoshiro256PlusPlus};
use serde::{Deserialize, Serialize};

use crate::DataError;
use crate::images::Images;

/// Streams of random numbers that must not meet, whatever the seed.
const SPLIT: u64 = 0x5350_4C49_5400_0000;
const SHUFFLE: u64 = 0x5348_5546_464C_4500;
const PERMUTATION: u64 = 0x5045_524D_5554_4500;
const SUBSET: u64 = 0x5041_5254_0000_0000;

/// The step of SplitMix64's state from one output to the next (Steele, Lea and Flood 2014).
const STEP: u64 = 0x9E37_79B9_7F4A_7C15;

/// A seed for each `number` under one seed: output `number` of SplitMix64, which spreads
/// consecutive numbers over all bits.
pub(crate) fn mix(seed: u64, number: u64) -> u64 {
    seed ^ SplitMix64::seed_from_u64(number.wrapping_mul(STEP)).next_u64()
}

/// An independent generator for each `number` under one seed.
pub(crate) fn stream(seed: u64, number: u64) -> Xoshiro256PlusPlus {
    Xoshiro256PlusPlus::seed_from_u64(mix(seed, number))
}

/// Which images train and which validate; both sorted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subsets {
    /// Indices of the training images.
    pub train: Vec<u32>,
    /// Indices of the images held out.
    pub valid: Vec<u32>,
}

/// Holds out `valid` images by a seeded draw that keeps each class's share: its exact quota
/// rounded down, the rest to the classes with the largest remainders.
///
/// # Errors
/// As many images to hold out as there are, or more.
pub fn stratified_split(labels: &[u8], valid: usize, seed: u64) -> Result<Subsets, DataError> {
    let all = labels.len();
    if valid >= all {
        return Err(DataError::Invalid(format!(
            "validation split: {valid} of {all} images cannot be held out"
        )));
    }
    let classes = by_class((0..).zip(labels.iter().copied()), 256);
    // Quota of a class: its images · valid / all, in whole numbers and remainders.
    let share = |class: &Vec<u32>| class.len() * valid;
    let mut quotas: Vec<usize> = classes.iter().map(|class| share(class) / all).collect();
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by_key(|&class| Reverse(share(&classes[class]) % all));
    let missing = valid - quotas.iter().sum::<usize>();
    for &class in order.iter().take(missing) {
        quotas[class] += 1;
    }
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ SPLIT);
    let (mut train, mut held_out) = (Vec::new(), Vec::new());
    for (mut class, quota) in classes.into_iter().zip(quotas) {
        class.shuffle(&mut rng);
        held_out.extend(&class[..quota]);
        train.extend(&class[quota..]);
    }
    train.sort_unstable();
    held_out.sort_unstable();
    let valid = held_out;
    Ok(Subsets { train, valid })
}

/// Indices by their labels.
fn by_class(labelled: impl Iterator<Item = (u32, u8)>, classes: usize) -> Vec<Vec<u32>> {
    let mut indices = vec![Vec::new(); classes];
    for (index, label) in labelled {
        indices[usize::from(label)].push(index);
    }
    indices
}

/// The order of one epoch: a permutation that depends on the seed and the epoch alone, so that
/// a run can go on in the middle of any epoch.
pub fn shuffled(indices: &[u32], seed: u64, epoch: u64) -> Vec<u32> {
    let mut order = indices.to_vec();
    order.shuffle(&mut stream(seed ^ SHUFFLE, epoch));
    order
}

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
        if self.per_class == Some(0) {
            let reason = "view.per_class: it is 0; give 1 or more, or leave it out";
            return Err(DataError::Invalid(reason.to_owned()));
        }
        Ok(())
    }

    /// Those of the `indices` that are trained on, sorted.
    ///
    /// # Errors
    /// A class with fewer images than `per_class`.
    pub fn subset(
        &self,
        images: &Images,
        indices: &[u32],
        seed: u64,
    ) -> Result<Vec<u32>, DataError> {
        let Some(wanted) = self.per_class else {
            return Ok(indices.to_vec());
        };
        let labelled = indices.iter().map(|&i| (i, images.label(i as usize)));
        let mut subset = Vec::new();
        for (label, mut class) in (0..).zip(by_class(labelled, images.classes())) {
            let found = class.len();
            if found < wanted {
                return Err(DataError::Invalid(format!(
                    "view.per_class = {wanted}: class {label} has only {found} training images; lower it"
                )));
            }
            class.shuffle(&mut stream(seed ^ SUBSET, label));
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
        let seed = self.permutation? ^ PERMUTATION;
        let mut order: Vec<u32> = (0..pixels as u32).collect();
        order.shuffle(&mut Xoshiro256PlusPlus::seed_from_u64(seed));
        Some(order)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ImageShape;

    proptest! {
        #[test]
        fn a_split_is_exact_disjoint_complete_and_stratified(
            labels in proptest::collection::vec(0_u8..7, 2..400),
            share in 0.0..1.0_f64,
            seed: u64,
        ) {
            let valid = (labels.len() as f64 * share) as usize;
            let subsets = stratified_split(&labels, valid, seed).unwrap();
            prop_assert_eq!(subsets.valid.len(), valid);
            prop_assert_eq!(sorted(&[&*subsets.train, &subsets.valid].concat()), (0..labels.len() as u32).collect::<Vec<_>>());
            for class in 0..7 {
                let count = |indices: &[u32]| indices.iter().filter(|&&i| labels[i as usize] == class).count();
                let quota = (count(&subsets.train) + count(&subsets.valid)) as f64 * valid as f64 / labels.len() as f64;
                prop_assert!((count(&subsets.valid) as f64 - quota).abs() < 1.0);
            }
            prop_assert_eq!(stratified_split(&labels, valid, seed).unwrap(), subsets);
        }
    }

    fn sorted<T: Ord + Copy>(values: &[T]) -> Vec<T> {
        let mut values = values.to_vec();
        values.sort_unstable();
        values
    }

    #[test]
    fn the_seed_and_the_epoch_decide_and_not_everything_can_be_held_out() {
        let labels: Vec<u8> = (0..1000).map(|i| (i % 10) as u8).collect();
        let split = |seed| stratified_split(&labels, 100, seed).unwrap();
        assert_ne!(split(1), split(2));
        assert!(stratified_split(&[0, 1, 2], 3, 0).is_err());

        let indices: Vec<u32> = (0..500).map(|i| 2 * i).collect();
        let order = shuffled(&indices, 7, 3);
        assert_eq!(sorted(&order), indices);
        assert_eq!(order, shuffled(&indices, 7, 3));
        assert_ne!(order, shuffled(&indices, 7, 4));
        assert_ne!(order, shuffled(&indices, 8, 3));
    }

    #[test]
    fn a_view_takes_as_many_of_each_class_and_permutes_every_image_alike() {
        let labels: Vec<u8> = (0..60).map(|i| i % 3).collect();
        let pixels = (0..60 * 12).map(|i| (i % 251) as u8).collect();
        let images = Images::new(ImageShape::new(3, 4), 3, pixels, labels).unwrap();
        let view = |per_class, permutation| View {
            per_class,
            permutation,
        };
        let all: Vec<u32> = (0..60).collect();
        let subset = |per_class, seed| view(per_class, None).subset(&images, &all, seed);
        let small = subset(Some(4), 7).unwrap();
        let labels: Vec<u8> = small.iter().map(|&i| images.label(i as usize)).collect();
        assert_eq!(sorted(&labels), [[0; 4], [1; 4], [2; 4]].concat());
        let large = subset(Some(9), 7).unwrap();
        assert!(small.iter().all(|index| large.contains(index)));
        assert_ne!(subset(Some(4), 8).unwrap(), small);
        assert_eq!(subset(None, 7).unwrap(), all);
        let message = subset(Some(21), 1).unwrap_err().to_string();
        assert!(message.contains("class 0 has only 20"), "{message}");

        let whole = view(None, None);
        assert!(whole.is_whole() && *whole.permute(&images) == images);
        let (three, four) = (view(None, Some(3)), view(None, Some(4)));
        let permuted = three.permute(&images);
        assert!(*permuted != images && four.permute(&images) != permuted);
        assert_eq!(permuted.labels(), images.labels());
        for index in 0..images.len() {
            let (before, after) = (images.pixels(index), permuted.pixels(index));
            assert_eq!(after, &*three.permute_image(before));
            assert_eq!(sorted(after), sorted(before));
        }
    }

    #[test]
    fn numbers_are_mixed_as_splitmix64_does() {
        // The first outputs of the reference implementation (Vigna) for the seed 0.
        for (number, output) in [(0, 0xE220_A839_7B1D_CDAF), (1, 0x6E78_9E6A_A1B9_65F4)] {
            assert_eq!(mix(0, number), output);
            assert_eq!(mix(77, number), output ^ 77);
        }
    }
}
