//! The pretrained networks: there with no data, no network and no folder, and as good as they say.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Sandbox, digits, failed, json, mnist, stdout, succeeds};
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
