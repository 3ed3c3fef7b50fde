//! What the questions measure with: trained runs, the test images, timing, cached measurements.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::rc::Rc;
use std::time::Instant;

use burn::tensor::Device;
use digits_data::files::{sha256, write_whole};
use digits_data::{Dataset, Images};
use digits_train::{self as train, Callbacks, LoadedRun};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::CompareError;
use crate::network::{Network, Pair};
use crate::plan::Plan;
use crate::runs::{Group, RunName, RunSpec, Trained, config};

/// What an experiment starts from.
pub struct Experiment<'a> {
    /// What is asked; `data`, `backend` and `threads` as resolved.
    pub plan: &'a Plan,
    /// The data set that `plan.data` names.
    pub dataset: &'a Dataset,
    /// Where to compute, without autodiff.
    pub device: &'a Device,
    /// Folder of the experiment; the runs are kept in `runs/` below it.
    pub folder: &'a Path,
}

/// Where time went.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Timing {
    /// For example `training cnn` or `corruptions`.
    pub part: String,
    pub seconds: f64,
}

/// Outputs before the softmax on the test images, seed by seed: `[images, classes]`, row by row.
pub(crate) type Outputs = Rc<Pair<Vec<Vec<f64>>>>;

/// Trains the runs and measures them.
pub(crate) struct Runner<'a> {
    pub plan: &'a Plan,
    pub dataset: &'a Dataset,
    pub device: &'a Device,
    pub test: Images,
    folder: &'a Path,
    trained: HashMap<RunName, Trained>,
    outputs: HashMap<Vec<RunName>, Outputs>,
    progress: Progress<'a>,
    /// Where the time of this call went.
    pub time: Vec<Timing>,
}

impl<'a> Runner<'a> {
    pub fn open(experiment: &Experiment<'a>, watcher: Watcher<'a>) -> Result<Self, CompareError> {
        Ok(Self {
            plan: experiment.plan,
            dataset: experiment.dataset,
            device: experiment.device,
            test: experiment.dataset.open_test()?,
            folder: experiment.folder,
            trained: HashMap::new(),
            outputs: HashMap::new(),
            progress: Progress::new(watcher),
            time: Vec::new(),
        })
    }

    /// Tells a person something that changes what the results mean.
    pub fn notice(&mut self, text: String) {
        self.progress.say(Event::Notice(text));
    }

    /// Trains what is not there yet of these groups. `evaluated` is the number of images that the
    /// questions will show to a network of each kind, for the progress.
    pub fn train(&mut self, groups: &[Group], evaluated: usize) -> Result<(), CompareError> {
        let runs = self.folder.join("runs");
        let mut missing: Vec<(RunSpec, f64)> = Vec::new();
        // Group by group, so that a reader of the progress sees what is going on.
        for group in groups {
            for network in Network::BOTH {
                for name in group.names(self.plan, network) {
                    let known = self.trained.contains_key(&name)
                        || missing.iter().any(|(spec, _)| spec.name == name);
                    if known {
                        continue;
                    }
                    let named = (network, name);
                    let spec = RunSpec::new(self.plan, self.dataset, &runs, group, named)?;
                    if let Some(run) = spec.finished(self.dataset)? {
                        self.trained.insert(spec.name, run);
                    } else {
                        let work = self.training_work(&spec);
                        missing.push((spec, work));
                    }
                }
            }
        }
        let training: f64 = missing.iter().map(|(_, work)| work).sum();
        let evaluation = self.evaluation_work(evaluated)?;
        self.progress
            .begin(training + evaluation, missing.len(), self.trained.len());
        let of = missing.len();
        for (number, (spec, work)) in missing.into_iter().enumerate() {
            self.progress.say(Event::Training {
                name: spec.name.to_string(),
                number: number + 1,
                of,
            });
            self.complete(spec, work)?;
        }
        Ok(())
    }

    fn complete(&mut self, spec: RunSpec, work: f64) -> Result<(), CompareError> {
        let started = Instant::now();
        let progress = &mut self.progress;
        let should_stop = progress.watcher.should_stop;
        let (mut batches, mut epochs) = (1.0, 1.0);
        let mut on_event = |event| match event {
            train::Event::Begin {
                batches: b,
                epochs: e,
                ..
            } => (batches, epochs) = (b as f64, e as f64),
            train::Event::Step { epoch, batch, .. } => {
                let done = (epoch as f64 - 1.0 + batch as f64 / batches) / epochs;
                progress.show(work * done);
            }
            train::Event::Notice(text) => progress.say(Event::Notice(text)),
            train::Event::Epoch { .. } => {}
        };
        let mut callbacks = Callbacks {
            on_event: &mut on_event,
            should_stop,
        };
        let run = spec
            .complete(self.dataset, self.device, &mut callbacks)?
            .ok_or(CompareError::Interrupted)?;
        self.progress.say(Event::Trained {
            name: spec.name.to_string(),
            accuracy: run.test_accuracy,
            seconds: started.elapsed().as_secs_f64(),
        });
        self.trained.insert(spec.name, run);
        self.spend(&format!("training {}", spec.network.name()), started);
        self.progress.advance(work)
    }

    /// The runs of a group, in the order of the seeds.
    ///
    /// # Panics
    /// If the group is not among those that [`Runner::train`] was given.
    pub fn runs(&self, group: &Group) -> Pair<Vec<&Trained>> {
        Pair::from_fn(|network| {
            let names = group.names(self.plan, network);
            names.map(|name| &self.trained[&name]).collect()
        })
    }

    /// The runs of each recipe compared: the networks as they are, then those of equal size.
    pub fn compared(&self) -> Vec<(Network, Vec<&Trained>)> {
        let groups = [Group::full(self.plan), Group::matched(self.plan)];
        let runs = groups.map(|group| self.runs(&group));
        let named = runs.map(|of| [(Network::Mlp, of.mlp), (Network::Cnn, of.cnn)]);
        named.into_iter().flatten().collect()
    }

    /// What the runs of a group found on the test split when they ended.
    pub fn test_accuracies(&self, group: &Group) -> Pair<Vec<f64>> {
        self.runs(group)
            .map(|runs| runs.iter().map(|run| run.test_accuracy).collect())
    }

    /// Loads the networks of a group.
    pub fn load(&self, group: &Group) -> Result<Pair<Vec<LoadedRun>>, CompareError> {
        let runs = self.runs(group);
        Pair::measure(|network| {
            let runs = runs.of(network).iter();
            runs.map(|run| Ok(run.folder.load(self.device)?)).collect()
        })
    }

    /// Test accuracy of each network on `images`; counts as work done.
    pub fn accuracies(
        &mut self,
        networks: &Pair<Vec<LoadedRun>>,
        images: &Images,
    ) -> Result<Pair<Vec<f64>>, CompareError> {
        let mut accuracy = |run: &LoadedRun| {
            let evaluation = run.evaluate(images, None, self.device)?;
            let work = work_of_image(run.config.model.macs());
            self.progress.advance(images.len() as f64 * work)?;
            Ok(evaluation.accuracy)
        };
        Pair::measure(|network| networks.of(network).iter().map(&mut accuracy).collect())
    }

    /// The outputs of the networks of a group on the test images, computed once.
    pub fn outputs(&mut self, group: &Group) -> Result<Outputs, CompareError> {
        let names = Network::BOTH.map(|network| group.names(self.plan, network));
        let names: Vec<RunName> = names.into_iter().flatten().collect();
        if let Some(known) = self.outputs.get(&names) {
            return Ok(Rc::clone(known));
        }
        let outputs = self.timed("outputs", "outputs on the test images", |runner| {
            let networks = runner.load(group)?;
            Pair::measure(|network| {
                let runs = networks.of(network).iter();
                runs.map(|run| runner.logits(run, &runner.test, None))
                    .collect::<Result<Vec<_>, CompareError>>()
            })
        })?;
        let outputs = Rc::new(outputs);
        self.outputs.insert(names, Rc::clone(&outputs));
        Ok(outputs)
    }

    /// A network's outputs before the softmax, image by image.
    pub fn logits(
        &self,
        run: &LoadedRun,
        images: &Images,
        indices: Option<&[u32]>,
    ) -> Result<Vec<f64>, CompareError> {
        let outputs = run.logits(images, indices, self.device)?;
        Ok(outputs.into_iter().map(f64::from).collect())
    }

    /// The first `count` test images, or all for 0.
    pub fn some_test_images(&self, count: usize) -> Result<Images, CompareError> {
        if count == 0 || count >= self.test.len() {
            return Ok(self.test.clone());
        }
        let indices: Vec<u32> = (0..count as u32).collect();
        Ok(self.test.select(&indices)?)
    }

    /// Measures, and notes how long it took.
    pub fn timed<T>(
        &mut self,
        part: &str,
        name: &str,
        measure: impl FnOnce(&mut Self) -> Result<T, CompareError>,
    ) -> Result<T, CompareError> {
        let started = Instant::now();
        self.progress.say(Event::Measuring(name.to_owned()));
        let measured = measure(self)?;
        self.spend(part, started);
        Ok(measured)
    }

    /// Measures what takes long and keeps it for the next call: in a file named after the runs,
    /// the data and the plan, so that it is never taken for another's.
    pub fn cached<T: Serialize + DeserializeOwned>(
        &mut self,
        part: &str,
        name: &str,
        groups: &[Group],
        measure: impl FnOnce(&mut Self) -> Result<T, CompareError>,
    ) -> Result<T, CompareError> {
        let mut decisive = part.to_owned() + &self.dataset.fingerprint;
        decisive += &toml::to_string(self.plan).map_err(CompareError::report)?;
        for group in groups {
            let runs = self.runs(group);
            for run in runs.mlp.iter().chain(&runs.cnn) {
                decisive += &run.record.checksum;
            }
        }
        let hash = &sha256(decisive)[..16];
        let path = self.folder.join("kept").join(format!("{part}-{hash}.json"));
        // A file that cannot be read or understood is measured again.
        let known = fs::read(&path).ok();
        if let Some(known) = known.and_then(|bytes| serde_json::from_slice(&bytes).ok()) {
            return Ok(known);
        }
        let measured = self.timed(part, name, measure)?;
        let bytes = serde_json::to_vec(&measured).map_err(CompareError::report)?;
        write_whole(&path, &bytes).map_err(CompareError::io("write", &path))?;
        Ok(measured)
    }

    fn spend(&mut self, part: &str, started: Instant) {
        let seconds = started.elapsed().as_secs_f64();
        match self.time.iter_mut().find(|timing| timing.part == part) {
            Some(timing) => timing.seconds += seconds,
            None => self.time.push(Timing {
                part: part.to_owned(),
                seconds,
            }),
        }
    }

    /// Training takes about three times the work of classifying.
    fn training_work(&self, spec: &RunSpec) -> f64 {
        let training = &spec.config.training;
        let held_out = training.validation.min(self.dataset.train.len());
        let train_images = self.dataset.train.len() - held_out;
        let trained = 3.0 * spec.images(train_images) as f64;
        let validated = (held_out * training.epochs + self.test.len()) as f64;
        (trained + validated) * work_of_image(spec.config.model.macs())
    }

    /// Work of showing so many images to a network of each kind.
    fn evaluation_work(&self, images: usize) -> Result<f64, CompareError> {
        let recipes = &self.plan.networks;
        let works = Pair::measure(|network| {
            let recipe = recipes.of(network);
            let config = config(self.plan, self.dataset, recipe, self.plan.seeds[0])?;
            Ok::<f64, CompareError>(images as f64 * work_of_image(config.model.macs()))
        })?;
        Ok(works.mlp + works.cnn)
    }
}

/// Estimate of the work of classifying one image: its multiply-adds, and what comes with every
/// image whatever the network.
fn work_of_image<E>(macs: Result<u64, E>) -> f64 {
    const ALWAYS: f64 = 400_000.0;
    macs.map_or(0.0, |count| count as f64) + ALWAYS
}

/// What the experiment tells and asks while it works.
pub struct Watcher<'a> {
    /// Called with everything that happens.
    pub on_event: &'a mut dyn FnMut(Event),
    /// Asked between steps; `true` saves and ends.
    pub should_stop: &'a dyn Fn() -> bool,
}

/// What happens in an experiment.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Before the first work.
    Begin {
        /// Networks to train.
        missing: usize,
        /// Networks that are there already.
        found: usize,
    },
    /// A network's training begins, or goes on.
    Training {
        /// Its recipe, variant and seed.
        name: String,
        /// Which of the networks to train, from 1.
        number: usize,
        /// Networks to train.
        of: usize,
    },
    /// A network is trained.
    Trained {
        /// Its recipe, variant and seed.
        name: String,
        /// Its test accuracy, 0 to 1.
        accuracy: f64,
        /// Seconds that it took.
        seconds: f64,
    },
    /// A question is being measured.
    Measuring(String),
    /// Work has been done.
    Done {
        /// Share of the whole experiment, 0 to 1.
        share: f64,
        /// Seconds left, as far as can be told.
        left: Option<f64>,
    },
    /// Something that a person should be told.
    Notice(String),
}

/// Counts the work of the experiment and tells the watcher.
pub(crate) struct Progress<'w> {
    watcher: Watcher<'w>,
    started: Instant,
    total: f64,
    done: f64,
}

impl<'w> Progress<'w> {
    fn new(watcher: Watcher<'w>) -> Self {
        Self {
            watcher,
            started: Instant::now(),
            total: 1.0,
            done: 0.0,
        }
    }

    fn begin(&mut self, total: f64, missing: usize, found: usize) {
        self.started = Instant::now();
        self.total = total.max(1.0);
        self.say(Event::Begin { missing, found });
    }

    fn say(&mut self, event: Event) {
        (self.watcher.on_event)(event);
    }

    /// Tells of `more` work beyond what is done, without counting it.
    fn show(&mut self, more: f64) {
        let done = self.done + more;
        let share = (done / self.total).clamp(0.0, 1.0);
        // The first moments say nothing about the speed.
        let elapsed = self.started.elapsed().as_secs_f64();
        let left = (elapsed > 2.0 && share > 0.0).then(|| elapsed * (1.0 - share) / share);
        self.say(Event::Done { share, left });
    }

    /// Counts work as done.
    ///
    /// # Errors
    /// [`CompareError::Interrupted`] if the watcher asks to stop.
    fn advance(&mut self, work: f64) -> Result<(), CompareError> {
        self.done += work;
        self.show(0.0);
        if (self.watcher.should_stop)() {
            return Err(CompareError::Interrupted);
        }
        Ok(())
    }
}
