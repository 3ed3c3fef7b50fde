//! The pretrained networks: there with no data, no network and no folder, and as good as they say;
//! and the main job on the real MNIST, as a user types it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Sandbox, digits, failed, json, mnist, read_json, stdout, succeeds};
use digits_data::{OpenOptions, Source, open};
use digits_train::RunFolder;
use serde_json::Value;

/// Another processor may round sums differently and tip a few images of 10,000 over.
const IMAGES_THAT_MAY_TIP: f64 = 3.0;

/// The pictures that the repository shows: `samples/DIGIT-….png`.
fn samples() -> Vec<(PathBuf, u64)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let pictures = paths.filter(|path| path.extension().is_some_and(|ending| ending != "md"));
    let mut samples: Vec<(PathBuf, u64)> = pictures
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap();
            let digit = name.split('-').next().unwrap().parse().unwrap();
            (path, digit)
        })
        .collect();
    samples.sort();
    samples
}

/// The program, moved into an empty folder and run there with nothing of its user's.
fn alone(folder: &Path, args: &[&str]) -> Command {
    let program = folder.join("moved");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_digits"), &program).unwrap();
    }
    let inside = folder.join("inside");
    fs::create_dir_all(&inside).unwrap();
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(inside)
        .env_clear()
        .env("HOME", folder.join("home"));
    command
}

#[test]
fn a_moved_program_in_an_empty_folder_reads_every_sample() {
    let folder = tempfile::tempdir().unwrap();
    let samples = samples();
    assert!(samples.len() >= 5, "{samples:?}");
    for run in [None, Some("pretrained/cnn"), Some("pretrained/mlp")] {
        let mut args = vec!["predict", "--json"];
        args.extend(run.iter().flat_map(|run| ["--run", run]));
        args.extend(samples.iter().map(|(path, _)| path.to_str().unwrap()));
        let (answers, said) = succeeds(&mut alone(folder.path(), &args));
        let answers: Value = serde_json::from_str(&answers).unwrap();
        let answers = answers.as_array().unwrap();
        assert_eq!(answers.len(), samples.len());
        for (answer, (path, digit)) in answers.iter().zip(&samples) {
            assert_eq!(answer["run"], run.unwrap_or("pretrained/cnn"));
            assert_eq!(answer["dataset"], "mnist");
            assert_eq!(answer["label"].as_u64(), Some(*digit), "{}", path.display());
        }
        let why = "using pretrained/cnn (cnn trained on mnist, as artifacts holds no trained CNN)";
        assert_eq!(said.contains(why), run.is_none(), "{said}");
    }
    // None of them is evaluated unless it is named.
    let evaluate = alone(folder.path(), &["evaluate"]).output().unwrap();
    failed(&evaluate, 1, &["pretrained/cnn"]);
    let left = fs::read_dir(folder.path().join("inside")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn the_newest_cnn_of_ones_own_comes_before_the_pretrained_one() {
    let sandbox = Sandbox::new(200);
    let predict = || {
        let mut command = digits(&format!("predict --json {}", samples()[0].0.display()));
        let (answers, said) = succeeds(command.current_dir(sandbox.folder()));
        let answers: Value = serde_json::from_str(&answers).unwrap();
        (answers[0]["run"].clone(), said)
    };
    let train = |recipe: &str| {
        stdout(&sandbox.training(recipe, &format!("artifacts/{recipe}-1"), ""));
    };
    train("mlp-small");
    assert_eq!(predict().0, "pretrained/cnn"); // an MLP is not a CNN
    train("cnn-small");
    let (run, said) = predict();
    assert_eq!(run, "artifacts/cnn-small-1");
    let using = "using artifacts/cnn-small-1 (cnn-small trained on bars)";
    assert!(said.contains(using), "{said}");
}

#[test]
fn the_recorded_test_accuracy_is_what_mnist_gives() {
    let Some(data) = mnist() else { return };
    for run in RunFolder::all_pretrained() {
        let recorded = run.describe().unwrap().0.result.unwrap();
        let name = run.path().display().to_string();
        let evaluation = json(&format!("evaluate {name} --data {} --json", data.display()));
        assert_eq!(evaluation["run"], name);
        assert_eq!(evaluation["images"], recorded.test_images);
        let [accuracy, loss] = ["accuracy", "loss"].map(|key| evaluation[key].as_f64().unwrap());
        let tipped = (accuracy - recorded.test_accuracy).abs() * recorded.test_images as f64;
        let close = (loss / recorded.test_loss - 1.0).abs() < 0.001;
        assert!(
            tipped < IMAGES_THAT_MAY_TIP + 0.5 && close,
            "{name}: {accuracy} and {loss} measured, {} and {} recorded",
            recorded.test_accuracy,
            recorded.test_loss
        );
    }
}

#[test]
fn one_epoch_of_the_cnn_reaches_97_percent_and_evaluation_agrees() {
    let Some(data) = mnist() else { return };
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run").display().to_string();
    let line = "train cnn --epochs 1 --json";
    let summary = json(&format!("{line} --data {} --run {run}", data.display()));
    assert_eq!(summary["parameters"], 215_370);
    let accuracy = summary["test_accuracy"].as_f64().unwrap();
    assert!(accuracy >= 0.97, "{accuracy}");
    let evaluation = json(&format!("evaluate {run} --json"));
    assert_eq!(evaluation["accuracy"].as_f64(), Some(accuracy));
    assert_eq!(evaluation["images"], 10_000);
    let rows = evaluation["confusion"].as_array().unwrap();
    let counts = rows.iter().flat_map(|row| row.as_array().unwrap());
    let total: u64 = counts.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((rows.len(), total), (10, 10_000));
    let valid = json(&format!("evaluate {run} --split validation --json"));
    assert_eq!(valid["accuracy"], summary["valid_accuracy"]);

    // Test digits saved as pictures, dark on light and four times as large, are read as well as
    // they are from the data set: preparation keeps what matters.
    let options = OpenOptions {
        offline: true,
        mirrors: None,
    };
    let dataset = open(&Source::Folder(data), &options, &mut |_| {}).unwrap();
    let test = dataset.open_test().unwrap();
    let pictures = folder.path().join("pictures");
    fs::create_dir(&pictures).unwrap();
    for index in 0..300 {
        let picture = image::GrayImage::from_fn(28 * 4, 28 * 4, |x, y| {
            image::Luma([255 - test.pixels(index)[(y / 4 * 28 + x / 4) as usize]])
        });
        let name = pictures.join(format!("{index:03}.png"));
        picture.save(name).unwrap();
    }
    let pictures = pictures.display();
    let answers = json(&format!("predict --run {run} --json {pictures}"));
    let right = (0..300)
        .filter(|&index| answers[index]["label"] == test.label(index))
        .count();
    assert!(right >= 288, "{right} of 300"); // 96 %
}

#[test]
fn burns_reader_over_the_cache_and_our_own_give_identical_images() {
    let Some(data) = mnist() else { return };
    let data = data.display().to_string();
    let cache = tempfile::tempdir().unwrap();
    // Burn finds its cache through the environment, which only a process of its own may change.
    let call = |line: &str| {
        let mut command = digits(line);
        command.env("XDG_CACHE_HOME", cache.path());
        command.env("HOME", cache.path());
        command
    };
    for _twice_is_harmless in 0..2 {
        let (report, _) = succeeds(&mut call(&format!("data import {data} --json")));
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["whole"], true);
    }
    for (run, source) in [("through-burn", "mnist"), ("ours", &data)] {
        let run = cache.path().join(run).display().to_string();
        let line = "train mlp-small --epochs 1 --offline";
        succeeds(&mut call(&format!("{line} --data {source} --run {run}")));
    }
    let file = |run: &str, name: &str| cache.path().join(run).join(name);
    let [burn, ours] = ["through-burn", "ours"].map(|run| read_json(&file(run, "run.json")));
    assert_eq!(burn["dataset"], ours["dataset"]);
    assert_eq!(burn["result"], ours["result"]);
    let [burn, ours] =
        ["through-burn", "ours"].map(|run| fs::read(file(run, "model.bpk")).unwrap());
    assert!(burn == ours);

    // A cache with one wrong byte is never handed to Burn.
    let labels = file("burn-dataset/mnist/train", "train-labels-idx1-ubyte");
    let mut bytes = fs::read(&labels).unwrap();
    bytes[100] ^= 1;
    fs::write(&labels, bytes).unwrap();
    let mut train = call("train mlp --data mnist --offline");
    failed(&train.output().unwrap(), 1, &["data import DIR"]);
}
