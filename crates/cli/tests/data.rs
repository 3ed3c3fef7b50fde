//! `digits data draw` and `digits data sheet`, and drawn data sets of any size.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;

use common::{Sandbox, fails, json, read_json, stdout};

fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

#[test]
fn a_contact_sheet_is_written_whole_with_or_without_a_data_set() {
    let sandbox = Sandbox::new(300);
    let size = |name: &str| {
        let sheet = image::open(sandbox.path(name)).unwrap().to_luma8();
        sheet.dimensions()
    };
    let bytes = |name: &str| fs::read(sandbox.path(name)).unwrap();
    stdout(&format!("data draw --sheet {}", sandbox.at("drawn.png")));
    assert_eq!(size("drawn.png"), (20 * 28, 10 * 28));

    let (file, data) = (sandbox.at("bars.png"), sandbox.at("bars"));
    let said = stdout(&format!("data sheet {file} --data {data}"));
    assert!(said.contains("training images of bars"), "{said}");
    let train = bytes("bars.png");
    stdout(&format!("data sheet {file} --data {data} --split test"));
    assert!(bytes("bars.png") != train);
    assert_eq!(size("bars.png"), (20 * 28, 10 * 28));
    // The sheet of `drawn` is the one that `data draw` makes.
    let again = sandbox.at("again.png");
    stdout(&format!("data sheet {again} --data drawn:200"));
    assert!(bytes("again.png") == bytes("drawn.png"));

    // What cannot be written is an error, and nothing half-written is left.
    let in_a_file = sandbox.at("bars.png/sheet.png");
    for place in [&in_a_file, &data] {
        let line = format!("data draw --sheet {place}");
        fails(1, &line, &["cannot write", place]);
    }
    let left = ["again.png", "bars", "bars.png", "drawn.png"];
    assert_eq!(files(sandbox.folder()), left);
}

#[test]
fn a_data_set_that_is_there_is_replaced_only_when_asked() {
    let sandbox = Sandbox::new(20);
    let set = sandbox.path("set");
    let draw = |train: &str| format!("data draw {} --test 10 --train {train}", set.display());
    stdout(&draw("20"));
    let images = set.join("train-images-idx3-ubyte");
    let first = fs::read(&images).unwrap();
    fails(1, &draw("30"), &["--force"]);
    assert!(fs::read(&images).unwrap() == first);
    // One file is enough, under either name.
    for name in files(&set) {
        if name == "train-images-idx3-ubyte" {
            fs::rename(&images, set.join("train-images-idx3-ubyte.gz")).unwrap();
        } else {
            fs::remove_file(set.join(name)).unwrap();
        }
    }
    fails(1, &draw("30"), &["--force"]);
    stdout(&draw("30 --force"));
    assert!(fs::read(&images).unwrap() != first);
}

#[test]
fn drawn_sets_of_any_size_train_and_are_recorded() {
    let sandbox = Sandbox::new(20);
    let train = |data: &str, run: &str| {
        json(&format!(
            "train mlp-small --epochs 1 --threads 2 --set training.validation=100 --json \
             --data {data} --run {}",
            sandbox.at(run)
        ))
    };
    let record = |run: &str| read_json(&sandbox.path(run).join("run.json"));
    assert_eq!(train("drawn:1000", "small")["dataset"], "drawn:1000");
    let small = record("small");
    assert_eq!(small["dataset"]["train_images"], 900);
    assert_eq!(small["result"]["test_images"], 10_000);
    let config = fs::read_to_string(sandbox.path("small/config.toml")).unwrap();
    assert!(config.contains("data = \"drawn:1000\""), "{config}");
    train("drawn:1100", "large");
    let large = &record("large")["dataset"];
    assert_ne!(small["dataset"]["fingerprint"], large["fingerprint"]);

    // The same images from files, and the same test split as that of every other size.
    let (set, run) = (sandbox.at("set"), sandbox.at("small"));
    stdout(&format!("data draw {set} --train 1000"));
    let evaluated = |more: &str| json(&format!("evaluate {run} --json {more}"));
    let accuracy = |data: &str| evaluated(&format!("--data {data}"))["accuracy"].clone();
    assert_eq!(accuracy("drawn"), accuracy(&set));
    assert_eq!(accuracy("drawn"), accuracy("drawn:7"));
    assert!(accuracy("drawn:60010") != accuracy("drawn"));

    // Training images: the run's own, without those held out, or all of another set.
    for (data, images) in [("drawn:1000", 900), ("drawn:1100", 1100)] {
        let evaluation = evaluated(&format!("--split train --data {data}"));
        assert_eq!(evaluation["split"], "train");
        assert_eq!(evaluation["images"], images);
    }
    let text = stdout(&format!("evaluate {run} --split train"));
    let named = text.contains("on the training images of drawn:1000");
    assert!(named, "{text}");
}
