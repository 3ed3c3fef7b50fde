use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use burn::tensor::Device;
use digits_data::files::sha256;
use digits_data::{Dataset, Images};
use digits_train::{self as train, Callbacks, LoadedRun};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::CompareError;
use crate::answer::answer;
use crate::plan::Plan;
use crate::progress::{Event, Progress, Watcher};
use crate::questions::{
    accuracy, calibration, corruptions, cost, features, mistakes, permutation, samples, tolerance,
};
use crate::results::{DatasetSummary, Machine, Network, Pair, Results, SCHEMA, Spent};
use crate::runs::{RunSpec, Trained, complete, finished};
use crate::specs::{Group, Specs, possible_sizes};

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

/// Does the whole experiment. Runs and measurements that are there already are used again.
///
/// # Errors
/// A run or a file that fails; [`CompareError::Interrupted`] if the watcher asked to stop: the
/// next call goes on.
pub fn compare<'a>(
    experiment: &Experiment<'a>,
    watcher: Watcher<'a>,
) -> Result<Results, CompareError> {
    experiment.plan.validate()?;
    let mut lab = Lab::open(experiment, watcher)?;
    lab.train()?;
    lab.ask()
}

/// Where everything is done: the runs, the data, and what is told meanwhile.
pub(crate) struct Lab<'a> {
    pub plan: &'a Plan,
    pub dataset: &'a Dataset,
    pub device: &'a Device,
    pub test: Images,
    folder: &'a Path,
    specs: Specs,
    trained: HashMap<PathBuf, Trained>,
    progress: Progress<'a>,
    time: Vec<Spent>,
}

impl<'a> Lab<'a> {
    fn open(experiment: &Experiment<'a>, watcher: Watcher<'a>) -> Result<Self, CompareError> {
        let &Experiment {
            plan,
            dataset,
            device,
            folder,
        } = experiment;
        let mut progress = Progress::new(watcher);
        let sizes = possible_sizes(plan, dataset, &mut progress)?;
        let specs = Specs::new(plan, dataset, &sizes)?;
        Ok(Self {
            plan,
            dataset,
            device,
            test: dataset.open_test()?,
            folder,
            specs,
            trained: HashMap::new(),
            progress,
            time: Vec::new(),
        })
    }

    fn runs(&self) -> PathBuf {
        self.folder.join("runs")
    }

    /// Trains what is not there yet.
    fn train(&mut self) -> Result<(), CompareError> {
        let runs = self.runs();
        let mut missing = Vec::new();
        for (network, spec) in self.specs.all() {
            let path = spec.folder(&runs, &self.dataset.fingerprint)?;
            match finished(spec, &runs, self.dataset)? {
                Some(run) => {
                    self.trained.insert(path, run);
                }
                None => missing.push((network, spec.clone(), path)),
            }
        }
        let work = missing
            .iter()
            .map(|(_, spec, _)| self.training_work(spec))
            .collect::<Result<Vec<f64>, CompareError>>()?;
        self.progress.begin(
            work.iter().sum::<f64>() + self.evaluation_work()?,
            missing.len(),
            self.trained.len(),
        );
        let total = missing.len();
        for (number, ((network, spec, path), work)) in missing.into_iter().zip(work).enumerate() {
            // The same run may have been asked for twice: few images may be all images.
            if self.trained.contains_key(&path) {
                self.progress.advance(work)?;
                continue;
            }
            let started = Instant::now();
            let name = format!(
                "{}{}, seed {}",
                spec.recipe,
                spec.variant.replace('-', " "),
                spec.config.seed
            );
            self.progress.say(Event::Training {
                name: name.clone(),
                number: number + 1,
                of: total,
            });
            let progress = &mut self.progress;
            let should_stop = progress.should_stop();
            let (mut batches, mut epochs) = (1.0, 1.0);
            let outcome = complete(
                &spec,
                &runs,
                self.dataset,
                self.device,
                &mut Callbacks {
                    on_event: &mut |event| match event {
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
                    },
                    should_stop,
                },
            )?;
            let Some(run) = outcome else {
                return Err(CompareError::Interrupted);
            };
            let accuracy = run.record.result.map_or(0.0, |result| result.test_accuracy);
            self.progress.say(Event::Trained {
                name,
                accuracy,
                seconds: started.elapsed().as_secs_f64(),
            });
            self.trained.insert(path, run);
            self.spend(&format!("training {}", network.name()), started);
            self.progress.advance(work)?;
        }
        Ok(())
    }

    /// Measures, question by question, and writes the answer.
    fn ask(mut self) -> Result<Results, CompareError> {
        let outputs = self.question("outputs", "outputs on the test images", Outputs::measure)?;
        let accuracy = accuracy::ask(&self, &outputs)?;
        let cost = self.question("cost", "cost", cost::ask)?;
        let tolerance = self.kept("tolerance", "shift, rotation, scale", tolerance::ask)?;
        let corruptions = self.kept("corruptions", "corruptions", corruptions::ask)?;
        let permutation = permutation::ask(&self, &accuracy)?;
        let samples = samples::ask(&self, &accuracy)?;
        let calibration = self.question("calibration", "calibration", |lab| {
            calibration::ask(lab, &outputs)
        })?;
        let mistakes = mistakes::ask(&self, &outputs)?;
        let features = self.question("features", "features", features::ask)?;
        let networks = cost::networks(&self)?;
        let valid = self.first(Group::Full, Network::Mlp).record.dataset.clone();
        let mut results = Results {
            schema: SCHEMA,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            plan: self.plan.clone(),
            dataset: DatasetSummary {
                name: self.dataset.name.clone(),
                fingerprint: self.dataset.fingerprint.clone(),
                classes: self.dataset.train.classes(),
                height: self.test.shape().height,
                width: self.test.shape().width,
                train_images: valid.train_images,
                valid_images: valid.valid_images,
                test_images: self.test.len(),
            },
            machine: Machine {
                backend: self.plan.backend.clone(),
                threads: self.plan.threads,
            },
            networks,
            accuracy,
            cost,
            tolerance,
            corruptions,
            permutation,
            samples,
            calibration,
            mistakes,
            features,
            answer: Vec::new(),
            time: self.time,
        };
        results.answer = answer(&results);
        Ok(results)
    }

    /// Asks one question, and notes how long the answer took.
    fn question<T>(
        &mut self,
        part: &str,
        name: &str,
        ask: impl FnOnce(&mut Self) -> Result<T, CompareError>,
    ) -> Result<T, CompareError> {
        let started = Instant::now();
        self.progress.say(Event::Measuring {
            what: name.to_owned(),
        });
        let answer = ask(self)?;
        self.spend(part, started);
        Ok(answer)
    }

    /// Asks a question whose answer takes long, and keeps the answer for the next call: in a file
    /// named after the networks, the data and the plan, so that it is never taken for another's.
    fn kept<T: Serialize + DeserializeOwned>(
        &mut self,
        part: &str,
        name: &str,
        ask: impl FnOnce(&mut Self) -> Result<T, CompareError>,
    ) -> Result<T, CompareError> {
        let mut decisive = part.to_owned() + &self.dataset.fingerprint;
        decisive += &toml::to_string(self.plan).map_err(CompareError::report)?;
        for group in [Group::Full, Group::Shifted] {
            for network in Network::BOTH {
                for run in self.runs_of(group, network) {
                    decisive += &run.key();
                }
            }
        }
        let hash = &sha256(decisive)[..16];
        let path = self.folder.join("kept").join(format!("{part}-{hash}.json"));
        // A file that cannot be read or understood is measured again.
        if let Some(answer) = fs::read(&path)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        {
            return Ok(answer);
        }
        let answer = self.question(part, name, ask)?;
        let bytes = serde_json::to_vec(&answer).map_err(CompareError::report)?;
        crate::write(&path, &bytes)?;
        Ok(answer)
    }

    fn spend(&mut self, part: &str, started: Instant) {
        let seconds = started.elapsed().as_secs_f64();
        match self.time.iter_mut().find(|spent| spent.part == part) {
            Some(spent) => spent.seconds += seconds,
            None => self.time.push(Spent {
                part: part.to_owned(),
                seconds,
            }),
        }
    }

    /// The runs of a group, in the order of the seeds.
    pub fn runs_of(&self, group: Group, network: Network) -> Vec<&Trained> {
        let specs = match group {
            Group::Full => &self.specs.full,
            Group::Matched => &self.specs.matched,
            Group::Shifted => &self.specs.shifted,
            Group::Permuted => &self.specs.permuted,
        };
        self.trained_of(specs.of(network))
    }

    /// The runs on few images: how many of each class, and the runs.
    pub fn few(&self) -> impl Iterator<Item = (usize, Pair<Vec<&Trained>>)> {
        self.specs.few.iter().map(|(per_class, specs)| {
            let runs = Pair {
                mlp: self.trained_of(&specs.mlp),
                cnn: self.trained_of(&specs.cnn),
            };
            (*per_class, runs)
        })
    }

    /// The first run of a group.
    pub fn first(&self, group: Group, network: Network) -> &Trained {
        self.runs_of(group, network)[0] // a plan has seeds
    }

    fn trained_of(&self, specs: &[RunSpec]) -> Vec<&Trained> {
        let runs = self.runs();
        specs
            .iter()
            .filter_map(|spec| spec.folder(&runs, &self.dataset.fingerprint).ok())
            .filter_map(|path| self.trained.get(&path))
            .collect()
    }

    /// Loads the first `seeds` networks of a group.
    pub fn load(
        &self,
        group: Group,
        network: Network,
        seeds: usize,
    ) -> Result<Vec<LoadedRun>, CompareError> {
        self.runs_of(group, network)
            .into_iter()
            .take(seeds)
            .map(|run| run.load(self.device))
            .collect()
    }

    /// Test accuracy of each network on `images`; counts as work done.
    pub fn accuracies(
        &mut self,
        networks: &[LoadedRun],
        images: &Images,
    ) -> Result<Vec<f64>, CompareError> {
        networks
            .iter()
            .map(|run| {
                let evaluation = run.evaluate(images, None, self.device)?;
                let work = images.len() as f64 * work_of_image(run.config.model.macs());
                self.progress.advance(work)?;
                Ok(evaluation.accuracy)
            })
            .collect()
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

    /// Training takes about three times the work of classifying.
    fn training_work(&self, spec: &RunSpec) -> Result<f64, CompareError> {
        let held_out = spec
            .config
            .training
            .validation
            .min(self.dataset.train.len());
        let train_images = self.dataset.train.len() - held_out;
        let model = &spec.config.model;
        let trained = 3.0 * spec.images(train_images) as f64;
        let validated = (held_out * spec.config.training.epochs + self.test.len()) as f64;
        Ok((trained + validated) * work_of_image(model.macs()))
    }

    /// Work of the questions that evaluate networks many times.
    fn evaluation_work(&self) -> Result<f64, CompareError> {
        let tolerance = &self.plan.tolerance;
        let variants =
            4 * tolerance.shifts.len() + tolerance.rotations.len() + tolerance.scales.len();
        let corrupted = 8 * self.plan.corruptions.severities.len() * self.plan.corruptions.seeds;
        let disturbed = variants * (tolerance.seeds + tolerance.augmented_seeds);
        let mut work = 0.0;
        for network in Network::BOTH {
            let spec = &self.specs.full.of(network)[0];
            let images = |count: usize| if count == 0 { self.test.len() } else { count };
            let evaluated = disturbed * images(tolerance.images)
                + corrupted * images(self.plan.corruptions.images);
            work += evaluated as f64 * work_of_image(spec.config.model.macs());
        }
        Ok(work)
    }
}

/// Estimate of the work of classifying one image: its multiply-adds, and what comes with every
/// image whatever the network.
fn work_of_image<E>(multiply_adds: Result<u64, E>) -> f64 {
    const ALWAYS: f64 = 400_000.0;
    multiply_adds.map_or(0.0, |count| count as f64) + ALWAYS
}

/// The outputs of the full-size and the matched networks on the test images, seed by seed.
pub(crate) struct Outputs {
    pub full: Pair<Vec<Vec<f64>>>,
    pub matched: Pair<Vec<Vec<f64>>>,
}

impl Outputs {
    fn measure(lab: &mut Lab<'_>) -> Result<Self, CompareError> {
        let group = |group: Group| {
            Pair::measure(|network| {
                lab.runs_of(group, network)
                    .into_iter()
                    .map(|run| lab.logits(&run.load(lab.device)?, &lab.test, None))
                    .collect::<Result<Vec<_>, CompareError>>()
            })
        };
        Ok(Self {
            full: group(Group::Full)?,
            matched: group(Group::Matched)?,
        })
    }
}
