//! No file of a run folder can be changed by a single bit without an error that names it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{Sandbox, fails, stdout};
use digits_train::{RunFolder, TrainError};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

fn files(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    paths
        .filter(|path| path.file_name().unwrap() != ".lock")
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

/// A run in progress (with a checkpoint) and a finished one.
fn runs() -> (Sandbox, [PathBuf; 2]) {
    let sandbox = Sandbox::new(200);
    stdout(sandbox.training("mlp-small", "finished", ""));
    // A run whose test split is gone is trained to the end but not finished.
    let test = sandbox.path("bars/t10k-images-idx3-ubyte");
    let mut bytes = fs::read(&test).unwrap();
    bytes[15] = 27; // other size: found out only when the test split is parsed
    fs::write(&test, bytes).unwrap();
    fails(
        1,
        sandbox.training("mlp-small", "running", ""),
        &["t10k-images"],
    );
    assert!(sandbox.path("running/checkpoint/state.toml").exists());
    let runs = ["running", "finished"].map(|run| sandbox.path(run));
    (sandbox, runs)
}

#[test]
fn any_truncation_and_any_flipped_bit_is_an_error_that_names_the_file() {
    let (_sandbox, runs) = runs();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
    for run in runs {
        let reader = RunFolder::new(&run);
        reader.describe().unwrap();
        for file in files(&run) {
            let good = fs::read(&file).unwrap();
            let name = file.file_name().unwrap().to_str().unwrap();
            let check = |bytes: &[u8], what: &str| {
                fs::write(&file, bytes).unwrap();
                let error = reader
                    .describe()
                    .map(drop)
                    .expect_err(&format!("{name} {what}"));
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
}

#[test]
fn commands_name_the_damaged_file_and_a_newer_schema() {
    let (sandbox, [_, run]) = runs();
    let evaluate = ["evaluate", &sandbox.at("finished")];
    let record = run.join("run.json");
    let good = fs::read_to_string(&record).unwrap();
    fs::write(&record, good.replace("\"schema\": 3", "\"schema\": 4")).unwrap();
    fails(1, evaluate, &["schema version 4", "newer `digits`"]);
    fs::write(&record, &good).unwrap();
    fs::write(run.join("model.bpk"), b"short").unwrap();
    fails(1, evaluate, &["model.bpk is damaged"]);
    fs::remove_file(run.join("model.bpk")).unwrap();
    fails(1, evaluate, &["model.bpk is damaged", "missing"]);
}
