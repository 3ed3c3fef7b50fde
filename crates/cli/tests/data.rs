//! `digits data draw` and `digits data sheet`, drawn data sets of any size, and a machine with no
//! network and no data: everything works, and says on which digits.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{Sandbox, failed, fails, json, notices, read_json, stdout, succeeds, without_network};
use serde_json::Value;

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

/// The program in `folder`, which has nothing in it; `args` are separated by spaces.
fn alone(folder: &Path, home: &Path, args: &str) -> Command {
    let mut command = without_network(home, args);
    command.current_dir(folder);
    command
}

#[test]
fn the_main_command_trains_on_drawn_digits_and_the_network_reads_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    let call = |args: &str| succeeds(&mut alone(folder.path(), &home, args));
    let parsed = |text: &str| -> Value { serde_json::from_str(text).unwrap() };
    // Most of the 60,000 images held out: a short run on the set that `auto` falls back to.
    let (summary, said) = call(
        "train cnn --data auto --epochs 1 --threads 2 --set training.validation=54000 \
         --run artifacts/run --json",
    );
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(notices(&said), lines[..1], "one line, the first");
    let named = lines[0].starts_with("note: ") && lines[0].contains("(data set \"drawn\")");
    assert!(named, "{said}");
    let short = lines[0].len() < 250 && !lines[0].contains("https:");
    assert!(short, "{said}");
    assert!(lines[1].starts_with("training cnn on drawn, "), "{said}");
    let summary = parsed(&summary);
    assert_eq!(summary["dataset"], "drawn");
    let accuracy = &summary["test_accuracy"];
    assert!(accuracy.as_f64().unwrap() > 0.8, "{summary}");

    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let samples = samples.canonicalize().unwrap().display().to_string();
    let predict = format!("predict --run artifacts/run {samples}");
    let (answers, said) = call(&format!("{predict} --json"));
    let answers = parsed(&answers);
    let answers = answers.as_array().unwrap();
    assert!(answers.len() >= 5);
    assert!(answers.iter().all(|answer| answer["dataset"] == "drawn"));
    assert_eq!(said, "using artifacts/run (cnn trained on drawn)\n");
    assert_eq!(call(&format!("{predict} --quiet")).1, "");

    // The run, the newest one, knows its data: it evaluates to the same without being told.
    let evaluation = parsed(&call("evaluate --json").0);
    assert_eq!(evaluation["dataset"], "drawn");
    assert_eq!(&evaluation["accuracy"], accuracy);
    // Asked to be offline and quiet, it still says which digits these are.
    let (_, said) =
        call("train mlp-small --epochs 1 --offline --quiet --set training.validation=59000");
    assert_eq!(notices(&said), said.lines().collect::<Vec<_>>());
    assert!(said.contains("draws itself"), "{said}");
}

#[test]
fn mnist_by_name_is_never_replaced_and_the_error_tells_the_ways_out_and_every_mirror() {
    let folder = tempfile::tempdir().unwrap();
    let ways = [
        "Three ways out",
        "data fetch",
        "data import DIR",
        "--data DIR",
    ];
    let mirrors = ["googleapis", "amazonaws", "githubusercontent"];
    for (option, parts) in [("", &mirrors[..]), (" --offline", &[])] {
        let args = format!("train cnn --data mnist{option}");
        let output = alone(folder.path(), folder.path(), &args).output().unwrap();
        let said = failed(&output, 1, &[&ways, parts].concat());
        assert!(notices(&said).is_empty(), "{said}");
    }
    assert!(!folder.path().join("artifacts").exists());
}

#[test]
fn a_cache_that_cannot_be_used_is_not_mnist_either() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("file");
    fs::write(&in_the_way, "not a folder").unwrap();
    let mut homes = vec![in_the_way.clone(), in_the_way.join("inside")];
    let locked = folder.path().join("locked");
    fs::create_dir(&locked).unwrap();
    let mut permissions = fs::metadata(&locked).unwrap().permissions();
    permissions.set_readonly(true);
    fs::set_permissions(&locked, permissions).unwrap();
    if fs::create_dir(locked.join("inside")).is_err() {
        homes.push(locked); // who may write everywhere sees no difference
    }
    for home in homes {
        let (_, said) = succeeds(&mut alone(folder.path(), &home, "data sheet sheet.png"));
        assert_eq!(notices(&said), said.lines().collect::<Vec<_>>());
        assert!(said.contains(&home.display().to_string()), "{said}");
        fs::remove_file(folder.path().join("sheet.png")).unwrap();

        let mut train = alone(folder.path(), &home, "train mlp-small --data mnist");
        let said = failed(&train.output().unwrap(), 1, &[&home.display().to_string()]);
        assert!(notices(&said).is_empty(), "{said}");
    }
}
