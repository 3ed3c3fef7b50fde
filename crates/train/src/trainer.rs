use std::borrow::Cow;
use std::time::Instant;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use digits_data::{Batcher, Dataset, Images, Normalization, Subsets, shuffled, stratified_split};
use digits_models::Model;

use crate::TrainError;
use crate::checkpoint::{self, Best, Progress};
use crate::config::{Keep, RunConfig};
use crate::curves;
use crate::evaluate::evaluate;
use crate::fit::input_of;
use crate::loss::{cross_entropy, predictions_and_losses};
use crate::metrics::{self, EpochMetrics};
use crate::optimizer::Optimizer;
use crate::record::{DatasetRecord, FinalMetrics, RunRecord, SCHEMA, Status, Versions};
use crate::run_folder::{CONFIG, CURVES, METRICS, MODEL, RunFolder, RunLock};
use crate::starting_point::load_initial_weights;
use crate::weights;

/// What a run starts from.
pub struct TrainingJob<'a> {
    /// Name of the recipe, for the record.
    pub recipe: &'a str,
    /// Everything that decides the outcome; for a run that goes on, as read from its folder.
    pub config: RunConfig,
    /// The data set that `config.data` names.
    pub dataset: &'a Dataset,
    /// Where to compute, without autodiff.
    pub device: &'a Device,
    /// Where the run is kept.
    pub folder: &'a RunFolder,
    /// Where the parameters come from.
    pub start_from: StartFrom<'a>,
}

/// Where the parameters of a run come from.
#[derive(Debug, Clone, Copy)]
pub enum StartFrom<'a> {
    /// A new run: drawn from the seed.
    Seed,
    /// The checkpoint of the run in the folder, which is resumed.
    Checkpoint,
    /// A new run: the network of this one, whose normalization of pixels it takes over too.
    Weights(&'a RunFolder),
}

/// What a run tells and asks while it works.
pub struct Callbacks<'a> {
    /// Called with every step and every epoch.
    pub on_event: &'a mut dyn FnMut(Event),
    /// Asked after every step; `true` saves and ends.
    pub should_stop: &'a dyn Fn() -> bool,
}

/// What happens in a run.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Something that people should know.
    Notice(String),
    /// Before the first step.
    Begin {
        /// Trainable parameters.
        parameters: usize,
        /// Training images.
        train_images: usize,
        /// Validation images.
        valid_images: usize,
        /// Epochs planned.
        epochs: usize,
        /// Batches an epoch.
        batches: usize,
        /// Finished steps of an earlier process; 0 for a new run.
        resumed_at: usize,
    },
    /// After every step.
    Step {
        /// Epoch, counted from 1.
        epoch: usize,
        /// Batches done in this epoch.
        batch: usize,
        /// Mean loss of the epoch so far.
        loss: f64,
        /// Accuracy of the epoch so far.
        accuracy: f64,
        /// Images a second in this epoch so far.
        images_per_second: f64,
    },
    /// After every epoch.
    Epoch {
        /// What was measured.
        metrics: EpochMetrics,
        /// Whether this is the best network so far.
        best: bool,
    },
}

/// How a call of [`train`] ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// All epochs done, the best network evaluated on the test split.
    Finished(Box<RunRecord>),
    /// Stopped on request; the folder holds everything needed to go on.
    Interrupted {
        /// Finished steps.
        step: usize,
        /// Steps of the whole run.
        steps: usize,
    },
}

/// Trains a network, or goes on training it, and evaluates the best one on the test split.
///
/// # Errors
/// Configurations that make no sense, data that does not fit, a folder that cannot be used,
/// a loss that is not finite.
pub fn train(job: TrainingJob<'_>, callbacks: &mut Callbacks<'_>) -> Result<Outcome, TrainError> {
    job.config.validate()?;
    let lock = job.folder.lock()?;
    let mut run = Run::open(job, lock)?;
    run.announce(callbacks);
    while run.progress.epoch < run.config.training.epochs && !run.gave_up() {
        if run.epoch(callbacks)? {
            return Ok(Outcome::Interrupted {
                step: run.progress.step,
                steps: run.steps(),
            });
        }
    }
    run.finish()
        .map(|record| Outcome::Finished(Box::new(record)))
}

/// A run in progress.
struct Run<'a> {
    config: RunConfig,
    dataset: &'a Dataset,
    /// The training images as the network sees them.
    images: Cow<'a, Images>,
    subsets: Subsets,
    normalization: Normalization,
    folder: &'a RunFolder,
    record: RunRecord,
    device: Device,
    training_device: Device,
    /// Always there between steps; taken out during one, so that Adam can work in place.
    model: Option<Model>,
    optimizer: Optimizer,
    progress: Progress,
    _lock: RunLock,
}

impl<'a> Run<'a> {
    fn open(job: TrainingJob<'a>, lock: RunLock) -> Result<Self, TrainError> {
        let TrainingJob {
            recipe,
            mut config,
            dataset,
            device,
            folder,
            start_from,
        } = job;
        let resume = matches!(start_from, StartFrom::Checkpoint);
        let images = config.view.permute(&dataset.train);
        if config.training.validation >= images.len() {
            return Err(TrainError::TooFewImages(format!(
                "{} has {} training images, and training.validation holds out {} of them; lower it",
                dataset.name,
                images.len(),
                config.training.validation
            )));
        }
        config.model = config.model.clone().with_input(input_of(&images));
        let mut subsets =
            stratified_split(images.labels(), config.training.validation, config.seed)?;
        subsets.train = config.view.subset(&images, &subsets.train, config.seed)?;
        let mut normalization = Normalization::measure(&images, &subsets.train);
        let training_device = device.clone().autodiff();
        let mut optimizer = Optimizer::new(&config.training.optimizer, config.training.clip_norm);

        let (record, progress, model) = if resume {
            let (record, mut files) = folder.read()?;
            folder.repair(&record)?;
            let cannot = |reason: String| TrainError::CannotResume {
                path: folder.path().to_owned(),
                reason,
            };
            if record.status == Status::Finished {
                return Err(cannot(
                    "it is finished. Train a new one in another folder (--run)".to_owned(),
                ));
            }
            if record.dataset.fingerprint != dataset.fingerprint {
                return Err(cannot(format!(
                    "it was trained on other data than {} holds now",
                    dataset.name
                )));
            }
            let (progress, model) = checkpoint::restore(
                folder,
                &mut files,
                &config.model,
                &mut optimizer,
                &training_device,
            )?;
            normalization = record.dataset.normalization;
            (record, progress, model)
        } else {
            if folder.exists() {
                return Err(TrainError::Exists {
                    path: folder.path().to_owned(),
                });
            }
            let parameters = config.model.parameters()?;
            let (model, origin) = match start_from {
                StartFrom::Weights(other) => {
                    let start = load_initial_weights(other, &config.model, &training_device)?;
                    normalization = start.normalization;
                    (start.model, Some(start.origin))
                }
                StartFrom::Seed | StartFrom::Checkpoint => {
                    let model = weights::seeded(&config.model, config.seed, &training_device)?;
                    (model, None)
                }
            };
            let record = RunRecord {
                schema: SCHEMA,
                status: Status::Running,
                recipe: recipe.to_owned(),
                model: config.model.kind().to_owned(),
                parameters,
                backend: config.backend.clone(),
                threads: config.threads,
                seed: config.seed,
                dataset: DatasetRecord {
                    name: dataset.name.clone(),
                    fingerprint: dataset.fingerprint.clone(),
                    train_images: subsets.train.len(),
                    valid_images: subsets.valid.len(),
                    normalization,
                },
                versions: Versions::current(),
                passes: config.training.passes,
                epochs: Vec::new(),
                best_epoch: 0,
                train_seconds: 0.0,
                result: None,
                origin,
                files: Default::default(),
                checksum: String::new(),
            };
            (record, Progress::start(), model)
        };
        let mut run = Self {
            config,
            dataset,
            images,
            subsets,
            normalization,
            folder,
            record,
            device: device.clone(),
            training_device,
            model: Some(model),
            optimizer,
            progress,
            _lock: lock,
        };
        if !resume {
            let config = toml::to_string(&run.config)
                .map_err(|error| TrainError::backend("writing config.toml", error))?;
            run.save(vec![(CONFIG, config.into_bytes())])?;
        }
        Ok(run)
    }

    fn model(&self) -> &Model {
        self.model.as_ref().expect("put back by every step")
    }

    fn announce(&self, callbacks: &mut Callbacks<'_>) {
        (callbacks.on_event)(Event::Begin {
            parameters: self.record.parameters,
            train_images: self.subsets.train.len(),
            valid_images: self.subsets.valid.len(),
            epochs: self.config.training.epochs,
            batches: self.batches(),
            resumed_at: self.progress.step,
        });
    }

    /// One epoch, or the rest of one; `true` if it was stopped on request.
    fn epoch(&mut self, callbacks: &mut Callbacks<'_>) -> Result<bool, TrainError> {
        let epoch = self.progress.epoch + 1;
        let order = self.order(epoch);
        // A copy of the reference, or once an epoch of permuted images, so that steps may change
        // the rest of the run.
        let images = self.images.clone();
        let batcher = Batcher::new(
            &images,
            self.normalization,
            &self.config.augmentation,
            self.config.seed,
        );
        let size = self.config.training.batch_size;
        let mut rate = 0.0;
        while self.progress.batch < self.batches() {
            let started = Instant::now();
            let first = self.progress.batch * size;
            let chunk = &order[first..order.len().min(first + size)];
            let (pixels, labels) = batcher.fill(chunk, epoch as u64, first);
            rate = self.config.training.schedule.rate(
                self.progress.step,
                self.steps(),
                self.batches(),
            );
            let (loss, correct) = self.step(pixels, &labels, rate)?;

            let elapsed = started.elapsed().as_secs_f64();
            let progress = &mut self.progress;
            progress.batch += 1;
            progress.step += 1;
            progress.seconds += elapsed;
            progress.sums.images += labels.len();
            progress.sums.correct += correct;
            progress.sums.loss += loss * labels.len() as f64;
            progress.sums.seconds += elapsed;
            let sums = progress.sums;
            (callbacks.on_event)(Event::Step {
                epoch,
                batch: progress.batch,
                loss: sums.loss / sums.images as f64,
                accuracy: sums.correct as f64 / sums.images as f64,
                images_per_second: sums.images as f64 / sums.seconds.max(1e-9),
            });
            let epoch_is_done = self.progress.batch == self.batches();
            if (callbacks.should_stop)() && !epoch_is_done {
                self.save(Vec::new())?;
                return Ok(true);
            }
            let save_every = self.config.training.save_every;
            if !epoch_is_done
                && save_every.is_some_and(|every| self.progress.step.is_multiple_of(every))
            {
                self.save(Vec::new())?;
            }
        }
        let (metrics, best) = self.end_epoch(epoch, rate)?;
        (callbacks.on_event)(Event::Epoch { metrics, best });
        let last = self.progress.epoch == self.config.training.epochs;
        Ok((callbacks.should_stop)() && !last)
    }

    /// Forward, backward, update. Returns the mean loss and the number of right answers, both
    /// before the update.
    fn step(
        &mut self,
        pixels: Vec<f32>,
        labels: &[u8],
        rate: f64,
    ) -> Result<(f64, usize), TrainError> {
        let input = self.config.model.input();
        let shape = [labels.len(), 1, input.height, input.width];
        let images = Tensor::<4>::from_data(TensorData::new(pixels, shape), &self.training_device);
        let logits = self.model().forward_train(
            images,
            self.config.seed.wrapping_add(self.progress.step as u64),
        );
        let loss = cross_entropy(
            logits.clone(),
            labels,
            self.config.training.label_smoothing,
            &self.training_device,
        );
        let answers = logits
            .inner()
            .try_into_vec_as::<f32>()
            .map_err(|error| TrainError::backend("reading the logits", error))?;
        let correct = predictions_and_losses(&answers, input.classes, labels)
            .iter()
            .zip(labels)
            .filter(|((predicted, _), label)| *predicted == usize::from(**label))
            .count();
        let value = loss
            .clone()
            .inner()
            .try_into_vec_as::<f64>()
            .map_or(f64::NAN, |loss| loss[0]);
        if !value.is_finite() {
            return Err(TrainError::Diverged {
                step: self.progress.step + 1,
                epoch: self.progress.epoch + 1,
                loss: value,
                run: self.folder.path().to_owned(),
            });
        }
        let gradients = GradientsParams::from_grads(loss.backward(), self.model());
        self.model = self
            .model
            .take()
            .map(|model| self.optimizer.step(rate, model, gradients));
        Ok((value, correct))
    }

    /// Validates, keeps the network if it is the best so far, and saves.
    fn end_epoch(&mut self, epoch: usize, rate: f64) -> Result<(EpochMetrics, bool), TrainError> {
        let model = self.model().valid();
        let valid = evaluate(
            &model,
            &self.images,
            Some(&self.subsets.valid),
            &self.normalization,
            &self.device,
        )?;
        if !valid.loss.is_finite() {
            return Err(TrainError::Diverged {
                step: self.progress.step,
                epoch,
                loss: valid.loss,
                run: self.folder.path().to_owned(),
            });
        }
        let sums = std::mem::take(&mut self.progress.sums);
        let metrics = EpochMetrics {
            epoch,
            step: self.progress.step,
            learning_rate: rate,
            train_loss: sums.loss / sums.images as f64,
            train_accuracy: sums.correct as f64 / sums.images as f64,
            valid_loss: valid.loss,
            valid_accuracy: valid.accuracy,
            seconds: sums.seconds,
        };
        let best = match self.config.training.keep {
            Keep::Best => self.progress.improves(valid.correct(), valid.loss),
            Keep::Last => true,
        };
        self.progress.rows.push(metrics);
        self.progress.epoch = epoch;
        self.progress.batch = 0;
        let mut files = self.metric_files()?;
        if best {
            self.progress.best = Some(Best {
                epoch,
                correct: valid.correct(),
                loss: valid.loss,
            });
            files.push((MODEL, weights::to_bytes(&model)?.to_vec()));
        }
        self.save(files)?;
        Ok((metrics, best))
    }

    fn metric_files(&self) -> Result<Vec<(&'static str, Vec<u8>)>, TrainError> {
        let rows = &self.progress.rows;
        let title = format!(
            "{} on {}, seed {}",
            self.record.recipe, self.record.dataset.name, self.record.seed
        );
        let curves = curves::to_svg(&title, rows)
            .map_err(|error| TrainError::backend("drawing the curves", error))?;
        Ok(vec![
            (METRICS, metrics::to_csv(rows).into_bytes()),
            (CURVES, curves.into_bytes()),
        ])
    }

    /// Saves a checkpoint, and `more` files with it, as one set.
    fn save(&mut self, more: Vec<(&'static str, Vec<u8>)>) -> Result<(), TrainError> {
        self.record.epochs.clone_from(&self.progress.rows);
        self.record.train_seconds = self.progress.seconds;
        self.record.best_epoch = self.progress.best.map_or(0, |best| best.epoch);
        let mut files = checkpoint::files(&self.progress, self.model(), &self.optimizer)?;
        files.extend(more);
        let files: Vec<(&str, &[u8])> = files
            .iter()
            .map(|(name, bytes)| (*name, bytes.as_slice()))
            .collect();
        self.folder.commit(&mut self.record, &files)
    }

    /// Reads the test split, for the first and only time, with the best network.
    fn finish(&mut self) -> Result<RunRecord, TrainError> {
        let best = self.folder.load(&self.device)?;
        let test = self.dataset.open_test()?;
        let evaluation = best.evaluate(&test, None, &self.device)?;
        let valid = self
            .progress
            .rows
            .iter()
            .find(|row| row.epoch == self.record.best_epoch);
        self.record.result = Some(FinalMetrics {
            valid_accuracy: valid.map_or(0.0, |row| row.valid_accuracy),
            test_accuracy: evaluation.accuracy,
            test_loss: evaluation.loss,
            test_images: evaluation.images,
        });
        self.record.status = Status::Finished;
        self.folder.finish(&mut self.record)?;
        Ok(self.record.clone())
    }

    /// Early stopping: too many epochs without a better network.
    fn gave_up(&self) -> bool {
        let best = self.progress.best.map_or(0, |best| best.epoch);
        self.config
            .training
            .early_stopping
            .is_some_and(|patience| self.progress.epoch.saturating_sub(best) >= patience)
    }

    /// The images of one epoch in the order in which they are learned: a permutation for each
    /// pass.
    fn order(&self, epoch: usize) -> Vec<u32> {
        let passes = self.config.training.passes;
        ((epoch - 1) * passes..epoch * passes)
            .flat_map(|pass| shuffled(&self.subsets.train, self.config.seed, pass as u64 + 1))
            .collect()
    }

    fn batches(&self) -> usize {
        (self.subsets.train.len() * self.config.training.passes)
            .div_ceil(self.config.training.batch_size)
    }

    fn steps(&self) -> usize {
        self.batches() * self.config.training.epochs
    }
}
