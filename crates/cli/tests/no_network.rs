//! A machine with no network and no data: everything works, and says on which digits.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;
use std::process::Output;

use common::{notices, stderr, without_network};

/// Runs the program in `folder`, which has nothing in it.
fn alone(folder: &Path, home: &Path, args: &[&str]) -> Output {
    without_network(home)
        .current_dir(folder)
        .args(args)
        .output()
        .unwrap()
}

/// A failure with one message.
fn assert_one_error(output: &Output, parts: &[&str]) {
    let said = stderr(output);
    assert_eq!(output.status.code(), Some(1), "{said}");
    let errors = said.lines().filter(|line| line.starts_with("error: "));
    assert_eq!(errors.count(), 1, "{said}");
    assert!(notices(&said).is_empty(), "{said}");
    for part in parts {
        assert!(said.contains(part), "`{part}` is not in: {said}");
    }
}

#[test]
fn the_main_command_trains_on_drawn_digits_and_the_network_reads_pictures() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().join("home");
    fs::create_dir(&home).unwrap();
    // Most of the 60,000 images held out: a short run on the set that `auto` falls back to.
    let train = "train cnn --data auto --epochs 1 --threads 2 --set training.validation=54000";
    let args: Vec<&str> = train.split(' ').chain(["--run", "run", "--json"]).collect();
    let output = alone(folder.path(), &home, &args);
    let said = stderr(&output);
    assert!(output.status.success(), "{said}");
    let lines: Vec<&str> = said.lines().collect();
    assert_eq!(notices(&said), lines[..1], "one line, the first");
    assert!(
        lines[0].starts_with("note: ") && lines[0].contains("(data set \"drawn\")"),
        "{said}"
    );
    assert!(
        lines[0].len() < 250 && !lines[0].contains("https:"),
        "a short reason: {said}"
    );
    assert!(lines[1].starts_with("training cnn on drawn, "), "{said}");
    let summary: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(summary["dataset"], "drawn");
    let accuracy = summary["test_accuracy"].as_f64().unwrap();
    assert!(accuracy > 0.8, "{accuracy}");

    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let samples = samples.canonicalize().unwrap().display().to_string();
    let predict = |more: &[&str]| {
        let args = [&["predict", "--run", "run", samples.as_str()], more].concat();
        let output = alone(folder.path(), &home, &args);
        assert!(output.status.success(), "{}", stderr(&output));
        (
            String::from_utf8(output.stdout.clone()).unwrap(),
            stderr(&output),
        )
    };
    let (answers, said) = predict(&["--json"]);
    let answers: serde_json::Value = serde_json::from_str(&answers).unwrap();
    let answers = answers.as_array().unwrap();
    assert!(answers.len() >= 5);
    assert!(answers.iter().all(|answer| answer["dataset"] == "drawn"));
    assert_eq!(said, "using run (cnn trained on drawn)\n");
    assert_eq!(predict(&["--quiet"]).1, "");

    let evaluate = ["evaluate", "run", "--json"];
    let output = alone(folder.path(), &home, &evaluate);
    let evaluation: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(evaluation["dataset"], "drawn");
    assert_eq!(evaluation["accuracy"].as_f64(), Some(accuracy));
}

#[test]
fn mnist_by_name_is_never_replaced_and_the_error_tells_every_mirror() {
    let folder = tempfile::tempdir().unwrap();
    let output = alone(
        folder.path(),
        folder.path(),
        &["train", "cnn", "--data", "mnist"],
    );
    assert_one_error(
        &output,
        &[
            "Three ways out",
            "googleapis",
            "amazonaws",
            "githubusercontent",
        ],
    );
    assert!(!folder.path().join("artifacts").exists());
}

#[test]
fn a_cache_that_cannot_be_used_is_no_mnist_either() {
    let folder = tempfile::tempdir().unwrap();
    let in_the_way = folder.path().join("file");
    fs::write(&in_the_way, "no folder").unwrap();
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
        let sheet = folder.path().join("sheet.png");
        let file = sheet.display().to_string();
        let output = alone(folder.path(), &home, &["data", "sheet", &file]);
        let said = stderr(&output);
        assert!(output.status.success(), "{said}");
        assert_eq!(notices(&said), said.lines().collect::<Vec<_>>());
        assert!(said.contains(&home.display().to_string()), "{said}");
        fs::remove_file(sheet).unwrap();

        let args = ["train", "mlp-small", "--data", "mnist"];
        let output = alone(folder.path(), &home, &args);
        assert_one_error(&output, &[&home.display().to_string()]);
    }
}
