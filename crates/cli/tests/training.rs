//! Runs and comparisons that are stopped, killed, locked and resumed end with the same bits; a
//! single bit that changes in the folder of a run is noticed.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Sandbox, digits, fails, json, read_json, run, stderr, stdout, succeeds};
use digits_train::{RunFolder, TrainError};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::Value;

fn model(folder: &Path) -> Vec<u8> {
    fs::read(folder.join("model.bpk")).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_bits_with_any_number_of_threads() {
    let sandbox = Sandbox::new(640);
    for backend in ["flex", "ndarray"] {
        let train = |recipe: &str, name: &str, options: &str| {
            let run = format!("{recipe}-{backend}-{name}");
            let options = format!("--epochs 1 --backend {backend} {options}");
            stdout(&sandbox.training(recipe, &run, &options));
            model(&sandbox.path(&run))
        };
        for recipe in ["mlp-small", "cnn-small"] {
            let first = train(recipe, "first", "--seed 7");
            let again = train(recipe, "again", "--seed 7");
            let other = train(recipe, "other", "--seed 8");
            assert!(first == again, "{recipe}, {backend}: same seed, other bits");
            assert!(first != other, "{recipe}, {backend}: no use of the seed");
        }
        // Large enough that every kernel divides its work.
        for recipe in ["mlp", "cnn"] {
            let [one, two] = ["1", "2"].map(|threads| {
                let options = format!("--threads {threads} --batch-size 128");
                train(recipe, threads, &options)
            });
            assert!(one == two, "{recipe}, {backend}: bits depend on threads");
        }
    }
}

/// Recipe, kills, options: what a checkpoint must hold besides the parameters.
const KILLED: [(&str, usize, &str); 2] = [
    (
        "mlp-small",
        14,
        "--set augmentation.shift=2.0 --set model.dropout=0.2",
    ),
    (
        "cnn-small",
        6,
        "--set model.blocks.0.norm=batch --set model.blocks.1.dropout=0.2 \
         --set training.optimizer={kind=\"sgd\",momentum=0.9,nesterov=true} \
         --set training.clip_norm=1.0",
    ),
];

/// Trains once to the end, then so often with a SIGKILL at a random moment and a resume; all must
/// end with the same bits.
#[test]
fn a_run_killed_at_any_moment_is_resumed_to_the_same_bits() {
    let sandbox = Sandbox::new(400);
    let metrics = |path: &Path| -> Vec<String> {
        let text = fs::read_to_string(path.join("metrics.csv")).unwrap();
        let rows = text.lines().map(|row| row.rsplit_once(',').unwrap().0);
        rows.map(str::to_owned).collect() // without the seconds
    };
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(std::process::id().into());
    for (recipe, kills, options) in KILLED {
        let started = Instant::now();
        stdout(&sandbox.training(recipe, recipe, options));
        let duration = started.elapsed();
        let reference = sandbox.path(recipe);
        let mut killed = 0;
        for attempt in 0..kills {
            let name = format!("{recipe}-{attempt}");
            let path = sandbox.path(&name);
            let mut line = sandbox.training(recipe, &name, options);
            let mut program = digits(&line);
            let quiet = program.stdout(Stdio::null()).stderr(Stdio::null());
            let mut child = quiet.spawn().unwrap();
            sleep(duration.mul_f64(rng.random_range(0.02..0.95)));
            child.kill().unwrap(); // SIGKILL
            killed += usize::from(!child.wait().unwrap().success());
            if path.join("run.json").exists() {
                // Alone, or after options that repeat what the run has.
                if attempt % 2 == 0 {
                    line = format!("train --run {}", sandbox.at(&name));
                }
                line += " --resume";
            }
            let resumed = run(&line);
            let said = stderr(&resumed);
            let done = resumed.status.success() || said.contains("it is finished");
            assert!(done, "{said}");
            assert!(model(&path) == model(&reference), "{name}: other bits");
            assert_eq!(metrics(&path), metrics(&reference), "{name}");
        }
        assert!(
            killed >= kills / 4,
            "{recipe}: only {killed} of {kills} runs were still alive when they were killed"
        );
    }
}

#[test]
#[cfg(unix)]
fn ctrl_c_saves_and_says_how_to_resume() {
    let sandbox = Sandbox::new(3000);
    let mut program = digits(&sandbox.training("mlp-small", "run", "--epochs 400"));
    program.stdout(Stdio::null()).stderr(Stdio::piped());
    let child = program.spawn().unwrap();
    while !sandbox.path("run/checkpoint/state.toml").exists() {
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(50));
    common::interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("digits train --resume --run"), "{said}");
    let record = read_json(&sandbox.path("run/run.json"));
    assert_eq!(record["status"], "running");
}

#[test]
fn a_folder_in_use_and_a_folder_that_holds_a_run_are_refused() {
    let sandbox = Sandbox::new(200);
    let line = sandbox.training("mlp-small", "run", "");
    let lock = RunFolder::new(sandbox.path("run")).lock().unwrap();
    fails(1, &line, &["in use by another process"]);
    drop(lock);
    stdout(&line);
    fails(1, &line, &["already holds a run", "--resume"]);
    let options = "--resume --seed 9 --set model.hidden.0=9";
    let settings = ["seed = 42, not 9", "model.hidden.0 = 8, not 9"];
    fails(2, &sandbox.training("mlp-small", "run", options), &settings);
    let line = format!("train --resume --run {}", sandbox.at("run"));
    fails(1, &line, &["it is finished"]);
}

#[test]
fn the_saved_configuration_gives_the_same_run() {
    let sandbox = Sandbox::new(200);
    stdout(&sandbox.training("mlp-small", "first", ""));
    let (config, second) = (sandbox.at("first/config.toml"), sandbox.at("second"));
    let summary = json(&format!("train --config {config} --run {second} --json"));
    assert!(model(&sandbox.path("first")) == model(&sandbox.path("second")));
    let fields = "model backend dataset seed epochs parameters train_seconds images_per_second \
                  valid_accuracy test_accuracy run";
    for field in fields.split_whitespace() {
        assert!(!summary[field].is_null(), "{field} is missing: {summary}");
    }
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint() {
    let sandbox = Sandbox::new(200);
    let options = "--set training.optimizer={kind=\"sgd\"} \
                   --set training.schedule={kind=\"constant\",rate=1e30}";
    let line = sandbox.training("mlp-small", "run", options);
    fails(1, &line, &["diverged at step", "last good checkpoint"]);
    assert!(sandbox.path("run/checkpoint/model.bpk").exists());
}

/// All files in a folder and below.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let paths = paths.filter(|path| path.file_name().unwrap() != ".lock");
    let below = |path: PathBuf| {
        if path.is_dir() {
            files(&path)
        } else {
            vec![path]
        }
    };
    paths.flat_map(below).collect()
}

#[test]
fn any_truncation_and_any_flipped_bit_is_an_error_that_names_the_file() {
    // A finished run, and one in progress, with a checkpoint: a run whose test split is gone is
    // trained to the end but not finished.
    let sandbox = Sandbox::new(200);
    stdout(&sandbox.training("mlp-small", "finished", ""));
    let test = sandbox.path("bars/t10k-images-idx3-ubyte");
    let mut bytes = fs::read(&test).unwrap();
    bytes[15] = 27; // other size: found out only when the test split is parsed
    fs::write(&test, bytes).unwrap();
    let line = sandbox.training("mlp-small", "running", "");
    fails(1, &line, &["t10k-images"]);
    assert!(sandbox.path("running/checkpoint/state.toml").exists());

    let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
    for run in ["running", "finished"] {
        let reader = RunFolder::new(sandbox.path(run));
        reader.describe().unwrap();
        for file in files(reader.path()) {
            let good = fs::read(&file).unwrap();
            let name = file.file_name().unwrap().to_str().unwrap();
            let check = |bytes: &[u8], what: &str| {
                fs::write(&file, bytes).unwrap();
                let outcome = reader.describe().map(drop);
                let error = outcome.expect_err(&format!("{name} {what}"));
                let message = error.to_string();
                let kind = matches!(error, TrainError::Damaged { .. })
                    || message.contains("has schema version");
                assert!(kind && message.contains(name), "{name} {what}: {message}");
            };
            for _ in 0..60 {
                let length = rng.random_range(0..good.len());
                check(&good[..length], &format!("cut to {length}"));
                let (byte, bit) = (rng.random_range(0..good.len()), rng.random_range(0..8_u8));
                let mut flipped = good.clone();
                flipped[byte] ^= 1 << bit;
                check(&flipped, &format!("bit {bit} of byte {byte} flipped"));
            }
            fs::write(&file, &good).unwrap();
        }
        reader.describe().unwrap();
    }

    // Commands name the file that is damaged, and a newer schema.
    let evaluate = format!("evaluate {}", sandbox.at("finished"));
    let record = sandbox.path("finished/run.json");
    let good = fs::read_to_string(&record).unwrap();
    fs::write(&record, good.replace("\"schema\": 3", "\"schema\": 4")).unwrap();
    fails(1, &evaluate, &["schema version 4", "newer `digits`"]);
    fs::write(&record, &good).unwrap();
    let weights = sandbox.path("finished/model.bpk");
    fs::write(&weights, b"short").unwrap();
    fails(1, &evaluate, &["model.bpk is damaged"]);
    fs::remove_file(weights).unwrap();
    fails(1, &evaluate, &["model.bpk is damaged", "missing"]);
}

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
