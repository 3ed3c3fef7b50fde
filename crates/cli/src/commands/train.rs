use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::Ordering;

use clap::Args as ClapArgs;
use digits_report::text::count;
use digits_train::{
    Callbacks, Origin, Outcome, Recipe, RunConfig, RunFolder, RunRecord, StartFrom, Status,
    TrainError, TrainingJob, recipe_names, train,
};
use serde::Serialize;

use crate::device::Backend;
use crate::progress::Progress;
use crate::shared::{
    CliError, DataArgs, DeviceArgs, Done, INTERRUPTED, OutputArgs, device, interrupt_flag, new_run,
    newest, percent,
};

/// What is trained unless something else is asked for.
const DEFAULT_RECIPE: &str = "cnn";

/// Options of `digits train`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    #[arg(value_name = "RECIPE", help = recipes())]
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
    /// Resume a run that was stopped: that of --run, or the newest of this recipe. Other options
    /// must say what the run has
    #[arg(long)]
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

fn recipes() -> String {
    let names: Vec<&str> = recipe_names().collect();
    let names = names.join(", ").replacen("mlp", "mlp (or ffn)", 1);
    format!("Recipe: {names} [default: cnn, or that of --init]")
}

/// The result of a training run, as `--json` prints it.
#[derive(Serialize)]
struct Summary<'a> {
    model: &'a str,
    backend: &'a str,
    dataset: &'a str,
    seed: u64,
    epochs: usize,
    parameters: usize,
    train_seconds: f64,
    images_per_second: f64,
    valid_accuracy: f64,
    test_accuracy: f64,
    run: &'a Path,
}

/// `digits train`
pub fn run(args: &Args) -> Done {
    let (folder, name, mut config) = if args.resume {
        resumed(args)?
    } else {
        started(args)?
    };
    let (device, threads) = device(&config.backend, config.threads)?;
    config.threads = threads;
    let dataset = args.data.open(&config.data, args.output.quiet)?;
    config.data = dataset.source.clone();
    let config = config.fitted(&dataset.train);
    let config = config.map_err(|error| invalid(args, error))?;
    if !args.output.quiet {
        eprintln!(
            "{} {name} on {}, {} backend, {threads} threads, seed {} → {}",
            if args.resume { "resuming" } else { "training" },
            dataset.name,
            config.backend,
            config.seed,
            folder.path().display()
        );
    }

    let stop = interrupt_flag()?;
    let mut progress = Progress::new(args.output.quiet);
    let init = args.init.as_ref().map(RunFolder::named).transpose()?;
    let outcome = train(
        TrainingJob {
            recipe: &name,
            config,
            dataset: &dataset,
            device: &device,
            folder: &folder,
            start_from: match &init {
                _ if args.resume => StartFrom::Checkpoint,
                None => StartFrom::Seed,
                Some(other) => StartFrom::Weights(other),
            },
        },
        &mut Callbacks {
            on_event: &mut |event| progress.training(&event),
            should_stop: &|| stop.load(Ordering::SeqCst),
        },
    );
    drop(progress);
    match outcome? {
        Outcome::Finished(record) => {
            let result = record.result.as_ref();
            let summary = Summary {
                model: &record.recipe,
                backend: &record.backend,
                dataset: &record.dataset.name,
                seed: record.seed,
                epochs: record.epochs.len(),
                parameters: record.parameters,
                train_seconds: record.train_seconds,
                images_per_second: record.images_per_second(),
                valid_accuracy: result.map_or(0.0, |result| result.valid_accuracy),
                test_accuracy: result.map_or(0.0, |result| result.test_accuracy),
                run: folder.path(),
            };
            args.output.print(&summary, || table(&record, &folder))
        }
        Outcome::Interrupted { step, steps } => {
            eprintln!(
                "stopped and saved after step {} of {}. Resume it with: digits train --resume --run {}",
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
    apply_options(args, &mut recipe)?;
    let name = recipe.name.clone();
    let config = recipe.resolve().map_err(|error| invalid(args, error))?;
    Ok((new_run(args.run.as_ref(), &name), name, config))
}

/// `--set`, then the options that have their own name.
fn apply_options(args: &Args, recipe: &mut Recipe) -> Result<(), CliError> {
    let number = |value: Option<usize>| value.map(|value| value.to_string());
    let named = [
        ("training.epochs", number(args.epochs)),
        ("training.batch_size", number(args.batch_size)),
        ("seed", args.seed.map(|seed| seed.to_string())),
        ("threads", number(args.device.threads)),
        ("backend", args.device.backend.map(Backend::name)),
    ];
    let named = named.into_iter();
    let named = named.filter_map(|(key, value)| Some(format!("{key}={}", value?)));
    let mut all = args.set.iter().cloned().chain(named);
    all.try_for_each(|assignment| recipe.set(&assignment))
        .map_err(CliError::usage)
}

/// A wrong file is a failure, a wrong option a mistake on the command line.
fn invalid(args: &Args, error: TrainError) -> CliError {
    match args.config {
        Some(_) => CliError::failed(error),
        None => CliError::usage(error),
    }
}

/// A run that is resumed: everything but the place comes from its folder.
fn resumed(args: &Args) -> Result<(RunFolder, String, RunConfig), CliError> {
    // `ffn` is another name for `mlp`.
    let recipe = args.recipe.as_deref().map(Recipe::built_in).transpose();
    let recipe = recipe.map_err(CliError::usage)?.map(|recipe| recipe.name);
    let path = match &args.run {
        Some(path) => path.clone(),
        None => {
            let recipe = recipe.as_deref().unwrap_or(DEFAULT_RECIPE);
            newest(|record| record.status == Status::Running && record.recipe == recipe)
                .ok_or_else(|| {
                    CliError::failed(format!(
                        "there is no unfinished run of {recipe} in artifacts. Start one without \
                         --resume, or name one with --run DIR"
                    ))
                })?
        }
    };
    let folder = RunFolder::new(path);
    let (record, saved) = folder.describe()?;
    let mut wanted = match &args.config {
        Some(file) => Recipe::from_file(file)?,
        None => Recipe::of_run(&record.recipe, &saved)?,
    };
    apply_options(args, &mut wanted)?;
    let mut config = wanted.resolve().map_err(|error| invalid(args, error))?;
    let threads = config.threads; // the bits do not depend on it
    config.threads = saved.threads;
    if args.config.is_some() {
        // A recipe leaves open what the data decides.
        config.model = config.model.with_input(saved.model.input());
        config.data.clone_from(&saved.data);
    }
    let mut changes = saved.differences(&config)?;
    if let Some(recipe) = recipe.filter(|recipe| *recipe != record.recipe) {
        changes.push(format!("recipe {}, not {recipe}", record.recipe));
    }
    let origin = match &record.origin {
        Some(Origin::Continued { run, .. }) => run,
        _ => "none",
    };
    let init = args.init.as_ref().map(|run| run.display().to_string());
    if let Some(init) = init.filter(|init| init != origin) {
        changes.push(format!("init = {origin}, not {init}"));
    }
    if !changes.is_empty() {
        return Err(CliError::usage(format!(
            "{} has {}; a run is resumed as it was started: leave these options out, or train a new run",
            folder.path().display(),
            changes.join(", and ")
        )));
    }
    config.threads = threads;
    Ok((folder, record.recipe, config))
}

fn table(record: &RunRecord, folder: &RunFolder) -> String {
    let mut text =
        String::from("\nepoch   train loss   accuracy   valid loss   accuracy   seconds\n");
    for row in &record.epochs {
        let best = row.epoch == record.best_epoch;
        text += &format!(
            "{:>5}   {:>10.4}   {:>8}   {:>10.4}   {:>8}   {:>7.1}{}\n",
            row.epoch,
            row.train_loss,
            percent(row.train_accuracy),
            row.valid_loss,
            percent(row.valid_accuracy),
            row.seconds,
            if best { "  ← kept" } else { "" }
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
