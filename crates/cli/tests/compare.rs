//! The experiment as a whole, on data that trains in no time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use common::{Sandbox, bars, digits, fails, json, read_json, run, stderr};
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

/// A folder with data and a plan.
fn experiment() -> Sandbox {
    let sandbox = Sandbox::new(400);
    bars(&sandbox.path("bars"), 400, 60);
    fs::write(sandbox.path("plan.toml"), PLAN).unwrap();
    sandbox
}

/// The arguments of a comparison into `out`.
fn comparison(sandbox: &Sandbox, out: &str) -> Vec<String> {
    let [plan, data, out] = ["plan.toml", "bars", out].map(|name| sandbox.at(name));
    [
        "compare",
        "--config",
        &plan,
        "--data",
        &data,
        "--out",
        &out,
        "--threads",
        "2",
        "--json",
    ]
    .map(str::to_owned)
    .to_vec()
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
    let sandbox = experiment();
    let output = run(comparison(&sandbox, "out"));
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
    // 5 of each class and all; 1,000 are not there.
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
    let out = sandbox.path("out");
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    let text = fs::read_to_string(out.join("report.md")).unwrap();
    for sentence in results["answer"].as_array().unwrap() {
        let start = &sentence["text"].as_str().unwrap()[..20];
        assert!(page.contains(start) && text.contains(start), "{start}");
    }
    assert_eq!(read_json(&out.join("results.json")), results);

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
fn a_comparison_killed_at_any_moment_is_resumed_and_finds_the_same_numbers() {
    let sandbox = experiment();
    let reference = timeless(json(comparison(&sandbox, "reference")));
    for wait in [300, 700, 1200, 1600] {
        let mut child = digits()
            .args(comparison(&sandbox, "killed"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(timeless(json(comparison(&sandbox, "killed"))), reference);

    // And again: nothing is left to train.
    let output = run(comparison(&sandbox, "killed"));
    assert!(
        stderr(&output).contains("0 networks to train"),
        "{}",
        stderr(&output)
    );
    let again: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(timeless(again), reference);
}

#[test]
fn an_invalid_plan_is_refused_before_any_work() {
    let sandbox = experiment();
    let plan = sandbox.path("plan.toml");
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
        fails(status, comparison(&sandbox, "out"), &parts);
    }
    assert!(!sandbox.path("out").exists());
}
