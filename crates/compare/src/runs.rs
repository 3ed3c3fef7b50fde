use std::path::{Path, PathBuf};

use burn::tensor::Device;
use digits_data::files::sha256;
use digits_data::{Dataset, Source};
use digits_train::{
    Callbacks, Keep, LoadedRun, Outcome, Recipe, RunConfig, RunFolder, RunRecord, StartFrom,
    Status, TrainingJob, Versions, input_of, train,
};

use crate::CompareError;
use crate::plan::Plan;

/// One network of the experiment: what it is called and how it is trained.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct RunSpec {
    /// Name of the recipe.
    pub recipe: String,
    /// What sets it apart from the recipe as it is, for its folder's name; empty for nothing.
    pub variant: String,
    /// The whole configuration.
    pub config: RunConfig,
}

/// A finished run of the experiment.
#[derive(Debug, Clone)]
pub(crate) struct Trained {
    pub folder: RunFolder,
    pub record: RunRecord,
}

impl RunSpec {
    /// A recipe as it is, with the plan's changes and one of its seeds.
    pub fn plain(
        plan: &Plan,
        dataset: &Dataset,
        recipe: &str,
        seed: u64,
    ) -> Result<Self, CompareError> {
        let mut changed = Recipe::built_in(recipe)?;
        for assignment in &plan.set {
            changed.set(assignment)?;
        }
        changed.set_option("seed", seed)?;
        changed.set_option("threads", plan.threads)?;
        changed.set_option("backend", &plan.backend)?;
        let mut config = changed.resolve()?;
        config.data = plan.data.clone();
        config.model = config.model.with_input(input_of(&dataset.train));
        Ok(Self {
            recipe: recipe.to_owned(),
            variant: String::new(),
            config,
        })
    }

    /// The same, trained with random shifts.
    pub fn shifted(mut self, plan: &Plan) -> Self {
        self.config.augmentation.shift = plan.tolerance.augmentation_shift;
        self.variant = "-shifted".to_owned();
        self
    }

    /// The same on images with permuted pixels.
    pub fn permuted(mut self, plan: &Plan) -> Self {
        self.config.view.permutation = Some(plan.permutation.permutation);
        self.variant = "-permuted".to_owned();
        self
    }

    /// The same on a few images of each class, for the plan's number of steps. The last network
    /// is kept: a choice among epochs would rest on 5,000 images that this run is not to have.
    pub fn with_few_images(mut self, plan: &Plan, per_class: usize) -> Self {
        let classes = self.config.model.input().classes;
        let samples = &plan.samples;
        let training = &mut self.config.training;
        training.batch_size = samples.batch_size;
        training.keep = Keep::Last;
        let wanted = samples.steps * samples.batch_size;
        training.passes = wanted
            .div_ceil(training.epochs * per_class * classes)
            .max(1);
        self.config.view.per_class = Some(per_class);
        self.variant = format!("-{per_class}");
        self
    }

    /// The folder of this run: its name holds a hash of everything that decides its outcome, so
    /// that runs of different plans stand side by side and equal ones are shared.
    pub fn folder(&self, runs: &Path, fingerprint: &str) -> Result<PathBuf, CompareError> {
        let mut config = self.config.clone();
        config.data = Source::Auto; // the fingerprint says what it is
        let text = toml::to_string(&config).map_err(CompareError::report)?;
        let Versions { digits, burn } = Versions::current();
        let hash = sha256(format!("{digits}\n{burn}\n{fingerprint}\n{text}"));
        Ok(runs.join(format!(
            "{}{}-s{}-{}",
            self.recipe,
            self.variant,
            self.config.seed,
            &hash[..8]
        )))
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
}

/// The finished run of `spec`, if its folder holds it.
///
/// # Errors
/// A folder that is damaged.
pub(crate) fn finished(
    spec: &RunSpec,
    runs: &Path,
    dataset: &Dataset,
) -> Result<Option<Trained>, CompareError> {
    let folder = RunFolder::new(spec.folder(runs, &dataset.fingerprint)?);
    if !folder.exists() {
        return Ok(None);
    }
    let (record, mut config) = folder.describe()?;
    config.data = spec.config.data.clone();
    let same = config == spec.config
        && record.dataset.fingerprint == dataset.fingerprint
        && record.versions == Versions::current();
    Ok((same && record.status == Status::Finished).then_some(Trained { folder, record }))
}

/// Trains the network of `spec`, or goes on training it. `None` if it was stopped on request.
///
/// # Errors
/// As [`digits_train::train`].
pub(crate) fn complete(
    spec: &RunSpec,
    runs: &Path,
    dataset: &Dataset,
    device: &Device,
    callbacks: &mut Callbacks<'_>,
) -> Result<Option<Trained>, CompareError> {
    let folder = RunFolder::new(spec.folder(runs, &dataset.fingerprint)?);
    let outcome = train(
        TrainingJob {
            recipe: &spec.recipe,
            config: spec.config.clone(),
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
        Outcome::Finished(record) => Some(Trained {
            folder,
            record: *record,
        }),
        Outcome::Interrupted { .. } => None,
    })
}

impl Trained {
    /// The network, checked against its record.
    pub fn load(&self, device: &Device) -> Result<LoadedRun, CompareError> {
        Ok(self.folder.load(device)?)
    }

    /// What the run is known by in keys of kept measurements.
    pub fn key(&self) -> &str {
        &self.record.checksum
    }
}
