//! The main job on the real MNIST, as a user types it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;

use common::{digits, json, mnist, stderr};
use digits_data::{Dataset, Event, OpenOptions, Source, open};

fn open_data(source: &Source) -> Dataset {
    open(
        source,
        &OpenOptions {
            offline: true,
            mirrors: None,
        },
        &mut |_: Event| {},
    )
    .unwrap()
}

#[test]
fn one_epoch_of_the_cnn_reaches_97_percent_and_evaluation_agrees() {
    let Some(data) = mnist() else { return };
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run").display().to_string();
    let summary = json([
        "train",
        "cnn",
        "--epochs",
        "1",
        "--data",
        &data.display().to_string(),
        "--run",
        &run,
        "--json",
    ]);
    assert_eq!(summary["parameters"], 215_370);
    let accuracy = summary["test_accuracy"].as_f64().unwrap();
    assert!(accuracy >= 0.97, "{accuracy}");
    let evaluation = json(["evaluate", &run, "--json"]);
    assert_eq!(evaluation["accuracy"].as_f64(), Some(accuracy));
    assert_eq!(evaluation["images"], 10_000);
    let rows = evaluation["confusion"].as_array().unwrap();
    let total: u64 = rows
        .iter()
        .flat_map(|row| row.as_array().unwrap())
        .map(|count| count.as_u64().unwrap())
        .sum();
    assert_eq!((rows.len(), total), (10, 10_000));
    let valid = json(["evaluate", &run, "--split", "validation", "--json"]);
    assert_eq!(valid["accuracy"], summary["valid_accuracy"]);

    // Test digits saved as pictures, dark on light and four times as large, are read as well as
    // they are from the data set: preparation keeps what matters.
    let test = open_data(&Source::Folder(data)).open_test().unwrap();
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
    let cache = tempfile::tempdir().unwrap();
    let import = || {
        let output = digits()
            .args(["data", "import", &data.display().to_string(), "--json"])
            .env("XDG_CACHE_HOME", cache.path())
            .env("HOME", cache.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", stderr(&output));
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["whole"], true);
    };
    import();
    import(); // twice is harmless

    // Burn finds its cache through the environment, which only a process of its own may change.
    let script = format!(
        "train mlp-small --data mnist --offline --epochs 1 --json --quiet --run {}",
        cache.path().join("a").display()
    );
    let output = digits()
        .args(script.split(' '))
        .env("XDG_CACHE_HOME", cache.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr(&output));
    let through_burn: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let run = cache.path().join("b").display().to_string();
    let ours = json([
        "train",
        "mlp-small",
        "--data",
        &data.display().to_string(),
        "--epochs",
        "1",
        "--json",
        "--quiet",
        "--run",
        &run,
    ]);
    assert_eq!(through_burn["test_accuracy"], ours["test_accuracy"]);
    let record = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(cache.path().join(name).join("run.json")).unwrap())
            .unwrap()
    };
    assert_eq!(record("a")["dataset"], record("b")["dataset"]);
    assert!(
        fs::read(cache.path().join("a/model.bpk")).unwrap()
            == fs::read(cache.path().join("b/model.bpk")).unwrap()
    );

    // A cache with one wrong byte is never handed to Burn.
    let labels = cache
        .path()
        .join("burn-dataset/mnist/train/train-labels-idx1-ubyte");
    let mut bytes = fs::read(&labels).unwrap();
    bytes[100] ^= 1;
    fs::write(&labels, bytes).unwrap();
    let output = digits()
        .args(["train", "mlp", "--data", "mnist", "--offline"])
        .env("XDG_CACHE_HOME", cache.path())
        .output()
        .unwrap();
    assert!(
        stderr(&output).contains("data import DIR"),
        "{}",
        stderr(&output)
    );
    assert_eq!(output.status.code(), Some(1));
}
