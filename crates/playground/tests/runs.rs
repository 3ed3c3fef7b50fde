//! What the Runs part is told, and which runs are reached at all.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use common::{app, app_on, fixture, get, json, list, one, post, refused, small_run, write_data};
use digits_data::files::sha256;
use digits_data::{OpenOptions, Source, open};
use digits_train::{RunFolder, evaluate};
use serde_json::{Value, json as document};

#[test]
fn runs_are_listed_with_their_curves_and_evaluated_as_digits_evaluate_does() {
    let app = app();
    let runs = json(&get(&app, "/api/runs"));
    let trained = |run: &&Value| run["id"].as_str().unwrap().starts_with("run:");
    let own: Vec<&Value> = list(&runs).iter().filter(trained).collect();
    assert_eq!(own.len(), 2);
    for run in own {
        assert_eq!(list(&run["epochs"]).len(), 2);
        assert_eq!(run["planned"], 2);
        assert_eq!(run["status"], "finished");
    }
    let found = json(&get(&app, "/api/evaluation?run=run:small-cnn"));
    let run = common::loaded("cnn");
    let source = Source::Folder(fixture().data.clone());
    let test = open(&source, &OpenOptions::default(), &mut |_| {})
        .unwrap()
        .open_test()
        .unwrap();
    let normalization = &run.record.dataset.normalization;
    let expected = evaluate(&run.model, &test, None, normalization, &Device::flex()).unwrap();
    assert_eq!(found["confusion"], document!(expected.confusion));
}

#[test]
fn a_run_on_other_data_is_evaluated_on_its_own_data_or_says_what_to_do() {
    let inside = tempfile::tempdir().unwrap();
    let (data, artifacts) = (inside.path().join("other"), inside.path().join("runs"));
    write_data(&data, 300, 70);
    small_run("mlp", 1, &data, &artifacts.join("run"));
    // The playground has the fixture's data open; the run names its own.
    let app = app_on(&artifacts);
    json(&get(&app, "/api/digit"));
    let ask = || get(&app, "/api/evaluation?run=run:run");
    assert_eq!(json(&ask())["images"], 70);

    let gone = inside.path().join("gone");
    fs::rename(&data, &gone).unwrap();
    assert_eq!(json(&ask())["images"], 70, "kept");
    let app = app_on(&artifacts);
    let message = refused(&get(&app, "/api/evaluation?run=run:run"), 404);
    for part in [
        "test split of other",
        "a folder that exists",
        "Then ask again",
    ] {
        assert!(message.contains(part), "{message}");
    }
    // Other data in its place is not taken for it.
    write_data(&data, 290, 60);
    let message = refused(&get(&app, "/api/evaluation?run=run:run"), 404);
    for part in ["other data", "--data"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_pretrained_network_without_its_data_says_how_to_get_it() {
    let app = app();
    let response = get(&app, "/api/evaluation?run=pretrained/mlp");
    if response.status() == 200 {
        return; // MNIST is in this user's cache.
    }
    let message = refused(&response, 404);
    for part in ["test split of mnist", "digits data fetch", "import"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_run_is_shown_as_in_progress_exactly_while_somebody_trains_it() {
    let inside = tempfile::tempdir().unwrap();
    let folder = inside.path().join("run");
    copy_run("mlp", &folder);
    let path = folder.join("run.json");
    // The record of a run that is not finished, sealed as the program does it.
    let text = fs::read_to_string(&path).unwrap();
    let running = text.replace("\"status\": \"finished\"", "\"status\": \"running\"");
    assert_ne!(text, running);
    fs::write(&path, reseal(&running)).unwrap();
    let app = app_on(inside.path());
    let state = || {
        let runs = json(&get(&app, "/api/runs"));
        let run = list(&runs)
            .iter()
            .find(|run| run["id"] == "run:run")
            .unwrap();
        (run["status"].clone(), run["in_progress"].clone())
    };
    assert_eq!(state(), (document!("running"), document!(false)));
    let lock = RunFolder::new(&folder).lock().unwrap();
    assert_eq!(state(), (document!("running"), document!(true)));
    drop(lock);
    assert_eq!(state(), (document!("running"), document!(false)));
    RunFolder::new(&folder).lock().unwrap();
}

/// A copy of one of the fixture's runs.
fn copy_run(kind: &str, folder: &Path) {
    let from = fixture().artifacts.join(format!("small-{kind}"));
    fs::create_dir_all(folder).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        if entry.path().is_file() {
            fs::copy(entry.path(), folder.join(entry.file_name())).unwrap();
        }
    }
}

/// `run.json` with a checksum that fits its content.
fn reseal(text: &str) -> String {
    let record: Value = serde_json::from_str(text).unwrap();
    let zeroed = text.replace(record["checksum"].as_str().unwrap(), &"0".repeat(64));
    zeroed.replace(&"0".repeat(64), &sha256(&zeroed))
}

#[test]
fn no_run_name_leaves_the_artifacts_folder() {
    let inside = tempfile::tempdir().unwrap();
    let artifacts = inside.path().join("artifacts");
    fs::create_dir(&artifacts).unwrap();
    let real = fixture().artifacts.join("small-mlp");
    #[cfg(unix)]
    std::os::unix::fs::symlink(&real, artifacts.join("link")).unwrap();
    let app = app_on(&artifacts);
    let all = json(&get(&app, "/api/networks"));
    let ids: Vec<&Value> = list(&all).iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, ["pretrained/cnn", "pretrained/mlp"]);
    for name in [
        "run:../small-mlp",
        "run:link",
        "run:..%2f..",
        &format!("run:{}", real.display()),
        "run:.",
        "run:",
        "named:0",
        "",
        "%00",
    ] {
        refused(&get(&app, &format!("/api/evaluation?run={name}")), 404);
    }
    for path in ["/../Cargo.toml", "//etc/passwd", "/page/main.js", "/api"] {
        refused(&get(&app, path), 404);
    }
}

#[test]
fn a_run_that_goes_on_is_loaded_anew() {
    let inside = tempfile::tempdir().unwrap();
    let folder = inside.path().join("run");
    let app = app_on(inside.path());
    let look = || {
        let path = "/api/look?first=run:run&second=run:run";
        json(&post(&app, path, common::PICTURE, one()))
    };
    copy_run("mlp", &folder);
    let before = look();
    copy_run("cnn", &folder);
    assert_ne!(before["answers"], look()["answers"]);
}
