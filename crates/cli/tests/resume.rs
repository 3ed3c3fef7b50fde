//! Runs that are stopped, killed, locked and gone on with end with the same bits.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{bars, digits, fails, json, run, stderr, stdout, training};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

fn model(folder: &Path) -> Vec<u8> {
    fs::read(folder.join("model.bpk")).unwrap()
}

#[test]
fn the_same_seed_gives_the_same_bits_on_flex_and_on_ndarray() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("bars");
    bars(&data, 240, 40);
    for recipe in ["mlp-small", "cnn-small"] {
        for backend in ["flex", "ndarray"] {
            let train = |name: &str, seed: &str| {
                let path = folder.path().join(format!("{recipe}-{backend}-{name}"));
                let mut args = training(&data, &path);
                recipe.clone_into(&mut args[1]);
                args.extend(["--backend", backend, "--seed", seed].map(str::to_owned));
                stdout(args);
                model(&path)
            };
            let first = train("first", "7");
            assert!(
                first == train("second", "7"),
                "{recipe} on {backend}: same seed, other bits"
            );
            assert!(
                first != train("other", "8"),
                "{recipe} on {backend}: the seed does not matter"
            );
        }
    }
}

#[test]
fn one_thread_and_two_give_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("bars");
    bars(&data, 640, 40);
    // Large enough that every kernel divides its work.
    for (recipe, backend) in [
        ("mlp", "flex"),
        ("cnn", "flex"),
        ("mlp", "ndarray"),
        ("cnn", "ndarray"),
    ] {
        let [one, two] = ["1", "2"].map(|threads| {
            let path = folder.path().join(format!("{recipe}-{backend}-{threads}"));
            let mut args = training(&data, &path);
            recipe.clone_into(&mut args[1]);
            for (option, value) in [
                ("--threads", threads),
                ("--epochs", "1"),
                ("--batch-size", "128"),
            ] {
                let place = args.iter().position(|arg| arg == option).unwrap();
                value.clone_into(&mut args[place + 1]);
            }
            args.extend(["--backend", backend].map(str::to_owned));
            stdout(args);
            model(&path)
        });
        assert!(
            one == two,
            "{recipe} on {backend}: another number of threads, other bits"
        );
    }
}

#[test]
fn a_run_killed_at_any_moment_goes_on_to_the_same_bits() {
    kill_and_resume(
        "mlp-small",
        14,
        &["augmentation.shift=2.0", "model.dropout=0.2"],
    );
}

#[test]
fn batch_normalization_and_momentum_survive_a_kill_too() {
    kill_and_resume(
        "cnn-small",
        6,
        &[
            "model.blocks.0.norm=batch",
            "model.blocks.1.dropout=0.2",
            "training.optimizer={kind=\"sgd\",momentum=0.9,nesterov=true}",
            "training.clip_norm=1.0",
        ],
    );
}

/// Trains once to the end, then `kills` times with a SIGKILL at a random moment and a resume; all
/// must end with the same bits.
fn kill_and_resume(recipe: &str, kills: usize, settings: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("bars");
    bars(&data, 400, 40);
    let reference = folder.path().join("reference");
    let mut args = training(&data, &reference);
    recipe.clone_into(&mut args[1]);
    args.extend(
        settings
            .iter()
            .flat_map(|setting| ["--set".to_owned(), (*setting).to_owned()]),
    );
    let started = Instant::now();
    stdout(&args);
    let duration = started.elapsed();

    let mut rng = Xoshiro256PlusPlus::seed_from_u64(std::process::id().into());
    let mut killed = 0;
    for attempt in 0..kills {
        let path = folder.path().join(format!("killed-{attempt}"));
        let mut args = args.clone();
        args[5] = path.display().to_string();
        let mut child = digits()
            .args(&args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        sleep(duration.mul_f64(rng.random_range(0.02..0.95)));
        child.kill().unwrap(); // SIGKILL
        killed += usize::from(!child.wait().unwrap().success());
        if path.join("run.json").exists() {
            // Alone, or after options that repeat what the run has.
            if attempt % 2 == 0 {
                let run = path.display().to_string();
                args = ["train", "--run", &run].map(str::to_owned).to_vec();
            }
            args.push("--resume".to_owned());
        }
        let resumed = run(&args);
        let said = stderr(&resumed);
        assert!(
            resumed.status.success() || said.contains("it is finished"),
            "{said}"
        );
        assert!(
            model(&path) == model(&reference),
            "attempt {attempt} ended with other bits"
        );
        let metrics = |path: &Path| {
            let text = fs::read_to_string(path.join("metrics.csv")).unwrap();
            let rows: Vec<String> = text
                .lines()
                .map(|row| row.rsplit_once(',').unwrap().0.to_owned())
                .collect();
            rows // without the seconds
        };
        assert_eq!(metrics(&path), metrics(&reference), "attempt {attempt}");
    }
    assert!(
        killed >= kills / 4,
        "only {killed} of {kills} runs were still alive when they were killed"
    );
}

#[test]
#[cfg(unix)]
fn ctrl_c_saves_and_says_how_to_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("bars");
    bars(&data, 3000, 40);
    let path = folder.path().join("run");
    let mut args = training(&data, &path);
    args.extend(["--epochs", "400"].map(str::to_owned));
    args.retain(|arg| arg != "3");
    let position = args.iter().position(|arg| arg == "--epochs").unwrap();
    args.remove(position);
    let child = digits()
        .args(&args)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !path.join("checkpoint/state.toml").exists() {
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(50));
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(kill.success());
    let output = child.wait_with_output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(
        said.contains("Resume it with: digits train --resume --run"),
        "{said}"
    );
    let record: serde_json::Value =
        serde_json::from_slice(&fs::read(path.join("run.json")).unwrap()).unwrap();
    assert_eq!(record["status"], "running");
}

#[test]
fn a_folder_in_use_and_a_folder_that_holds_a_run_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("bars");
    bars(&data, 200, 40);
    let path = folder.path().join("run");
    let lock = digits_train::RunFolder::new(&path).lock().unwrap();
    fails(1, training(&data, &path), &["in use by another process"]);
    drop(lock);
    stdout(training(&data, &path));
    fails(
        1,
        training(&data, &path),
        &["already holds a run", "--resume"],
    );
    let mut changed = training(&data, &path);
    changed.extend(["--resume", "--seed", "9", "--set", "model.hidden.0=9"].map(str::to_owned));
    let settings = ["seed = 42, not 9", "model.hidden.0 = 8, not 9"];
    fails(2, changed, &settings);
    fails(
        1,
        ["train", "--resume", "--run", &path.display().to_string()],
        &["it is finished"],
    );
}

#[test]
fn the_saved_configuration_gives_the_same_run() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("bars");
    bars(&data, 200, 40);
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    stdout(training(&data, &first));
    let config = first.join("config.toml").display().to_string();
    let summary = json([
        "train",
        "--config",
        &config,
        "--run",
        &second.display().to_string(),
        "--json",
    ]);
    assert!(model(&first) == model(&second));
    for field in [
        "model",
        "backend",
        "dataset",
        "seed",
        "epochs",
        "parameters",
        "train_seconds",
        "images_per_second",
        "valid_accuracy",
        "test_accuracy",
        "run",
    ] {
        assert!(!summary[field].is_null(), "{field} is missing: {summary}");
    }
}

#[test]
fn a_loss_that_is_not_finite_stops_the_run_and_keeps_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("bars");
    bars(&data, 200, 40);
    let path = folder.path().join("run");
    let mut args = training(&data, &path);
    args.extend(
        [
            "--set",
            "training.optimizer.kind=sgd",
            "--set",
            "training.schedule.kind=constant",
            "--set",
            "training.schedule.rate=1e30",
        ]
        .map(str::to_owned),
    );
    // The recipe's own rate key belongs to another schedule; take the whole table instead.
    args.truncate(args.len() - 6);
    args.extend(
        [
            "--set",
            "training.optimizer={kind=\"sgd\"}",
            "--set",
            "training.schedule={kind=\"constant\",rate=1e30}",
        ]
        .map(str::to_owned),
    );
    fails(1, args, &["diverged at step", "last good checkpoint"]);
    assert!(path.join("checkpoint/model.bpk").exists());
}
