use digits_data::Source;
use serde::{Deserialize, Serialize};

use crate::CompareError;
use crate::results::Pair;

/// The whole experiment as data: what is trained, on what, and what is asked. Saved in the
/// results; the same plan on the same data gives the same numbers, times excepted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The data set.
    #[serde(default = "auto")]
    pub data: Source,
    /// The backend, by the name the command line knows it by.
    #[serde(default = "flex")]
    pub backend: String,
    /// Worker threads of the CPU backends; 0 for one per core.
    #[serde(default)]
    pub threads: usize,
    /// Seeds of the networks: parameters, held-out images, order and dropout of each run.
    pub seeds: Vec<u64>,
    /// Recipes compared as they are.
    pub networks: Pair<String>,
    /// Recipes of about the same number of parameters.
    pub matched: Pair<String>,
    /// Changes to every recipe, `key=value` as `digits train --set` takes them.
    #[serde(default)]
    pub set: Vec<String>,
    /// Question 3: shift, rotation, scale.
    pub tolerance: TolerancePlan,
    /// Question 4: damaged images.
    pub corruptions: CorruptionPlan,
    /// Question 5: permuted pixels.
    pub permutation: PermutationPlan,
    /// Question 6: few training images.
    pub samples: SamplePlan,
    /// Question 7: intervals of the reliability diagram.
    pub calibration_bins: usize,
    /// Question 8: images in each gallery.
    pub gallery: usize,
}

/// How tolerance of shift, rotation and scale is measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TolerancePlan {
    /// How many of the plan's seeds are evaluated.
    pub seeds: usize,
    /// How many of the plan's seeds are trained with shift augmentation as well.
    pub augmented_seeds: usize,
    /// Bound of the random shift in that training, in pixels, in each direction.
    pub augmentation_shift: f64,
    /// Test images, from the first; 0 for all.
    pub images: usize,
    /// Shifts in pixels, each tried in four directions; ascending from 0.
    pub shifts: Vec<f64>,
    /// Rotations in degrees, ascending, 0 among them.
    pub rotations: Vec<f64>,
    /// Sizes, ascending, 1 among them.
    pub scales: Vec<f64>,
}

/// How damaged images are tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorruptionPlan {
    /// How many of the plan's seeds are evaluated.
    pub seeds: usize,
    /// Test images, from the first; 0 for all.
    pub images: usize,
    /// Severities, out of 1 to 5.
    pub severities: Vec<usize>,
    /// Seed of the damage.
    pub seed: u64,
}

/// How permuted pixels are tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermutationPlan {
    /// How many of the plan's seeds are trained on permuted images.
    pub seeds: usize,
    /// Seed of the permutation.
    pub permutation: u64,
}

/// How few training images are tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SamplePlan {
    /// How many of the plan's seeds are trained on few images.
    pub seeds: usize,
    /// Training images of each class, ascending; "all" is taken from the full-size runs.
    pub per_class: Vec<usize>,
    /// Images in one step.
    pub batch_size: usize,
    /// Steps of each run, the same for every size.
    pub steps: usize,
}

fn auto() -> Source {
    Source::Auto
}

fn flex() -> String {
    "flex".to_owned()
}
