//! What the Runs part is told, and which runs are reached at all.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use common::{
    PICTURE, app, app_on, ask, fixture, get, json, list, loaded, one, options, refused, small_run,
    write_data,
};
use digits_data::files::sha256;
use digits_playground::App;
use digits_train::RunFolder;
use serde_json::{Value, json as document};

#[test]
fn runs_are_listed_with_their_curves_and_evaluated_as_digits_evaluate_does() {
    let app = app();
    let runs = json(&get(&app, "/api/runs"));
    for (id, epochs) in [("run:mlp", 2), ("run:cnn", 2), ("run:other", 1)] {
        let run = list(&runs).iter().find(|run| run["id"] == id).unwrap();
        assert_eq!(list(&run["epochs"]).len(), epochs);
        assert_eq!(
            [&run["planned"], &run["status"]],
            [&document!(epochs), &document!("finished")]
        );
    }
    for (id, classes, images) in [("cnn", 10, 300), ("other", 3, 30)] {
        let found = json(&get(&app, &format!("/api/evaluation?run=run:{id}")));
        let run = loaded(id);
        let test = digits_data::open(&run.config.data, &options(Path::new("")).open, &mut |_| {});
        let test = test.unwrap().open_test().unwrap();
        let expected = run.evaluate(&test, None, &Device::flex()).unwrap();
        assert_eq!(found["confusion"], document!(expected.confusion));
        assert_eq!(list(&found["confusion"]).len(), classes);
        assert_eq!(found["images"], images);
    }
}

#[test]
fn a_run_on_other_data_is_evaluated_on_its_own_data_or_says_what_to_do() {
    let inside = tempfile::tempdir().unwrap();
    let (data, artifacts) = (inside.path().join("other"), inside.path().join("runs"));
    write_data(&data, 300, 70);
    small_run("mlp", 1, &data, &artifacts.join("run"), &mut |_| {});
    // The playground has the fixture's data open; the run names its own.
    let app = app_on(&artifacts);
    json(&get(&app, "/api/digit"));
    let ask = |app: &App| get(app, "/api/evaluation?run=run:run");
    assert_eq!(json(&ask(&app))["images"], 70);
    fs::rename(&data, inside.path().join("gone")).unwrap();
    assert_eq!(json(&ask(&app))["images"], 70, "kept");
    let app = app_on(&artifacts);
    let parts = [
        "test split of other",
        "a folder that exists",
        "Then ask again",
    ];
    refused(&ask(&app), 404, &parts);
    // Other data in its place is not taken for it.
    write_data(&data, 290, 60);
    refused(&ask(&app), 404, &["other data", "--data"]);
    // Unless MNIST is in this user's cache.
    let pretrained = get(&app, "/api/evaluation?run=pretrained/mlp");
    if pretrained.status() != 200 {
        let parts = ["test split of mnist", "digits data fetch", "import"];
        refused(&pretrained, 404, &parts);
    }
}

/// A copy of one of the fixture's runs.
fn copy_run(kind: &str, folder: &Path) {
    fs::create_dir_all(folder).unwrap();
    for entry in fs::read_dir(fixture().artifacts.join(kind))
        .unwrap()
        .flatten()
    {
        if entry.path().is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
        }
    }
}

#[test]
fn a_run_is_in_progress_exactly_while_somebody_trains_it_and_loaded_anew_when_it_goes_on() {
    let inside = tempfile::tempdir().unwrap();
    let folder = inside.path().join("run");
    let app = app_on(inside.path());
    let look = || {
        let path = "/api/look?first=run:run&second=run:run";
        json(&ask(&app, "POST", path, PICTURE, &one()))
    };
    copy_run("cnn", &folder);
    let before = look();
    copy_run("mlp", &folder);
    assert_ne!(before["answers"], look()["answers"]);
    // The record of a run that is not finished, sealed as the program does it.
    let path = folder.join("run.json");
    let text = fs::read_to_string(&path).unwrap();
    let running = text.replace("\"status\": \"finished\"", "\"status\": \"running\"");
    assert_ne!(text, running);
    let record: Value = serde_json::from_str(&text).unwrap();
    let zeros = "0".repeat(64);
    let zeroed = running.replace(record["checksum"].as_str().unwrap(), &zeros);
    fs::write(&path, zeroed.replace(&zeros, &sha256(&zeroed))).unwrap();
    let is_in_progress = || {
        let runs = json(&get(&app, "/api/runs"));
        let run = list(&runs)
            .iter()
            .find(|run| run["id"] == "run:run")
            .unwrap();
        assert_eq!(run["status"], "running");
        run["in_progress"] == true
    };
    assert!(!is_in_progress());
    let lock = RunFolder::new(&folder).lock().unwrap();
    assert!(is_in_progress());
    drop(lock);
    assert!(!is_in_progress());
    RunFolder::new(&folder).lock().unwrap();
}

#[test]
fn no_run_name_leaves_the_artifacts_folder() {
    let artifacts = tempfile::tempdir().unwrap();
    let real = fixture().artifacts.join("mlp");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&real, artifacts.path().join("link")).unwrap();
    let app = app_on(artifacts.path());
    let all = json(&get(&app, "/api/networks"));
    let ids: Vec<&Value> = list(&all).iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, ["pretrained/cnn", "pretrained/mlp"]);
    let absolute = format!("run:{}", real.display());
    for name in [
        "run:../mlp",
        "run:link",
        "run:..%2f..",
        &absolute,
        "run:.",
        "run:",
        "named:0",
        "",
        "%00",
    ] {
        refused(&get(&app, &format!("/api/evaluation?run={name}")), 404, &[]);
    }
}
