//! A machine with no network and no data: everything works, and says on which digits.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{failed, notices, succeeds, without_network};
use serde_json::Value;

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
