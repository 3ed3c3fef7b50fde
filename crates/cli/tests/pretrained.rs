//! The pretrained networks: there with no data, no network and no folder, and as good as they say.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use common::{bars, digits, fails, json, mnist, stderr, training};
use digits_train::RunFolder;

/// Another processor may round sums differently and tip a few images of 10,000 over.
const IMAGES_THAT_MAY_TIP: f64 = 3.0;

/// The pictures that the repository shows: `samples/DIGIT-….png`.
fn samples() -> Vec<(PathBuf, u64)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let mut samples: Vec<(PathBuf, u64)> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ending| ending != "md"))
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
fn alone(folder: &Path, args: &[&str]) -> Output {
    let program = folder.join("moved");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_digits"), &program).unwrap();
    }
    let inside = folder.join("inside");
    fs::create_dir_all(&inside).unwrap();
    std::process::Command::new(program)
        .args(args)
        .current_dir(inside)
        .env_clear()
        .env("HOME", folder.join("home"))
        .output()
        .unwrap()
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
        let output = alone(folder.path(), &args);
        assert!(output.status.success(), "{}", stderr(&output));
        let answers: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let answers = answers.as_array().unwrap();
        assert_eq!(answers.len(), samples.len());
        for (answer, (path, digit)) in answers.iter().zip(&samples) {
            assert_eq!(answer["run"], run.unwrap_or("pretrained/cnn"));
            assert_eq!(answer["dataset"], "mnist");
            assert_eq!(answer["label"].as_u64(), Some(*digit), "{}", path.display());
        }
        let said = stderr(&output);
        assert_eq!(
            said.contains(
                "using pretrained/cnn (cnn trained on mnist, as artifacts holds no trained CNN)"
            ),
            run.is_none(),
            "{said}"
        );
    }
    let left: Vec<_> = fs::read_dir(folder.path().join("inside"))
        .unwrap()
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn the_newest_cnn_of_ones_own_comes_before_the_pretrained_one() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("bars");
    bars(&data, 200, 40);
    let predict = || {
        let output = digits()
            .current_dir(folder.path())
            .args(["predict", "--json"])
            .arg(&samples()[0].0)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let answers: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (answers[0]["run"].clone(), stderr(&output))
    };
    let train = |recipe: &str, run: &str| {
        let mut args = training(&data, &folder.path().join("artifacts").join(run));
        args[1] = recipe.to_owned();
        common::stdout(args);
    };
    train("mlp-small", "mlp-small-1");
    assert_eq!(predict().0, "pretrained/cnn"); // an MLP is no CNN
    train("cnn-small", "cnn-small-1");
    let (run, said) = predict();
    assert_eq!(run, "artifacts/cnn-small-1");
    assert!(
        said.contains("using artifacts/cnn-small-1 (cnn-small trained on bars)"),
        "{said}"
    );
}

#[test]
fn unknown_pretrained_networks_are_named_and_none_is_written() {
    fails(
        1,
        ["evaluate", "pretrained/rnn"],
        &["pretrained/rnn", "pretrained/cnn, pretrained/mlp"],
    );
    let folder = tempfile::tempdir().unwrap();
    let output = alone(folder.path(), &["evaluate"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stderr(&output).contains("pretrained/cnn"),
        "{}",
        stderr(&output)
    );
}

#[test]
fn the_recorded_test_accuracy_is_what_mnist_gives() {
    let Some(data) = mnist() else { return };
    for run in RunFolder::all_pretrained() {
        let result = run.describe().unwrap().0.result.unwrap();
        let name = run.path().display().to_string();
        let evaluation = json([
            "evaluate",
            &name,
            "--data",
            &data.display().to_string(),
            "--json",
        ]);
        assert_eq!(evaluation["run"], name);
        assert_eq!(
            evaluation["images"].as_u64(),
            Some(result.test_images as u64)
        );
        let accuracy = evaluation["accuracy"].as_f64().unwrap();
        let tipped = (accuracy - result.test_accuracy).abs() * result.test_images as f64;
        assert!(
            tipped < IMAGES_THAT_MAY_TIP + 0.5,
            "{name}: {accuracy} measured, {} recorded",
            result.test_accuracy
        );
        let loss = evaluation["loss"].as_f64().unwrap();
        assert!(
            (loss / result.test_loss - 1.0).abs() < 0.001,
            "{name}: loss {loss}, {} recorded",
            result.test_loss
        );
    }
}
