use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::Args as ClapArgs;
use digits_data::{OpenOptions, open};
use digits_report::text::count;
use digits_train::{
    Callbacks, Outcome, Recipe, RunConfig, RunFolder, RunRecord, StartFrom, Status, TrainingJob,
    train,
};
use serde::Serialize;

use crate::args::{DataArgs, DeviceArgs, OutputArgs};
use crate::device::{self, Backend};
use crate::error::CliError;
use crate::interrupt::{self, INTERRUPTED};
use crate::output::{self, percent};
use crate::progress::{DataProgress, TrainingProgress};
use crate::runs;

/// What is trained unless something else is asked for.
const DEFAULT_RECIPE: &str = "cnn";

/// Options of `digits train`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Recipe: mlp (or ffn), cnn, mlp-small, cnn-small, cnn-torch, cnn-best, cnn-fast [default:
    /// cnn, or that of --init]
    #[arg(value_name = "RECIPE")]
    recipe: Option<String>,
    /// Take the recipe, or the config.toml of an earlier run, from a file
    #[arg(long, value_name = "FILE", conflicts_with = "recipe")]
    config: Option<PathBuf>,
    /// Change any setting of the recipe, for example --set training.schedule.peak=0.001
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
    /// Passes over the training images
    #[arg(long, value_name = "N")]
    epochs: Option<usize>,
    /// Images in one step
    #[arg(long, value_name = "N")]
    batch_size: Option<usize>,
    /// Seed of everything random
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// Folder of the run [default: artifacts/RECIPE-1, -2, …]
    #[arg(long, value_name = "DIR")]
    run: Option<PathBuf>,
    /// Go on with a run that was stopped: that of --run, or the newest of this recipe
    #[arg(long, conflicts_with_all = ["config", "set", "epochs", "batch_size", "seed", "init"])]
    resume: bool,
    /// Train the network of another run further, in a new run: its parameters, its normalization
    #[arg(long, value_name = "RUN")]
    init: Option<PathBuf>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// The result of a training run, as `--json` prints it.
#[derive(Debug, Serialize)]
struct Summary {
    model: String,
    backend: String,
    dataset: String,
    seed: u64,
    epochs: usize,
    parameters: usize,
    train_seconds: f64,
    images_per_second: f64,
    valid_accuracy: f64,
    test_accuracy: f64,
    run: PathBuf,
}

/// `digits train`
pub fn run(args: Args) -> Result<ExitCode, CliError> {
    let (folder, name, mut config) = if args.resume {
        resumed(&args)?
    } else {
        started(&args)?
    };
    let threads = device::set_threads(config.threads).map_err(CliError::usage)?;
    if args.resume && threads != config.threads {
        return Err(CliError::usage(format!(
            "the run was started with {} threads, and another number would change its result; leave out --threads",
            config.threads
        )));
    }
    config.threads = threads;
    let backend = Backend::named(&config.backend)?;
    let device = backend.device()?;

    let options = OpenOptions {
        offline: args.data.offline,
        mirrors: None,
    };
    let mut data_progress = DataProgress::new(args.output.quiet);
    let dataset = open(&config.data, &options, &mut |event| {
        data_progress.show(event)
    })?;
    config.data = dataset.source.clone();
    if !args.output.quiet {
        eprintln!(
            "{} {name} on {}, {} backend, {threads} threads, seed {} → {}",
            if args.resume { "resuming" } else { "training" },
            dataset.name,
            backend.name(),
            config.seed,
            folder.path().display()
        );
    }

    let stop = interrupt::flag()?;
    let mut progress = TrainingProgress::new(args.output.quiet);
    let init = args.init.as_ref().map(RunFolder::named).transpose()?;
    let outcome = train(
        TrainingJob {
            recipe: &name,
            config,
            dataset: &dataset,
            device: &device,
            folder: &folder,
            start_from: match &init {
                None if args.resume => StartFrom::Checkpoint,
                None => StartFrom::Seed,
                Some(other) => StartFrom::Weights(other),
            },
        },
        &mut Callbacks {
            on_event: &mut |event| progress.show(&event),
            should_stop: &|| stop.load(Ordering::SeqCst),
        },
    );
    drop(progress);
    match outcome? {
        Outcome::Finished(record) => {
            if args.output.json {
                output::json(&summary(&record, &folder))?;
            } else {
                output::text(&table(&record, &folder))?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Outcome::Interrupted { step, steps } => {
            eprintln!(
                "stopped and saved after step {} of {}. Go on with: digits train --resume --run {}",
                count(step),
                count(steps),
                folder.path().display()
            );
            Ok(ExitCode::from(INTERRUPTED))
        }
    }
}

/// A new run: recipe, then `--set`, then the options that have their own name.
fn started(args: &Args) -> Result<(RunFolder, String, RunConfig), CliError> {
    let mut recipe = match (&args.config, &args.recipe, &args.init) {
        (Some(file), _, _) => Recipe::from_file(file)?,
        (None, None, Some(run)) => {
            let (record, config) = RunFolder::named(run)?.describe()?;
            Recipe::of_run(&record.recipe, &config)?
        }
        (None, name, _) => {
            let name = name.as_deref().unwrap_or(DEFAULT_RECIPE);
            Recipe::built_in(name).map_err(CliError::usage)?
        }
    };
    for assignment in &args.set {
        recipe.set(assignment).map_err(CliError::usage)?;
    }
    let options = [
        (
            "training.epochs",
            args.epochs.map(|value| value.to_string()),
        ),
        (
            "training.batch_size",
            args.batch_size.map(|value| value.to_string()),
        ),
        ("seed", args.seed.map(|value| value.to_string())),
        (
            "threads",
            args.device.threads.map(|value| value.to_string()),
        ),
        (
            "backend",
            args.device.backend.map(|backend| backend.name().to_owned()),
        ),
    ];
    for (key, value) in options {
        if let Some(value) = value {
            recipe.set_option(key, value).map_err(CliError::usage)?;
        }
    }
    let name = recipe.name.clone();
    let from_file = args.config.is_some();
    let mut config = recipe.resolve().map_err(|error| {
        if from_file {
            CliError::failed(error)
        } else {
            CliError::usage(error)
        }
    })?;
    // Not through the recipe: a folder's name may be anything, TOML strings may not.
    if let Some(source) = &args.data.data {
        config.data = source.clone();
    }
    let folder = RunFolder::new(args.run.clone().unwrap_or_else(|| runs::fresh(&name)));
    Ok((folder, name, config))
}

/// A run that goes on: everything but the place comes from its folder.
fn resumed(args: &Args) -> Result<(RunFolder, String, RunConfig), CliError> {
    let path = match &args.run {
        Some(path) => path.clone(),
        None => {
            let recipe = args.recipe.as_deref().unwrap_or(DEFAULT_RECIPE);
            runs::newest(
                &format!("unfinished run of {recipe}"),
                "Start one without --resume, or name one with --run DIR",
                |record| record.status == Status::Running && record.recipe == recipe,
            )?
        }
    };
    let folder = RunFolder::new(path);
    let (record, mut config) = folder.describe()?;
    if let Some(backend) = args.device.backend
        && backend.name() != config.backend
    {
        return Err(CliError::usage(format!(
            "the run was started on {}, and another backend would change its result; leave out --backend",
            config.backend
        )));
    }
    if let Some(source) = &args.data.data {
        config.data = source.clone(); // its fingerprint is checked
    }
    if let Some(threads) = args.device.threads {
        config.threads = threads;
    }
    Ok((folder, record.recipe, config))
}

fn summary(record: &RunRecord, folder: &RunFolder) -> Summary {
    let result = record.result.as_ref();
    Summary {
        model: record.recipe.clone(),
        backend: record.backend.clone(),
        dataset: record.dataset.name.clone(),
        seed: record.seed,
        epochs: record.epochs.len(),
        parameters: record.parameters,
        train_seconds: record.train_seconds,
        images_per_second: record.images_per_second(),
        valid_accuracy: result.map_or(0.0, |result| result.valid_accuracy),
        test_accuracy: result.map_or(0.0, |result| result.test_accuracy),
        run: folder.path().to_owned(),
    }
}

fn table(record: &RunRecord, folder: &RunFolder) -> String {
    let mut text =
        String::from("\nepoch   train loss   accuracy   valid loss   accuracy   seconds\n");
    for row in &record.epochs {
        text += &format!(
            "{:>5}   {:>10.4}   {:>8}   {:>10.4}   {:>8}   {:>7.1}{}\n",
            row.epoch,
            row.train_loss,
            percent(row.train_accuracy),
            row.valid_loss,
            percent(row.valid_accuracy),
            row.seconds,
            if row.epoch == record.best_epoch {
                "  ← kept"
            } else {
                ""
            }
        );
    }
    if let Some(result) = &record.result {
        let wrong = ((1.0 - result.test_accuracy) * result.test_images as f64).round();
        text += &format!(
            "\ntest accuracy on {}: {} ({} of {} images wrong), {} parameters, {} images/s, {:.1} s of training\n",
            record.dataset.name,
            percent(result.test_accuracy),
            count(wrong as u64),
            count(result.test_images),
            count(record.parameters),
            count(record.images_per_second().round() as u64),
            record.train_seconds,
        );
    }
    let path = folder.path().display();
    text += &format!(
        "run folder {path} (curves.svg, metrics.csv)\n\
         next: digits evaluate {path}\n      digits predict --run {path} PICTURE.png\n"
    );
    text
}
