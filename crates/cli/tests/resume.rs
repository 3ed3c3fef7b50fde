//! Runs that are stopped, killed, locked and resumed end with the same bits.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use common::{Sandbox, digits, fails, json, read_json, run, stderr, stdout};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

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
            stdout(sandbox.training(recipe, &run, &options));
            model(&sandbox.path(&run))
        };
        for recipe in ["mlp-small", "cnn-small"] {
            let first = train(recipe, "first", "--seed 7");
            let again = train(recipe, "again", "--seed 7");
            assert!(
                first == again,
                "{recipe} on {backend}: same seed, other bits"
            );
            let other = train(recipe, "other", "--seed 8");
            assert!(
                first != other,
                "{recipe} on {backend}: the seed does not matter"
            );
        }
        // Large enough that every kernel divides its work.
        for recipe in ["mlp", "cnn"] {
            let [one, two] = ["1", "2"].map(|threads| {
                train(
                    recipe,
                    threads,
                    &format!("--threads {threads} --batch-size 128"),
                )
            });
            assert!(
                one == two,
                "{recipe} on {backend}: another number of threads, other bits"
            );
        }
    }
}

#[test]
fn a_run_killed_at_any_moment_is_resumed_to_the_same_bits() {
    kill_and_resume(
        "mlp-small",
        14,
        "--set augmentation.shift=2.0 --set model.dropout=0.2",
    );
}

#[test]
fn batch_normalization_and_momentum_survive_a_kill() {
    kill_and_resume(
        "cnn-small",
        6,
        "--set model.blocks.0.norm=batch --set model.blocks.1.dropout=0.2 \
         --set training.optimizer={kind=\"sgd\",momentum=0.9,nesterov=true} \
         --set training.clip_norm=1.0",
    );
}

/// Trains once to the end, then `kills` times with a SIGKILL at a random moment and a resume; all
/// must end with the same bits.
fn kill_and_resume(recipe: &str, kills: usize, options: &str) {
    let sandbox = Sandbox::new(400);
    let started = Instant::now();
    stdout(sandbox.training(recipe, "reference", options));
    let duration = started.elapsed();
    let metrics = |path: &Path| -> Vec<String> {
        let text = fs::read_to_string(path.join("metrics.csv")).unwrap();
        let rows = text
            .lines()
            .map(|row| row.rsplit_once(',').unwrap().0.to_owned());
        rows.collect() // without the seconds
    };

    let mut rng = Xoshiro256PlusPlus::seed_from_u64(std::process::id().into());
    let mut killed = 0;
    for attempt in 0..kills {
        let name = format!("killed-{attempt}");
        let path = sandbox.path(&name);
        let mut args = sandbox.training(recipe, &name, options);
        let quiet = || Stdio::null();
        let mut child = digits()
            .args(&args)
            .stdout(quiet())
            .stderr(quiet())
            .spawn()
            .unwrap();
        sleep(duration.mul_f64(rng.random_range(0.02..0.95)));
        child.kill().unwrap(); // SIGKILL
        killed += usize::from(!child.wait().unwrap().success());
        if path.join("run.json").exists() {
            // Alone, or after options that repeat what the run has.
            if attempt % 2 == 0 {
                args = ["train", "--run", &sandbox.at(&name)]
                    .map(str::to_owned)
                    .to_vec();
            }
            args.push("--resume".to_owned());
        }
        let resumed = run(&args);
        let said = stderr(&resumed);
        assert!(
            resumed.status.success() || said.contains("it is finished"),
            "{said}"
        );
        let reference = sandbox.path("reference");
        assert!(
            model(&path) == model(&reference),
            "attempt {attempt} ended with other bits"
        );
        assert_eq!(metrics(&path), metrics(&reference), "attempt {attempt}");
    }
    assert!(
        killed >= kills / 4,
        "only {killed} of {kills} runs were still alive when they were killed"
    );
}

#[test]
#[cfg(unix)]
fn ctrl_c_saves_and_says_how_to_resume() {
    let sandbox = Sandbox::new(3000);
    let child = digits()
        .args(sandbox.training("mlp-small", "run", "--epochs 400"))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !sandbox.path("run/checkpoint/state.toml").exists() {
        sleep(Duration::from_millis(5));
    }
    sleep(Duration::from_millis(50));
    common::interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let said = stderr(&output);
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("digits train --resume --run"), "{said}");
    assert_eq!(
        read_json(&sandbox.path("run/run.json"))["status"],
        "running"
    );
}

#[test]
fn a_folder_in_use_and_a_folder_that_holds_a_run_are_refused() {
    let sandbox = Sandbox::new(200);
    let args = sandbox.training("mlp-small", "run", "");
    let lock = digits_train::RunFolder::new(sandbox.path("run"))
        .lock()
        .unwrap();
    fails(1, &args, &["in use by another process"]);
    drop(lock);
    stdout(&args);
    fails(1, &args, &["already holds a run", "--resume"]);
    let options = "--resume --seed 9 --set model.hidden.0=9";
    let settings = ["seed = 42, not 9", "model.hidden.0 = 8, not 9"];
    fails(2, sandbox.training("mlp-small", "run", options), &settings);
    fails(
        1,
        ["train", "--resume", "--run", &sandbox.at("run")],
        &["it is finished"],
    );
}

#[test]
fn the_saved_configuration_gives_the_same_run() {
    let sandbox = Sandbox::new(200);
    stdout(sandbox.training("mlp-small", "first", ""));
    let (config, second) = (sandbox.at("first/config.toml"), sandbox.at("second"));
    let summary = json(["train", "--config", &config, "--run", &second, "--json"]);
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
    let args = sandbox.training("mlp-small", "run", options);
    fails(1, args, &["diverged at step", "last good checkpoint"]);
    assert!(sandbox.path("run/checkpoint/model.bpk").exists());
}
