//! `digits data draw` and `digits data sheet`, and drawn data sets of any size.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;

use common::{bars, digits, fails, json, run, stderr, stdout};

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn files(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_contact_sheet_is_written_whole_with_or_without_a_data_set() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let size = |name: &str| image::open(at(name)).unwrap().to_luma8().dimensions();
    stdout(["data", "draw", "--sheet", &shown(&at("drawn.png"))]);
    assert_eq!(size("drawn.png"), (20 * 28, 10 * 28));

    bars(&at("bars"), 300, 40);
    let (file, data) = (shown(&at("bars.png")), shown(&at("bars")));
    let said = stdout(["data", "sheet", &file, "--data", &data]);
    assert!(said.contains("training images of bars"), "{said}");
    let train = fs::read(at("bars.png")).unwrap();
    stdout(["data", "sheet", &file, "--data", &data, "--split", "test"]);
    assert!(fs::read(at("bars.png")).unwrap() != train);
    assert_eq!(size("bars.png"), (20 * 28, 10 * 28));
    // The sheet of `drawn` is the one that `data draw` makes.
    let file = shown(&at("again.png"));
    stdout(["data", "sheet", &file, "--data", "drawn:200"]);
    assert!(fs::read(at("again.png")).unwrap() == fs::read(at("drawn.png")).unwrap());

    // What cannot be written is an error, and nothing half-written is left.
    let file = shown(&at("drawn.png/sheet.png"));
    fails(
        1,
        ["data", "draw", "--sheet", &file],
        &["cannot write", "sheet.png"],
    );
    let directory = shown(&at("bars"));
    fails(
        1,
        ["data", "draw", "--sheet", &directory],
        &["cannot write"],
    );
    assert_eq!(
        files(folder.path()),
        ["again.png", "bars", "bars.png", "drawn.png"]
    );
    assert_eq!(run(["data", "draw"]).status.code(), Some(2));
}

#[test]
fn a_data_set_that_is_there_is_replaced_only_when_asked() {
    let folder = tempfile::tempdir().unwrap();
    let set = folder.path().join("set");
    let draw = |train: &str, more: &[&str]| {
        let args = [
            "data",
            "draw",
            &shown(&set),
            "--train",
            train,
            "--test",
            "10",
        ];
        digits().args(args).args(more).output().unwrap()
    };
    assert!(draw("20", &[]).status.success());
    let images = set.join("train-images-idx3-ubyte");
    let first = fs::read(&images).unwrap();
    let refused = draw("30", &[]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("--force"), "{}", stderr(&refused));
    assert!(fs::read(&images).unwrap() == first);
    // One file is enough, under either name.
    for name in files(&set) {
        fs::rename(set.join(&name), set.join("kept.gz")).unwrap();
        if name != "train-images-idx3-ubyte" {
            fs::remove_file(set.join("kept.gz")).unwrap();
        } else {
            fs::rename(set.join("kept.gz"), set.join("train-images-idx3-ubyte.gz")).unwrap();
        }
    }
    assert_eq!(draw("30", &[]).status.code(), Some(1));
    assert!(draw("30", &["--force"]).status.success());
    assert!(fs::read(&images).unwrap() != first);
}

#[test]
fn drawn_sets_of_any_size_train_and_are_recorded() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let train = |data: &str, name: &str| {
        let run = shown(&at(name));
        let args = "train mlp-small --epochs 1 --threads 2 --set training.validation=100";
        let args = args
            .split(' ')
            .chain(["--data", data, "--run", &run, "--json"]);
        let summary = json(args);
        let record = fs::read(at(name).join("run.json")).unwrap();
        let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
        (
            summary,
            record,
            fs::read_to_string(at(name).join("config.toml")).unwrap(),
        )
    };
    let (summary, small, config) = train("drawn:1000", "small");
    assert_eq!(summary["dataset"], "drawn:1000");
    assert_eq!(small["dataset"]["train_images"], 900);
    assert_eq!(small["result"]["test_images"], 10_000);
    assert!(config.contains("data = \"drawn:1000\""), "{config}");
    let (_, large, _) = train("drawn:1100", "large");
    assert_ne!(
        small["dataset"]["fingerprint"],
        large["dataset"]["fingerprint"]
    );

    // The same images from files, and the same test split as that of every other size.
    let set = shown(&at("set"));
    stdout(["data", "draw", &set, "--train", "1000"]);
    let accuracy = |data: &str| {
        let run = shown(&at("small"));
        let evaluation = json(["evaluate", &run, "--data", data, "--json"]);
        evaluation["accuracy"].as_f64().unwrap()
    };
    assert_eq!(accuracy("drawn"), accuracy(&set));
    assert_eq!(accuracy("drawn"), accuracy("drawn:7"));
    assert!(accuracy("drawn:60010") != accuracy("drawn"));

    // Training images: the run's own, without those held out, or all of another set.
    let images = |data: &str| {
        let run = shown(&at("small"));
        let args = [
            "evaluate", &run, "--split", "train", "--data", data, "--json",
        ];
        let evaluation = json(args);
        assert_eq!(evaluation["split"], "train");
        evaluation["images"].as_u64()
    };
    assert_eq!(
        (images("drawn:1000"), images("drawn:1100")),
        (Some(900), Some(1100))
    );
    let text = stdout(["evaluate", &shown(&at("small")), "--split", "train"]);
    assert!(
        text.contains("on the training images of drawn:1000"),
        "{text}"
    );

    for data in ["drawn:0", "drawn:x", "drawn:9999999"] {
        let output = run(["train", "mlp-small", "--data", data]);
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr(&output).contains("drawn:N"), "{}", stderr(&output));
    }
}

#[test]
fn the_summary_of_a_run_names_its_data_set() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("stripes");
    bars(&data, 200, 40);
    let text = stdout(common::training(&data, &folder.path().join("run")));
    assert!(text.contains("test accuracy on stripes: "), "{text}");
}
