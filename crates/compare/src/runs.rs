use std::fmt;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use digits_data::files::sha256;
use digits_data::{Dataset, Source};
use digits_train::{
    Callbacks, Outcome, Recipe, RunConfig, RunFolder, RunRecord, StartFrom, Status, TrainingJob,
    Versions, input_of, train,
};

use crate::error::CompareError;
use crate::network::{Network, Pair};
use crate::plan::Plan;

/// Networks of both kinds that are trained alike, one of each for every seed.
pub(crate) struct Group {
    recipes: Pair<String>,
    seeds: usize,
    variant: String,
    change: Box<dyn Fn(&mut RunConfig)>,
}

/// What tells the runs of one plan apart.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct RunName {
    recipe: String,
    variant: String,
    seed: u64,
}

/// One network of the experiment: what it is called, how it is trained and where it is kept.
pub(crate) struct RunSpec {
    pub name: RunName,
    pub network: Network,
    pub config: RunConfig,
    folder: PathBuf,
}

/// A finished run of the experiment.
#[derive(Debug, Clone)]
pub(crate) struct Trained {
    pub folder: RunFolder,
    pub record: RunRecord,
    pub test_accuracy: f64,
}

impl Group {
    /// The networks as they are.
    pub fn full(plan: &Plan) -> Self {
        Self::changed(plan, plan.seeds.len(), "", |_| {})
    }

    /// Networks of about the same number of parameters.
    pub fn matched(plan: &Plan) -> Self {
        Self {
            recipes: plan.matched.clone(),
            ..Self::full(plan)
        }
    }

    /// The first `seeds` networks, trained with a change of their configuration. `variant` names
    /// the change in the name of the folder.
    pub fn changed(
        plan: &Plan,
        seeds: usize,
        variant: impl Into<String>,
        change: impl Fn(&mut RunConfig) + 'static,
    ) -> Self {
        Self {
            recipes: plan.networks.clone(),
            seeds,
            variant: variant.into(),
            change: Box::new(change),
        }
    }

    /// The first `seeds` of them.
    pub fn first(self, seeds: usize) -> Self {
        Self { seeds, ..self }
    }

    /// One name a seed.
    pub fn names(&self, plan: &Plan, network: Network) -> impl Iterator<Item = RunName> {
        plan.seeds[..self.seeds].iter().map(move |&seed| RunName {
            recipe: self.recipes.of(network).clone(),
            variant: self.variant.clone(),
            seed,
        })
    }
}

/// `mlp shifted, seed 1`.
impl fmt::Display for RunName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variant = self.variant.replace('-', " ");
        write!(f, "{}{variant}, seed {}", self.recipe, self.seed)
    }
}

impl RunSpec {
    /// The run `name` of a group, kept in a folder below `runs`.
    pub fn new(
        plan: &Plan,
        dataset: &Dataset,
        runs: &Path,
        group: &Group,
        (network, name): (Network, RunName),
    ) -> Result<Self, CompareError> {
        let mut config = config(plan, dataset, &name.recipe, name.seed)?;
        (group.change)(&mut config);
        Ok(Self {
            folder: runs.join(folder_name(&name, &config, &dataset.fingerprint)?),
            name,
            network,
            config,
        })
    }

    /// Steps forward and backward of this run, in images.
    pub fn images(&self, train_images: usize) -> usize {
        let training = &self.config.training;
        let images = match self.config.view.per_class {
            Some(per_class) => per_class * self.config.model.input().classes,
            None => train_images,
        };
        images * training.passes * training.epochs
    }

    /// The finished run, if its folder holds it.
    ///
    /// # Errors
    /// A folder that is damaged.
    pub fn finished(&self, dataset: &Dataset) -> Result<Option<Trained>, CompareError> {
        let folder = RunFolder::new(&self.folder);
        if !folder.exists() {
            return Ok(None);
        }
        let (record, mut config) = folder.describe()?;
        config.data = self.config.data.clone();
        let same = config == self.config
            && record.dataset.fingerprint == dataset.fingerprint
            && record.versions == Versions::current()
            && record.status == Status::Finished;
        Ok(Trained::of(folder, record).filter(|_| same))
    }

    /// Trains the network, or resumes its training. `None` if it was stopped on request.
    ///
    /// # Errors
    /// As [`digits_train::train`].
    pub fn complete(
        &self,
        dataset: &Dataset,
        device: &Device,
        callbacks: &mut Callbacks<'_>,
    ) -> Result<Option<Trained>, CompareError> {
        let folder = RunFolder::new(&self.folder);
        let outcome = train(
            TrainingJob {
                recipe: &self.name.recipe,
                config: self.config.clone(),
                dataset,
                device,
                folder: &folder,
                start_from: if folder.exists() {
                    StartFrom::Checkpoint
                } else {
                    StartFrom::Seed
                },
            },
            callbacks,
        )?;
        Ok(match outcome {
            Outcome::Finished(record) => Trained::of(folder, *record),
            Outcome::Interrupted { .. } => None,
        })
    }
}

impl Trained {
    /// Nothing for a record without a result, as one has that is not finished.
    fn of(folder: RunFolder, record: RunRecord) -> Option<Self> {
        Some(Self {
            test_accuracy: record.result?.test_accuracy,
            folder,
            record,
        })
    }
}

/// A recipe as it is, with the plan's changes and one of its seeds.
pub(crate) fn config(
    plan: &Plan,
    dataset: &Dataset,
    recipe: &str,
    seed: u64,
) -> Result<RunConfig, CompareError> {
    let mut changed = Recipe::built_in(recipe)?;
    let (threads, backend) = (plan.threads, &plan.backend);
    let own = [
        format!("seed={seed}"),
        format!("threads={threads}"),
        format!("backend={backend}"),
    ];
    for assignment in plan.set.iter().chain(&own) {
        changed.set(assignment)?;
    }
    let mut config = changed.resolve()?;
    config.data = plan.data.clone();
    config.model = config.model.with_input(input_of(&dataset.train));
    Ok(config)
}

/// The name holds a hash of everything that decides the outcome of the run, so that runs of
/// different plans stand side by side and equal ones are shared.
fn folder_name(
    name: &RunName,
    config: &RunConfig,
    fingerprint: &str,
) -> Result<String, CompareError> {
    let mut config = config.clone();
    config.data = Source::Auto; // the fingerprint says what it is
    let text = toml::to_string(&config).map_err(CompareError::report)?;
    let Versions { digits, burn } = Versions::current();
    let hash = sha256(format!("{digits}\n{burn}\n{fingerprint}\n{text}"));
    let (recipe, variant) = (&name.recipe, &name.variant);
    Ok(format!("{recipe}{variant}-s{}-{}", name.seed, &hash[..8]))
}
