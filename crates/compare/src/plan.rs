use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use digits_data::Source;
use digits_train::Recipe;
use serde::{Deserialize, Serialize};

use crate::error::CompareError;
use crate::network::{Network, Pair};

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
    pub seed: u64,
}

/// How permuted pixels are tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PermutationPlan {
    /// How many of the plan's seeds are trained on permuted images.
    pub seeds: usize,
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

impl Plan {
    /// Five seeds, every question. Compiled in, as are the others of `configs/`, so that the
    /// program works from anywhere.
    pub const STANDARD: &str = include_str!("../../../configs/compare.toml");
    /// A first look in about a minute.
    pub const QUICK: &str = include_str!("../../../configs/compare-quick.toml");
    /// Ten seeds, longer training.
    pub const THOROUGH: &str = include_str!("../../../configs/compare-thorough.toml");

    /// A plan of one's own.
    ///
    /// # Errors
    /// A file that cannot be read or is not a plan; the message says where.
    pub fn from_file(path: &Path) -> Result<Self, CompareError> {
        let text = fs::read_to_string(path).map_err(CompareError::io("read", path))?;
        Self::parse(&path.display().to_string(), &text)
    }

    /// The same plan with other seeds. A question that was asked of some of the old seeds is asked
    /// of as many of the new ones, or of all of them.
    pub fn with_seeds(mut self, seeds: Vec<u64>) -> Self {
        let all = self.seeds.len();
        for (_, count) in self.seed_counts() {
            *count = if *count == all {
                seeds.len()
            } else {
                (*count).min(seeds.len())
            };
        }
        self.seeds = seeds;
        self
    }

    /// How many of the seeds each question is asked of, with the names of these settings.
    fn seed_counts(&mut self) -> [(&'static str, &mut usize); 5] {
        let tolerance = &mut self.tolerance;
        [
            ("tolerance.seeds", &mut tolerance.seeds),
            ("tolerance.augmented_seeds", &mut tolerance.augmented_seeds),
            ("corruptions.seeds", &mut self.corruptions.seeds),
            ("permutation.seeds", &mut self.permutation.seeds),
            ("samples.seeds", &mut self.samples.seeds),
        ]
    }

    /// Reads a plan; `origin` says where a mistake in it is.
    ///
    /// # Errors
    /// It is not a plan.
    pub fn parse(origin: &str, text: &str) -> Result<Self, CompareError> {
        toml::from_str(text).map_err(|error| CompareError::Plan {
            origin: origin.to_owned(),
            message: error.to_string().trim_end().to_owned(),
        })
    }

    /// Checks every number before any work is done.
    ///
    /// # Errors
    /// The first setting that is invalid, by its full name, with what would be valid.
    pub fn validate(&self) -> Result<(), CompareError> {
        let check = |valid: bool, name: &str, advice: &str| {
            let problem = || CompareError::Plan {
                origin: name.to_owned(),
                message: advice.to_owned(),
            };
            valid.then_some(()).ok_or_else(problem)
        };
        let seeds = self.seeds.len();
        let advice = "give one or more, each once; five or more for an answer that stands";
        let distinct: BTreeSet<&u64> = self.seeds.iter().collect();
        check(seeds > 0 && distinct.len() == seeds, "seeds", advice)?;
        for (name, count) in self.clone().seed_counts() {
            let advice = format!("it is {count}; give 1 to {seeds}, the number of seeds");
            check((1..=seeds).contains(&*count), name, &advice)?;
        }
        for (name, count) in [
            ("calibration_bins", self.calibration_bins),
            ("samples.batch_size", self.samples.batch_size),
            ("samples.steps", self.samples.steps),
        ] {
            check(count > 0, name, "it is 0; give 1 or more")?;
        }
        for (name, amounts, none) in [
            ("tolerance.shifts", &self.tolerance.shifts, 0.0),
            ("tolerance.rotations", &self.tolerance.rotations, 0.0),
            ("tolerance.scales", &self.tolerance.scales, 1.0),
        ] {
            let valid = ascending(amounts) && amounts.len() > 1 && amounts.contains(&none);
            let advice = format!("give two numbers or more, ascending, {none} among them");
            check(valid, name, &advice)?;
        }
        let levels = &self.corruptions.severities;
        let known = levels.iter().all(|level| (1..=5).contains(level));
        let valid = !levels.is_empty() && ascending(levels) && known;
        let advice = "give one or more out of 1 to 5, ascending";
        check(valid, "corruptions.severities", advice)?;
        let sizes = &self.samples.per_class;
        let valid = !sizes.contains(&0) && ascending(sizes);
        let advice = "give numbers of 1 or more, ascending";
        check(valid, "samples.per_class", advice)?;
        for (name, recipes) in [("networks", &self.networks), ("matched", &self.matched)] {
            for network in Network::BOTH {
                let recipe = recipes.of(network);
                let kind = Recipe::built_in(recipe)?.resolve()?.model.kind();
                let wanted = network.name().to_lowercase();
                let name = format!("{name}.{wanted}");
                let advice = format!("the recipe {recipe} is not a network of this kind");
                check(kind == wanted, &name, &advice)?;
            }
        }
        Ok(())
    }
}

fn ascending<T: PartialOrd>(values: &[T]) -> bool {
    values.windows(2).all(|pair| pair[0] < pair[1])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_plans_that_are_compiled_in_make_sense() {
        for plan in [Plan::STANDARD, Plan::QUICK, Plan::THOROUGH] {
            Plan::parse("", plan).unwrap().validate().unwrap();
        }
    }

    #[test]
    fn senseless_plans_are_refused_by_the_name_of_the_setting() {
        let cases: [(&str, toml::Value); 8] = [
            ("seeds", vec![1, 1].into()),
            ("permutation.seeds", 6.into()),
            ("samples.steps", 0.into()),
            ("tolerance.shifts", vec![1.0, 2.0].into()),
            ("tolerance.scales", vec![1.5, 1.0].into()),
            ("corruptions.severities", vec![6].into()),
            ("samples.per_class", vec![30, 10].into()),
            ("matched.cnn", "mlp-small".into()),
        ];
        for (name, value) in cases {
            let mut plan: toml::Table = Plan::STANDARD.parse().unwrap();
            let (table, key) = match name.split_once('.') {
                Some((table, key)) => (plan[table].as_table_mut().unwrap(), key),
                None => (&mut plan, name),
            };
            table.insert(key.to_owned(), value);
            let plan: Plan = plan.try_into().unwrap();
            let message = plan.validate().unwrap_err().to_string();
            assert!(message.starts_with(&format!("{name}:")), "{message}");
        }
        let text = Plan::STANDARD.replace("gallery = 24", "galery = 24");
        let message = Plan::parse("mine.toml", &text).unwrap_err().to_string();
        let known = message.contains("mine.toml") && message.contains("galery");
        assert!(known, "{message}");
    }
}
