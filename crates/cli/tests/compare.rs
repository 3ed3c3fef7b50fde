//! The experiment as a whole, on data that trains in no time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use common::{bars, digits, fails, json, run, stderr};
use serde_json::Value;

/// Two seeds of the two small networks, and as little of everything as answers every question.
const PLAN: &str = r#"
seeds = [1, 2]
set = ["training.epochs=2", "training.validation=40", "training.batch_size=16"]
calibration_bins = 5
gallery = 3
[networks]
mlp = "mlp-small"
cnn = "cnn-small"
[matched]
mlp = "mlp-small"
cnn = "cnn-small"
[tolerance]
seeds = 2
augmented_seeds = 1
augmentation_shift = 2.0
images = 20
shifts = [0, 2]
rotations = [-30, 0, 30]
scales = [0.8, 1]
[corruptions]
seeds = 1
images = 20
severities = [1, 5]
seed = 1
[permutation]
seeds = 1
permutation = 1
[samples]
seeds = 1
per_class = [5, 1000]
batch_size = 16
steps = 20
"#;

/// Data, a plan, and the arguments of a comparison into `out`.
fn experiment(folder: &Path) -> impl Fn(&str) -> Vec<String> {
    let data = folder.join("bars");
    bars(&data, 400, 60);
    let plan = folder.join("plan.toml");
    fs::write(&plan, PLAN).unwrap();
    let folder = folder.to_owned();
    move |out: &str| {
        let path = |path: PathBuf| path.display().to_string();
        vec![
            "compare".to_owned(),
            "--config".to_owned(),
            path(plan.clone()),
            "--data".to_owned(),
            path(data.clone()),
            "--out".to_owned(),
            path(folder.join(out)),
            "--threads".to_owned(),
            "2".to_owned(),
            "--json".to_owned(),
        ]
    }
}

/// The results without what a clock says.
fn timeless(mut results: Value) -> Value {
    results["time"] = Value::Null;
    for network in results["cost"]["networks"].as_array_mut().unwrap() {
        network["seconds_per_epoch"] = Value::Null;
        network["inference_images_per_second"] = Value::Null;
        for reaches in network["reaches"].as_array_mut().unwrap() {
            reaches["seconds"] = Value::Null;
        }
    }
    // The sentence on cost tells times.
    results["answer"][2] = Value::Null;
    results
}

#[test]
fn a_comparison_answers_every_question_and_writes_its_report() {
    let folder = tempfile::tempdir().unwrap();
    let args = experiment(folder.path());
    let output = run(args("out"));
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    assert!(
        said.contains("note: bars has only 36 training images of its smallest class"),
        "{said}"
    );
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(results["answer"].as_array().unwrap().len(), 10);
    assert_eq!(results["dataset"]["train_images"], 360);
    assert_eq!(
        results["accuracy"]["full"]["accuracy"]["cnn"]["values"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
    // 5 of each class and all; 1,000 were not to be had.
    assert_eq!(results["samples"]["sizes"].as_array().unwrap().len(), 2);
    assert_eq!(results["corruptions"]["kinds"].as_array().unwrap().len(), 8);
    assert_eq!(results["tolerance"]["axes"].as_array().unwrap().len(), 3);
    let mcnemar = &results["accuracy"]["full"]["mcnemar"][0];
    let counted: u64 = [
        "both_right",
        "only_mlp_right",
        "only_cnn_right",
        "both_wrong",
    ]
    .iter()
    .map(|count| mcnemar[count].as_u64().unwrap())
    .sum();
    assert_eq!(counted, 60);
    let out = folder.path().join("out");
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    let text = fs::read_to_string(out.join("report.md")).unwrap();
    for sentence in results["answer"].as_array().unwrap() {
        let start = &sentence["text"].as_str().unwrap()[..20];
        assert!(page.contains(start) && text.contains(start), "{start}");
    }
    let saved: Value =
        serde_json::from_slice(&fs::read(out.join("results.json")).unwrap()).unwrap();
    assert_eq!(saved, results);

    // Every network is an ordinary run: the one on permuted pixels is evaluated on permuted ones.
    let permuted = fs::read_dir(out.join("runs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find(|path| path.display().to_string().contains("mlp-small-permuted"))
        .unwrap();
    let evaluation = json(["evaluate", &permuted.display().to_string(), "--json"]);
    assert_eq!(
        evaluation["accuracy"],
        results["permutation"]["permuted"]["mlp"]["values"][0]
    );
}

#[test]
fn a_comparison_killed_at_any_moment_goes_on_and_finds_the_same_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let args = experiment(folder.path());
    let reference = timeless(json(args("reference")));
    for wait in [300, 700, 1200, 1600] {
        let mut child = digits()
            .args(args("killed"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(timeless(json(args("killed"))), reference);

    // And again: nothing is left to train.
    let output = run(args("killed"));
    assert!(
        stderr(&output).contains("0 networks to train"),
        "{}",
        stderr(&output)
    );
    let again: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(timeless(again), reference);
}

#[test]
fn a_plan_that_makes_no_sense_is_refused_before_any_work() {
    let folder = tempfile::tempdir().unwrap();
    let args = experiment(folder.path());
    let plan = folder.path().join("plan.toml");
    for (change, to, parts) in [
        (
            "seeds = [1, 2]",
            "seeds = []",
            ["seeds", "give one or more"],
        ),
        ("gallery = 3", "galery = 3", ["plan.toml", "galery"]),
        (
            "mlp = \"mlp-small\"",
            "mlp = \"mlq\"",
            ["mlq", "did you mean"],
        ),
    ] {
        fs::write(&plan, PLAN.replacen(change, to, 1)).unwrap();
        let status = if to.starts_with("gal") { 1 } else { 2 };
        fails(status, args("out"), &parts);
    }
    assert!(!folder.path().join("out").exists());
}
