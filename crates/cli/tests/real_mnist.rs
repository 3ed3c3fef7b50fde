//! The main job on the real MNIST, as a user types it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::process::Command;

use common::{digits, failed, json, mnist, read_json, succeeds};
use digits_data::{OpenOptions, Source, open};

#[test]
fn one_epoch_of_the_cnn_reaches_97_percent_and_evaluation_agrees() {
    let Some(data) = mnist() else { return };
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run").display().to_string();
    let from = data.display().to_string();
    let args = [
        "train", "cnn", "--epochs", "1", "--data", &from, "--run", &run, "--json",
    ];
    let summary = json(args);
    assert_eq!(summary["parameters"], 215_370);
    let accuracy = summary["test_accuracy"].as_f64().unwrap();
    assert!(accuracy >= 0.97, "{accuracy}");
    let evaluation = json(["evaluate", &run, "--json"]);
    assert_eq!(evaluation["accuracy"].as_f64(), Some(accuracy));
    assert_eq!(evaluation["images"], 10_000);
    let rows = evaluation["confusion"].as_array().unwrap();
    let counts = rows.iter().flat_map(|row| row.as_array().unwrap());
    let total: u64 = counts.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((rows.len(), total), (10, 10_000));
    let valid = json(["evaluate", &run, "--split", "validation", "--json"]);
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
        picture
            .save(pictures.join(format!("{index:03}.png")))
            .unwrap();
    }
    let answers = json([
        "predict",
        "--run",
        &run,
        "--json",
        &pictures.display().to_string(),
    ]);
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
    let call = |args: &[&str]| -> Command {
        let mut command = digits();
        command
            .args(args)
            .env("XDG_CACHE_HOME", cache.path())
            .env("HOME", cache.path());
        command
    };
    for _twice_is_harmless in 0..2 {
        let (report, _) = succeeds(&mut call(&["data", "import", &data, "--json"]));
        let report: serde_json::Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["whole"], true);
    }
    for (run, source) in [("through-burn", "mnist"), ("ours", &data)] {
        let run = cache.path().join(run).display().to_string();
        let place = ["--data", source, "--offline", "--run", &run];
        succeeds(&mut call(
            &[&["train", "mlp-small", "--epochs", "1"], &place[..]].concat(),
        ));
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
    let output = call(&["train", "mlp", "--data", "mnist", "--offline"])
        .output()
        .unwrap();
    failed(&output, 1, &["data import DIR"]);
}
