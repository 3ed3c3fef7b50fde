//! No file of a run folder can be changed by a single bit without an error that names it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};

use common::{bars, fails, stdout, training};
use digits_train::{RunFolder, TrainError};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.file_name().unwrap() != ".lock" {
            found.push(path);
        }
    }
    found
}

/// A run in progress (with a checkpoint) and a finished one.
fn runs(folder: &Path) -> [PathBuf; 2] {
    let data = folder.join("bars");
    bars(&data, 200, 40);
    let (running, finished) = (folder.join("running"), folder.join("finished"));
    stdout(training(&data, &finished));
    // A run whose test split is gone is trained to the end but not finished.
    let other = folder.join("other");
    bars(&other, 200, 40);
    let test = other.join("t10k-images-idx3-ubyte");
    let mut bytes = fs::read(&test).unwrap();
    bytes[15] = 27; // other size: found out only when the test split is parsed
    fs::write(&test, bytes).unwrap();
    let failed = common::run(training(&other, &running));
    assert!(!failed.status.success());
    assert!(running.join("checkpoint/state.toml").exists());
    [running, finished]
}

#[test]
fn any_truncation_and_any_flipped_bit_is_an_error_that_names_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(11);
    for run in runs(folder.path()) {
        let reader = RunFolder::new(&run);
        reader.describe().unwrap();
        for file in files(&run) {
            let good = fs::read(&file).unwrap();
            let check = |bytes: &[u8], what: &str| {
                fs::write(&file, bytes).unwrap();
                let error = reader
                    .describe()
                    .map(drop)
                    .expect_err(&format!("{} {what}", file.display()));
                let message = error.to_string();
                assert!(
                    matches!(
                        error,
                        TrainError::Damaged { .. } | TrainError::NewerSchema { .. }
                    ) && message.contains(file.file_name().unwrap().to_str().unwrap()),
                    "{} {what}: {message}",
                    file.display()
                );
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
    let folder = tempfile::tempdir().unwrap();
    let [_, run] = runs(folder.path());
    let path = run.display().to_string();
    let record = run.join("run.json");
    let good = fs::read_to_string(&record).unwrap();
    fs::write(&record, good.replace("\"schema\": 3", "\"schema\": 4")).unwrap();
    fails(
        1,
        ["evaluate", &path],
        &["schema version 4", "newer `digits`"],
    );
    fs::write(&record, &good).unwrap();
    fs::write(run.join("model.bpk"), b"short").unwrap();
    fails(1, ["evaluate", &path], &["model.bpk is damaged"]);
    fs::remove_file(run.join("model.bpk")).unwrap();
    fails(1, ["evaluate", &path], &["model.bpk is damaged", "missing"]);
    fails(
        1,
        ["evaluate", "no/such/run"],
        &["no/such/run is not a run folder"],
    );
}
