//! The main job on the real MNIST, as a user types it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;

use common::{digits, failed, json, mnist, read_json, succeeds};
use digits_data::{OpenOptions, Source, open};

#[test]
fn one_epoch_of_the_cnn_reaches_97_percent_and_evaluation_agrees() {
    let Some(data) = mnist() else { return };
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run").display().to_string();
    let line = "train cnn --epochs 1 --json";
    let summary = json(&format!("{line} --data {} --run {run}", data.display()));
    assert_eq!(summary["parameters"], 215_370);
    let accuracy = summary["test_accuracy"].as_f64().unwrap();
    assert!(accuracy >= 0.97, "{accuracy}");
    let evaluation = json(&format!("evaluate {run} --json"));
    assert_eq!(evaluation["accuracy"].as_f64(), Some(accuracy));
    assert_eq!(evaluation["images"], 10_000);
    let rows = evaluation["confusion"].as_array().unwrap();
    let counts = rows.iter().flat_map(|row| row.as_array().unwrap());
    let total: u64 = counts.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((rows.len(), total), (10, 10_000));
    let valid = json(&format!("evaluate {run} --split validation --json"));
    assert_eq!(valid["accuracy"], summary["valid_accuracy"]);

    // Test digits saved as pictures, dark on light and four times as large, are read as well as
    // they are from the data set: preparation keeps what matters.
    let options = OpenOptions {
        offline: true,
        mirrors: None,
    };
    let dataset = open(&Source::Folder(data), &options, &mut |_| {}).unwrap();
    let test = dataset.open_test().unwrap();
    let pictures = folder.path().join("pictures");
    fs::create_dir(&pictures).unwrap();
    for index in 0..300 {
        let picture = image::GrayImage::from_fn(28 * 4, 28 * 4, |x, y| {
            image::Luma([255 - test.pixels(index)[(y / 4 * 28 + x / 4) as usize]])
        });
        let name = pictures.join(format!("{index:03}.png"));
        picture.save(name).unwrap();
    }
    let pictures = pictures.display();
    let answers = json(&format!("predict --run {run} --json {pictures}"));
    let right = (0..300)
        .filter(|&index| answers[index]["label"] == test.label(index))
        .count();
    assert!(right >= 288, "{right} of 300"); // 96 %
}

#[test]
fn burns_reader_over_the_cache_and_our_own_give_identical_images() {
    let Some(data) = mnist() else { return };
    let data = data.display().to_string();
    let cache = tempfile::tempdir().unwrap();
    // Burn finds its cache through the environment, which only a process of its own may change.
    let call = |line: &str| {
        let mut command = digits(line);
        command.env("XDG_CACHE_HOME", cache.path());
        command.env("HOME", cache.path());
        command
    };
    for _twice_is_harmless in 0..2 {
        let (report, _) = succeeds(&mut call(&format!("data import {data} --json")));
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["whole"], true);
    }
    for (run, source) in [("through-burn", "mnist"), ("ours", &data)] {
        let run = cache.path().join(run).display().to_string();
        let line = "train mlp-small --epochs 1 --offline";
        succeeds(&mut call(&format!("{line} --data {source} --run {run}")));
    }
    let file = |run: &str, name: &str| cache.path().join(run).join(name);
    let [burn, ours] = ["through-burn", "ours"].map(|run| read_json(&file(run, "run.json")));
    assert_eq!(burn["dataset"], ours["dataset"]);
    assert_eq!(burn["result"], ours["result"]);
    let [burn, ours] =
        ["through-burn", "ours"].map(|run| fs::read(file(run, "model.bpk")).unwrap());
    assert!(burn == ours);

    // A cache with one wrong byte is never handed to Burn.
    let labels = file("burn-dataset/mnist/train", "train-labels-idx1-ubyte");
    let mut bytes = fs::read(&labels).unwrap();
    bytes[100] ^= 1;
    fs::write(&labels, bytes).unwrap();
    let mut train = call("train mlp --data mnist --offline");
    failed(&train.output().unwrap(), 1, &["data import DIR"]);
}
