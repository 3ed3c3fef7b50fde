use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Instant;

use clap::{Args as ClapArgs, ValueEnum};
use digits_data::{Dataset, Images, stratified_split};
use digits_report::text::count;
use digits_train::{Evaluation, LoadedRun, TrainError, check_fit};
use serde::Serialize;

use crate::shared::{self, CliError, DataArgs, DeviceArgs, Done, OutputArgs, percent};

/// Options of `digits evaluate`.
#[derive(Debug, ClapArgs)]
pub struct Args {
    /// Run folder, pretrained/cnn or pretrained/mlp [default: the newest trained run in
    /// artifacts/]
    #[arg(value_name = "RUN")]
    run: Option<PathBuf>,
    /// Images to evaluate on
    #[arg(long, value_enum, default_value_t = SplitName::Test)]
    split: SplitName,
    /// Evaluate once more to warm up and then so often; images_per_second is the median's
    #[arg(long, value_name = "TIMES")]
    repeat: Option<NonZeroUsize>,
    #[command(flatten)]
    data: DataArgs,
    #[command(flatten)]
    device: DeviceArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// A part of a data set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize)]
#[serde(rename_all = "lowercase")]
enum SplitName {
    /// The test split
    Test,
    /// The training images that were held out
    Validation,
    /// The training images: of the run's own data, those that it was trained on; of other data,
    /// all. For tuning on data that a run has not seen without reading their test split
    Train,
}

#[derive(Serialize)]
struct Report<'a> {
    run: &'a Path,
    dataset: &'a str,
    split: SplitName,
    /// Without reading files.
    images_per_second: f64,
    #[serde(flatten)]
    evaluation: &'a Evaluation,
}

/// `digits evaluate`
pub fn run(args: &Args) -> Done {
    let folder = shared::run(args.run.as_deref())?;
    let device = args.device.open(0)?;
    let run = folder.load(&device)?;
    let dataset = args.data.open(&run.config.data, args.output.quiet)?;
    let (images, indices) = images(args.split, &run, &dataset)?;
    let timed = || -> Result<_, TrainError> {
        let started = Instant::now();
        let evaluation = run.evaluate(&images, indices.as_deref(), &device)?;
        Ok((evaluation, started.elapsed().as_secs_f64()))
    };
    let (evaluation, first) = timed()?;
    let mut seconds = (0..args.repeat.map_or(0, NonZeroUsize::get))
        .map(|_| timed().map(|(_, seconds)| seconds))
        .collect::<Result<Vec<f64>, _>>()?;
    seconds.sort_by(f64::total_cmp);
    let median = seconds.get(seconds.len() / 2).copied().unwrap_or(first);
    let report = Report {
        run: &run.path,
        dataset: &dataset.name,
        split: args.split,
        images_per_second: evaluation.images as f64 / median,
        evaluation: &evaluation,
    };
    args.output.print(&report, || table(&run, &report))
}

/// The images of a split, and which of them; `None` for all.
fn images<'a>(
    split: SplitName,
    run: &LoadedRun,
    dataset: &'a Dataset,
) -> Result<(Cow<'a, Images>, Option<Vec<u32>>), CliError> {
    let LoadedRun { path, config, .. } = run;
    if split == SplitName::Test {
        let test = dataset.open_test()?;
        check_fit(path, &config.model, &dataset.name, &test)?;
        return Ok((Cow::Owned(test), None));
    }
    let own = dataset.fingerprint == run.record.dataset.fingerprint;
    if !own && split == SplitName::Validation {
        return Err(CliError::usage(format!(
            "the validation images are those held out of the run's own data ({}); leave out --data",
            run.record.dataset.name
        )));
    }
    let train = &dataset.train;
    check_fit(path, &config.model, &dataset.name, train)?;
    if !own {
        return Ok((Cow::Borrowed(train), None));
    }
    let subsets = stratified_split(train.labels(), config.training.validation, config.seed)?;
    let indices = if split == SplitName::Validation {
        subsets.valid
    } else {
        config.view.subset(train, &subsets.train, config.seed)?
    };
    Ok((Cow::Borrowed(train), Some(indices)))
}

fn table(run: &LoadedRun, report: &Report) -> String {
    let Report {
        dataset,
        evaluation,
        ..
    } = report;
    let split = match report.split {
        SplitName::Test => "test split",
        SplitName::Validation => "validation images",
        SplitName::Train => "training images",
    };
    let wrong = evaluation.images - evaluation.correct();
    let mut text = format!(
        "{} ({}) on the {split} of {dataset}\naccuracy {}   loss {:.4}   {} images, {} wrong\n\n",
        run.path.display(),
        run.record.recipe,
        percent(evaluation.accuracy),
        evaluation.loss,
        count(evaluation.images),
        count(wrong),
    );
    text += "class   images   precision     recall         F1\n";
    for (class, report) in evaluation.classes.iter().enumerate() {
        text += &format!(
            "{class:>5}   {:>6}   {:>9}   {:>8}   {:>8}\n",
            report.images,
            percent(report.precision),
            percent(report.recall),
            percent(report.f1)
        );
    }
    text + "\nconfusion (row = true class, column = predicted)\n" + &matrix(&evaluation.confusion)
}

fn matrix(confusion: &[Vec<usize>]) -> String {
    let counts = confusion.iter().flatten().copied();
    let largest = counts.fold(confusion.len().saturating_sub(1), usize::max);
    let width = largest.to_string().len() + 1;
    let line = |head: String, cells: Vec<String>| {
        let cells = cells.iter().map(|cell| format!("{cell:>width$}"));
        format!("{head:>4} {}\n", cells.collect::<String>())
    };
    let classes = (0..confusion.len()).map(|class| class.to_string());
    let mut text = line(String::new(), classes.collect());
    for (class, row) in confusion.iter().enumerate() {
        let cells = row.iter().map(|&count| match count {
            0 => "·".to_owned(),
            _ => count.to_string(),
        });
        text += &line(class.to_string(), cells.collect());
    }
    text
}
