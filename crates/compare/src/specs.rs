use digits_data::{Dataset, stratified_split};

use crate::CompareError;
use crate::plan::Plan;
use crate::progress::{Event, Progress};
use crate::results::{Network, Pair};
use crate::runs::RunSpec;

/// Every network of the experiment.
pub(crate) struct Specs {
    /// As they are, one a seed.
    pub full: Pair<Vec<RunSpec>>,
    /// Of equal size, one a seed.
    pub matched: Pair<Vec<RunSpec>>,
    /// With shift augmentation.
    pub shifted: Pair<Vec<RunSpec>>,
    /// On permuted pixels.
    pub permuted: Pair<Vec<RunSpec>>,
    /// On few images: for each number of them, one a seed.
    pub few: Vec<(usize, Pair<Vec<RunSpec>>)>,
}

/// Groups of runs that the questions ask for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Full,
    Matched,
    Shifted,
    Permuted,
}

impl Specs {
    pub fn new(plan: &Plan, dataset: &Dataset, sizes: &[usize]) -> Result<Self, CompareError> {
        let group = |recipes: &Pair<String>,
                     seeds: usize,
                     change: &dyn Fn(RunSpec) -> RunSpec|
         -> Result<Pair<Vec<RunSpec>>, CompareError> {
            Pair::measure(|network| {
                plan.seeds[..seeds]
                    .iter()
                    .map(|&seed| {
                        RunSpec::plain(plan, dataset, recipes.of(network), seed).map(change)
                    })
                    .collect()
            })
        };
        let all = plan.seeds.len();
        Ok(Self {
            full: group(&plan.networks, all, &|spec| spec)?,
            matched: group(&plan.matched, all, &|spec| spec)?,
            shifted: group(&plan.networks, plan.tolerance.augmented_seeds, &|spec| {
                spec.shifted(plan)
            })?,
            permuted: group(&plan.networks, plan.permutation.seeds, &|spec| {
                spec.permuted(plan)
            })?,
            few: sizes
                .iter()
                .map(|&per_class| {
                    let runs = group(&plan.networks, plan.samples.seeds, &|spec| {
                        spec.with_few_images(plan, per_class)
                    })?;
                    Ok((per_class, runs))
                })
                .collect::<Result<_, CompareError>>()?,
        })
    }

    pub fn all(&self) -> impl Iterator<Item = (Network, &RunSpec)> {
        // Recipe by recipe, so that a reader of the progress sees what is going on.
        let few = self.few.iter().map(|(_, runs)| runs);
        [&self.full, &self.matched, &self.shifted, &self.permuted]
            .into_iter()
            .chain(few)
            .flat_map(|runs| {
                Network::BOTH
                    .into_iter()
                    .flat_map(|network| runs.of(network).iter().map(move |spec| (network, spec)))
            })
    }
}

/// The plan's numbers of images per class that every class has.
pub(crate) fn possible_sizes(
    plan: &Plan,
    dataset: &Dataset,
    progress: &mut Progress<'_>,
) -> Result<Vec<usize>, CompareError> {
    let mut smallest = usize::MAX;
    let probe = RunSpec::plain(plan, dataset, &plan.networks.mlp, plan.seeds[0])?;
    let validation = probe.config.training.validation;
    let labels = dataset.train.labels();
    let split = stratified_split(labels, validation.min(labels.len() - 1), plan.seeds[0])?;
    for class in 0..dataset.train.classes() {
        let count = split
            .train
            .iter()
            .filter(|&&index| usize::from(dataset.train.label(index as usize)) == class)
            .count();
        smallest = smallest.min(count);
    }
    let (possible, too_large): (Vec<usize>, Vec<usize>) = plan
        .samples
        .per_class
        .iter()
        .partition(|&&size| size <= smallest);
    if !too_large.is_empty() {
        progress.say(Event::Notice(format!(
            "{} has only {smallest} training images of its smallest class: {too_large:?} images per class are left out",
            dataset.name
        )));
    }
    Ok(possible)
}
