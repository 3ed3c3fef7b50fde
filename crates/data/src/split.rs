use std::cmp::Reverse;

use rand::SeedableRng;
use rand::seq::SliceRandom;
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::DataError;
use crate::random::stream;

/// Streams of random numbers that must not meet, whatever the seed.
const SPLIT: u64 = 0x5350_4C49_5400_0000;
const SHUFFLE: u64 = 0x5348_5546_464C_4500;

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
    if valid >= labels.len() {
        let all = labels.len();
        return Err(DataError::Invalid(format!(
            "validation split: {valid} of {all} images cannot be held out"
        )));
    }
    let mut classes: Vec<Vec<u32>> = vec![Vec::new(); 256];
    for (index, &label) in (0..).zip(labels) {
        classes[usize::from(label)].push(index);
    }
    // Quota of a class: its images · valid / all, in whole numbers and remainders.
    let share = |class: &Vec<u32>| class.len() * valid;
    let mut quotas: Vec<usize> = classes.iter().map(|c| share(c) / labels.len()).collect();
    let mut order: Vec<usize> = (0..classes.len()).collect();
    order.sort_by_key(|&class| Reverse(share(&classes[class]) % labels.len()));
    let missing = valid - quotas.iter().sum::<usize>();
    for &class in order.iter().take(missing) {
        quotas[class] += 1;
    }
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed ^ SPLIT);
    let mut subsets = Subsets {
        train: Vec::with_capacity(labels.len() - valid),
        valid: Vec::with_capacity(valid),
    };
    for (mut class, quota) in classes.into_iter().zip(quotas) {
        class.shuffle(&mut rng);
        subsets.valid.extend(&class[..quota]);
        subsets.train.extend(&class[quota..]);
    }
    subsets.train.sort_unstable();
    subsets.valid.sort_unstable();
    Ok(subsets)
}

/// The order of one epoch: a permutation that depends on the seed and the epoch alone, so that
/// a run can go on in the middle of any epoch.
pub fn shuffled(indices: &[u32], seed: u64, epoch: u64) -> Vec<u32> {
    let mut rng = stream(seed ^ SHUFFLE, epoch);
    let mut order = indices.to_vec();
    order.shuffle(&mut rng);
    order
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

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
            let mut all = [subsets.train.clone(), subsets.valid.clone()].concat();
            all.sort_unstable();
            prop_assert!(all.into_iter().eq(0..labels.len() as u32));
            for class in 0..7 {
                let count = |indices: &[u32]| indices.iter().filter(|&&i| labels[i as usize] == class).count();
                let whole = labels.iter().filter(|&&label| label == class).count();
                let quota = whole as f64 * valid as f64 / labels.len() as f64;
                prop_assert!((count(&subsets.valid) as f64 - quota).abs() < 1.0);
            }
            prop_assert_eq!(stratified_split(&labels, valid, seed).unwrap(), subsets);
        }
    }

    #[test]
    fn the_seed_decides_and_not_everything_can_be_held_out() {
        let labels: Vec<u8> = (0..1000).map(|i| (i % 10) as u8).collect();
        let split = |seed| stratified_split(&labels, 100, seed).unwrap();
        assert_ne!(split(1), split(2));
        assert!(stratified_split(&[0, 1, 2], 3, 0).is_err());
    }

    #[test]
    fn an_epoch_is_a_permutation_that_depends_on_seed_and_epoch() {
        let indices: Vec<u32> = (0..500).map(|i| 2 * i).collect();
        let order = shuffled(&indices, 7, 3);
        let mut sorted = order.clone();
        sorted.sort_unstable();
        assert_eq!(sorted, indices);
        assert_eq!(order, shuffled(&indices, 7, 3));
        assert_ne!(order, shuffled(&indices, 7, 4));
        assert_ne!(order, shuffled(&indices, 8, 3));
    }
}
