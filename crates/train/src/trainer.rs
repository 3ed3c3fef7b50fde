use std::borrow::Cow;
use std::time::Instant;

use burn::module::Module;
use burn::optim::GradientsParams;
use burn::tensor::{Device, Tensor, TensorData};
use digits_data::files::sha256;
use digits_data::{Batcher, Images, Normalization, Subsets, shuffled, stratified_split};
use digits_models::Model;

use crate::TrainError;
use crate::config::{Keep, RunConfig, network_difference};
use crate::evaluate::evaluate;
use crate::job::{Callbacks, Event, Outcome, StartFrom, TrainingJob};
use crate::loss::{argmax, cross_entropy};
use crate::metrics::{Best, EpochMetrics, Progress, Sums, to_csv, to_svg};
use crate::optimizer::Optimizer;
use crate::record::{DatasetRecord, FinalMetrics, Origin, RunRecord, Status};
use crate::run_folder::{CONFIG, CURVES, METRICS, MODEL};
use crate::weights;

/// The files of a checkpoint.
const STATE: &str = "checkpoint/state.toml";
const TRAINED: &str = "checkpoint/model.bpk";
const OPTIMIZER: &str = "checkpoint/optimizer.bpk";

/// Trains a network, or resumes its training, and evaluates the best one on the test split.
///
/// # Errors
/// Invalid configurations, data that does not fit, a folder that cannot be used, a loss that is
/// not finite.
pub fn train(job: TrainingJob<'_>, callbacks: &mut Callbacks<'_>) -> Result<Outcome, TrainError> {
    let setup = Setup::new(job)?;
    let lock = setup.job.folder.lock()?;
    if let Some(notice) = &lock.notice {
        (callbacks.on_event)(Event::Notice(notice.clone()));
    }
    let (mut run, mut model) = Run::open(&setup)?;
    (callbacks.on_event)(Event::Begin {
        parameters: run.record.parameters,
        train_images: setup.subsets.train.len(),
        valid_images: setup.subsets.valid.len(),
        epochs: setup.job.config.training.epochs,
        batches: setup.batches,
        resumed_at: run.progress.step,
    });
    while !run.is_done() {
        let stop;
        (model, stop) = run.epoch(model, callbacks)?;
        if stop {
            return Ok(Outcome::Interrupted {
                step: run.progress.step,
                steps: setup.steps,
            });
        }
    }
    let record = run.finish()?;
    Ok(Outcome::Finished(Box::new(record)))
}

/// What stays as it is during a run.
struct Setup<'a> {
    job: TrainingJob<'a>,
    /// The training images as the network sees them.
    images: Cow<'a, Images>,
    subsets: Subsets,
    training_device: Device,
    /// Batches of one epoch.
    batches: usize,
    /// Steps of the whole run.
    steps: usize,
}

impl<'a> Setup<'a> {
    fn new(mut job: TrainingJob<'a>) -> Result<Self, TrainError> {
        job.config = job.config.fitted(&job.dataset.train)?;
        let images = job.config.view.permute(&job.dataset.train);
        let (count, validation) = (images.len(), job.config.training.validation);
        if validation >= count {
            return Err(TrainError::Refused(format!(
                "{} has {count} training images, and training.validation holds out {validation} of them; lower it",
                job.dataset.name,
            )));
        }
        let (seed, training) = (job.config.seed, &job.config.training);
        let mut subsets = stratified_split(images.labels(), validation, seed)?;
        subsets.train = job.config.view.subset(&images, &subsets.train, seed)?;
        let batches = (subsets.train.len() * training.passes).div_ceil(training.batch_size);
        Ok(Self {
            images,
            subsets,
            training_device: job.device.clone().autodiff(),
            batches,
            steps: batches * training.epochs,
            job,
        })
    }
}

/// A run in progress, but for its network: a step consumes that, so that Adam works in place.
struct Run<'a> {
    setup: &'a Setup<'a>,
    record: RunRecord,
    optimizer: Optimizer,
    progress: Progress,
}

impl<'a> Run<'a> {
    /// The run in its folder, ready for the next step.
    fn open(setup: &'a Setup<'a>) -> Result<(Self, Model), TrainError> {
        let (job, device) = (&setup.job, &setup.training_device);
        let config = &job.config;
        let optimizer = Optimizer::new(&config.training.optimizer, config.training.clip_norm);
        let (model, normalization, origin) = match job.start_from {
            StartFrom::Checkpoint => return Self::resumed(setup, optimizer),
            StartFrom::Seed => (
                weights::seeded(&config.model, config.seed, device)?,
                Normalization::measure(&setup.images, &setup.subsets.train),
                None,
            ),
            StartFrom::Weights(other) => {
                let (record, found, bytes) = other.saved()?;
                let path = other.path().display().to_string();
                if let Some(difference) = network_difference(&found.model, &config.model)? {
                    return Err(TrainError::Refused(format!(
                        "the network of {path} is not that of the run to be trained from it: it has {difference}; only dropout may differ"
                    )));
                }
                let sha256 = sha256(&bytes);
                let model = weights::from_bytes(&config.model, bytes, device)
                    .map_err(|reason| other.damaged(MODEL, reason))?;
                let origin = Origin::Continued { run: path, sha256 };
                (model.train(), record.dataset.normalization, Some(origin))
            }
        };
        if job.folder.exists() {
            return Err(TrainError::Exists(job.folder.path().to_owned()));
        }
        let dataset = DatasetRecord {
            name: job.dataset.name.clone(),
            fingerprint: job.dataset.fingerprint.clone(),
            train_images: setup.subsets.train.len(),
            valid_images: setup.subsets.valid.len(),
            normalization,
        };
        let mut run = Self {
            setup,
            record: RunRecord::new(job.recipe, config, dataset, origin)?,
            optimizer,
            progress: Progress::default(),
        };
        run.save(&model, vec![(CONFIG, config.to_toml()?.into_bytes())])?;
        Ok((run, model))
    }

    /// The run in the folder, from its checkpoint.
    fn resumed(
        setup: &'a Setup<'a>,
        mut optimizer: Optimizer,
    ) -> Result<(Self, Model), TrainError> {
        let TrainingJob {
            folder,
            dataset,
            config,
            ..
        } = &setup.job;
        let (record, mut files) = folder.read()?;
        folder.repair(&record)?;
        let refused = |reason: &str| Err(folder.refused(format!("cannot be resumed: {reason}")));
        if record.status == Status::Finished {
            return refused("it is finished. Train a new one in another folder (--run)");
        }
        if record.dataset.fingerprint != dataset.fingerprint {
            let name = &dataset.name;
            return refused(&format!(
                "it was trained on other data than {name} holds now"
            ));
        }
        let progress = folder.parsed(&mut files, STATE)?;
        let device = &setup.training_device;
        let bytes = folder.taken(&mut files, TRAINED)?;
        let model = weights::from_bytes(&config.model, bytes, device)
            .map_err(|reason| folder.damaged(TRAINED, reason))?;
        optimizer
            .restore(
                folder.taken(&mut files, OPTIMIZER)?,
                &device.clone().inner(),
            )
            .map_err(|reason| folder.damaged(OPTIMIZER, reason))?;
        let run = Self {
            setup,
            record,
            optimizer,
            progress,
        };
        Ok((run, model.train()))
    }

    /// All epochs, or too many without a better network (early stopping).
    fn is_done(&self) -> bool {
        let training = &self.setup.job.config.training;
        let since_best = self
            .progress
            .epoch
            .saturating_sub(self.progress.best_epoch());
        let patience = training.early_stopping;
        self.progress.epoch >= training.epochs
            || patience.is_some_and(|patience| since_best >= patience)
    }

    /// One epoch, or the rest of one. Returns the network, and whether it was asked to stop.
    fn epoch(
        &mut self,
        mut model: Model,
        callbacks: &mut Callbacks<'_>,
    ) -> Result<(Model, bool), TrainError> {
        let setup = self.setup;
        let RunConfig {
            training,
            augmentation,
            seed,
            ..
        } = &setup.job.config;
        let epoch = self.progress.epoch + 1;
        // A permutation for each pass.
        let order: Vec<u32> = ((epoch - 1) * training.passes..epoch * training.passes)
            .flat_map(|pass| shuffled(&setup.subsets.train, *seed, pass as u64 + 1))
            .collect();
        let normalization = self.record.dataset.normalization;
        let batcher = Batcher::new(&setup.images, normalization, augmentation, *seed);
        let mut rate = 0.0;
        while self.progress.batch < setup.batches {
            let started = Instant::now();
            let first = self.progress.batch * training.batch_size;
            let chunk = &order[first..order.len().min(first + training.batch_size)];
            let (pixels, labels) = batcher.fill(chunk, epoch as u64, first);
            let step = self.progress.step;
            rate = training.schedule.rate(step, setup.steps, setup.batches);
            let mut sums;
            (model, sums) = self.step(model, pixels, &labels, rate)?;
            sums.seconds = started.elapsed().as_secs_f64();
            self.progress.add(sums);
            let sums = &self.progress.sums;
            (callbacks.on_event)(Event::Step {
                epoch,
                batch: self.progress.batch,
                loss: sums.mean_loss(),
                accuracy: sums.accuracy(),
                images_per_second: sums.images as f64 / sums.seconds.max(1e-9),
            });
            if self.progress.batch == setup.batches {
                break; // saved below, after the validation
            }
            let stop = (callbacks.should_stop)();
            let every = training.save_every;
            if stop || every.is_some_and(|every| self.progress.step.is_multiple_of(every)) {
                self.save(&model, Vec::new())?;
            }
            if stop {
                return Ok((model, true));
            }
        }
        let (metrics, best) = self.end_epoch(&model, rate)?;
        (callbacks.on_event)(Event::Epoch { metrics, best });
        let stop = (callbacks.should_stop)() && epoch < training.epochs;
        Ok((model, stop))
    }

    /// Forward, backward, update. The loss and the correct answers are those before the update.
    fn step(
        &mut self,
        model: Model,
        pixels: Vec<f32>,
        labels: &[u8],
        rate: f64,
    ) -> Result<(Model, Sums), TrainError> {
        let (config, device) = (&self.setup.job.config, &self.setup.training_device);
        let input = config.model.input();
        let shape = [labels.len(), 1, input.height, input.width];
        let images = Tensor::<4>::from_data(TensorData::new(pixels, shape), device);
        let dropout_seed = config.seed.wrapping_add(self.progress.step as u64);
        let logits = model.forward_train(images, dropout_seed); // [batch, classes]
        let smoothing = config.training.label_smoothing;
        let loss = cross_entropy(logits.clone(), labels, smoothing, device); // [1]

        let rows = logits
            .inner()
            .try_into_vec_as::<f32>()
            .map_err(|error| TrainError::backend("reading the logits", error))?;
        let correct = rows
            .chunks_exact(input.classes)
            .zip(labels)
            .filter(|(row, label)| argmax(row).0 == usize::from(**label))
            .count();
        let mean_loss = loss
            .clone()
            .inner()
            .try_into_vec_as::<f64>()
            .map_or(f64::NAN, |loss| loss[0]);
        self.ensure_finite(mean_loss, self.progress.step + 1)?;

        let gradients = GradientsParams::from_grads(loss.backward(), &model);
        let model = self.optimizer.step(rate, model, gradients);
        let sums = Sums {
            images: labels.len(),
            correct,
            loss: mean_loss * labels.len() as f64,
            seconds: 0.0,
        };
        Ok((model, sums))
    }

    fn ensure_finite(&self, loss: f64, step: usize) -> Result<(), TrainError> {
        if loss.is_finite() {
            return Ok(());
        }
        Err(TrainError::Refused(format!(
            "training diverged at step {step} (epoch {}): the loss is {loss}. The last good checkpoint is kept in {}. \
             Lower the learning rate (training.schedule) or set training.clip_norm",
            self.progress.epoch + 1,
            self.setup.job.folder.path().display()
        )))
    }

    /// Validates, keeps the network if it is the best so far, and saves.
    fn end_epoch(&mut self, model: &Model, rate: f64) -> Result<(EpochMetrics, bool), TrainError> {
        let setup = self.setup;
        let network = model.valid();
        let valid = evaluate(
            &network,
            &setup.images,
            Some(&setup.subsets.valid),
            &self.record.dataset.normalization,
            setup.job.device,
        )?;
        self.ensure_finite(valid.loss, self.progress.step)?;
        let sums = std::mem::take(&mut self.progress.sums);
        let metrics = EpochMetrics {
            epoch: self.progress.epoch + 1,
            step: self.progress.step,
            learning_rate: rate,
            train_loss: sums.mean_loss(),
            train_accuracy: sums.accuracy(),
            valid_loss: valid.loss,
            valid_accuracy: valid.accuracy,
            seconds: sums.seconds,
        };
        let (epoch, correct, loss) = (metrics.epoch, valid.correct(), valid.loss);
        // By accuracy, ties decided by the loss.
        let best = setup.job.config.training.keep == Keep::Last
            || self.progress.best.is_none_or(|best| {
                correct > best.correct || (correct == best.correct && loss < best.loss)
            });
        self.progress.rows.push(metrics);
        self.progress.epoch = epoch;
        self.progress.batch = 0;
        let mut files = self.metric_files()?;
        if best {
            self.progress.best = Some(Best {
                epoch,
                correct,
                loss,
            });
            files.push((MODEL, weights::to_bytes(&network)?.to_vec()));
        }
        self.save(model, files)?;
        Ok((metrics, best))
    }

    fn metric_files(&self) -> Result<Vec<(&'static str, Vec<u8>)>, TrainError> {
        let (record, rows) = (&self.record, &self.progress.rows);
        let title = format!(
            "{} on {}, seed {}",
            record.recipe, record.dataset.name, record.seed
        );
        let curves = to_svg(&title, rows)
            .map_err(|error| TrainError::backend("drawing the curves", error))?;
        Ok(vec![
            (METRICS, to_csv(rows).into_bytes()),
            (CURVES, curves.into_bytes()),
        ])
    }

    /// Saves a checkpoint, and `more` files with it, as one set.
    fn save(
        &mut self,
        model: &Model,
        more: Vec<(&'static str, Vec<u8>)>,
    ) -> Result<(), TrainError> {
        self.record.epochs.clone_from(&self.progress.rows);
        self.record.train_seconds = self.progress.seconds;
        self.record.best_epoch = self.progress.best_epoch();
        let state = toml::to_string(&self.progress)
            .map_err(|error| TrainError::backend("writing the checkpoint", error))?;
        let mut files = vec![
            (STATE, state.into_bytes()),
            (TRAINED, weights::to_bytes(model)?.to_vec()),
            (OPTIMIZER, self.optimizer.to_bytes()?.to_vec()),
        ];
        files.extend(more);
        self.setup.job.folder.commit(&mut self.record, &files)
    }

    /// Reads the test split, for the first and only time, with the best network.
    fn finish(mut self) -> Result<RunRecord, TrainError> {
        let setup = self.setup;
        let best = setup.job.folder.load(setup.job.device)?;
        let test = setup.job.dataset.open_test()?;
        let test = best.evaluate(&test, None, setup.job.device)?;
        let kept = self.record.best_epoch;
        let valid = self.progress.rows.iter().find(|row| row.epoch == kept);
        self.record.result = Some(FinalMetrics {
            valid_accuracy: valid.map_or(0.0, |row| row.valid_accuracy),
            test_accuracy: test.accuracy,
            test_loss: test.loss,
            test_images: test.images,
        });
        self.record.status = Status::Finished;
        setup.job.folder.finish(&mut self.record)?;
        Ok(self.record)
    }
}
