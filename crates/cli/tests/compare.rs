//! The experiment as a whole, on data that trains in no time.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::Duration;

use common::{Sandbox, digits, fails, json, read_json, run, stderr, succeeds};
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
    fs::write(sandbox.path("plan.toml"), PLAN).unwrap();
    sandbox
}

/// The line of a comparison into `out`.
fn comparison(sandbox: &Sandbox, out: &str) -> String {
    let [plan, data, out] = ["plan.toml", "bars", out].map(|name| sandbox.at(name));
    format!("compare --config {plan} --data {data} --out {out} --threads 2 --json")
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
    let output = run(&comparison(&sandbox, "out"));
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    let note = "note: bars has only 36 training images of its smallest class";
    assert!(said.contains(note), "{said}");
    let results: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(results["dataset"]["train_images"], 360);
    for (list, length) in [
        ("/answer", 10),
        ("/accuracy/full/accuracy/cnn/values", 2),
        ("/samples/sizes", 2), // 5 of each class and all; 1,000 are not there
        ("/corruptions/kinds", 8),
        ("/tolerance/axes", 3),
    ] {
        let found = results.pointer(list).unwrap().as_array().unwrap();
        assert_eq!(found.len(), length, "{list}");
    }
    let mcnemar = &results["accuracy"]["full"]["mcnemar"][0];
    let counts = "both_right only_mlp_right only_cnn_right both_wrong".split(' ');
    let counted: u64 = counts.map(|count| mcnemar[count].as_u64().unwrap()).sum();
    assert_eq!(counted, 40);
    let out = sandbox.path("out");
    let page = fs::read_to_string(out.join("report.html")).unwrap();
    let text = fs::read_to_string(out.join("report.md")).unwrap();
    for sentence in results["answer"].as_array().unwrap() {
        let start = &sentence["text"].as_str().unwrap()[..20];
        assert!(page.contains(start) && text.contains(start), "{start}");
    }
    assert_eq!(read_json(&out.join("results.json")), results);

    // Every network is an ordinary run: the one on permuted pixels is evaluated on permuted ones.
    let runs = fs::read_dir(out.join("runs")).unwrap();
    let mut runs = runs.map(|entry| entry.unwrap().path().display().to_string());
    let permuted = runs
        .find(|path| path.contains("mlp-small-permuted"))
        .unwrap();
    let evaluation = json(&format!("evaluate {permuted} --json"));
    let recorded = &results["permutation"]["permuted"]["mlp"]["values"][0];
    assert_eq!(&evaluation["accuracy"], recorded);
}

#[test]
fn a_comparison_killed_at_any_moment_is_resumed_and_finds_the_same_numbers() {
    let sandbox = experiment();
    let reference = timeless(json(&comparison(&sandbox, "reference")));
    let line = comparison(&sandbox, "killed");
    for wait in [300, 700, 1200, 1600] {
        let mut program = digits(&line);
        let quiet = program.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = quiet.spawn().unwrap();
        sleep(Duration::from_millis(wait));
        child.kill().unwrap();
        child.wait().unwrap();
    }
    assert_eq!(timeless(json(&line)), reference);

    // And again: nothing is left to train.
    let (again, said) = succeeds(&mut digits(&line));
    assert!(said.contains("0 networks to train"), "{said}");
    assert_eq!(timeless(serde_json::from_str(&again).unwrap()), reference);
}

#[test]
fn an_invalid_plan_is_refused_before_any_work() {
    let sandbox = experiment();
    let plan = sandbox.path("plan.toml");
    for (status, change, to, parts) in [
        (
            2,
            "seeds = [1, 2]",
            "seeds = []",
            ["seeds", "give one or more"],
        ),
        (1, "gallery = 3", "galery = 3", ["plan.toml", "galery"]),
        (2, "\"mlp-small\"", "\"mlq\"", ["mlq", "did you mean"]),
    ] {
        fs::write(&plan, PLAN.replacen(change, to, 1)).unwrap();
        fails(status, &comparison(&sandbox, "out"), &parts);
    }
    assert!(!sandbox.path("out").exists());
}
