//! What the page is told, without a socket.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;

use burn::tensor::Device;
use common::{app, app_on, close, fixture, get, json, numbers, one, pgm, post, refused};
use digits_data::{OpenOptions, Source, open};
use digits_train::{RunFolder, evaluate};
use digits_verify::filter::{sheet_filters, sheet_image};
use digits_verify::{Values, Worked};
use serde_json::{Value, json as document};
use sha2::{Digest, Sha256};

const JSON: &str = "application/json";

#[test]
fn the_page_and_all_that_it_names_is_there_with_a_policy_against_inline_code() {
    let app = app();
    let page = get(&app, "/");
    assert_eq!(page.status(), 200);
    let text = std::str::from_utf8(page.body()).unwrap();
    let mut files: Vec<String> = text
        .split('"')
        .filter(|part| part.starts_with('/') && part.len() > 1)
        .map(str::to_owned)
        .collect();
    let mut next = 0;
    while next < files.len() {
        let file = get(&app, &files[next]);
        assert_eq!(file.status(), 200, "{}", files[next]);
        for line in String::from_utf8_lossy(file.body()).lines() {
            if let Some(module) = line.split("from \"/").nth(1) {
                let module = format!("/{}", module.split('"').next().unwrap());
                if !files.contains(&module) {
                    files.push(module);
                }
            }
        }
        next += 1;
    }
    assert!(files.len() > 10, "the modules import each other: {files:?}");
    let policy = page.headers()["content-security-policy"].to_str().unwrap();
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'self'"));
    assert!(!policy.contains("unsafe"));
    assert_eq!(page.headers()["x-content-type-options"], "nosniff");
}

#[test]
fn every_window_of_the_sheet_image_has_its_products_and_the_sheets_result() {
    let app = app();
    for filter in sheet_filters() {
        let question = document!({
            "image": sheet_image(), "kernel": filter.kernel, "stride": 1, "padding": "valid"
        });
        let answer = json(&post(&app, "/api/window", JSON, question.to_string()));
        let expected = filter.apply(&sheet_image()).unwrap().to_f64();
        assert_eq!(numbers(&answer["sums"]), expected.values());
        for (sum, terms) in numbers(&answer["sums"])
            .iter()
            .zip(answer["terms"].as_array().unwrap())
        {
            let products = terms.as_array().unwrap().iter();
            assert_eq!(
                products
                    .map(|t| t["product"].as_f64().unwrap())
                    .sum::<f64>(),
                *sum
            );
        }
    }
    let presets = json(&get(&app, "/api/filters"));
    assert_eq!(
        presets["images"][0]["rows"],
        document!(sheet_image().to_f64())
    );
    assert_eq!(presets["kernels"][2]["name"], "laplacian");
}

#[test]
fn windows_that_make_no_sense_are_refused_in_a_sentence() {
    let app = app();
    let ask = |image: Value, kernel: Value, stride: i64| {
        let question =
            document!({"image": image, "kernel": kernel, "stride": stride, "padding": "valid"});
        refused(&post(&app, "/api/window", JSON, question.to_string()), 400)
    };
    let kernel = || document!([[1, 0], [0, 1]]);
    assert!(ask(document!([[1, 2], [3]]), kernel(), 1).contains("different lengths"));
    assert!(ask(document!([]), kernel(), 1).contains("cells"));
    assert!(ask(document!(vec![vec![0; 13]; 13]), kernel(), 1).contains("13×13"));
    assert!(ask(document!([[1]]), kernel(), 1).contains("does not fit"));
    assert!(ask(document!([[1, 2], [3, 4]]), kernel(), 0).contains("stride"));
    assert!(ask(document!([[1, 2], [3, 4]]), kernel(), 1_000_000).contains("stride"));
    assert!(ask(document!([[1e9, 2], [3, 4]]), kernel(), 1).contains("million"));
}

#[test]
fn a_kernel_on_a_picture_gives_the_loops_result() {
    let app = app();
    let pixels: Vec<u8> = (0..30).map(|v| v * 8).collect();
    let kernel = "kernel=1+0+-1%3B2+0+-2%3B1+0+-1&padding=same&stride=2";
    let path = format!("/api/filter?{kernel}");
    let answer = post(&app, &path, "application/octet-stream", pgm(6, 5, &pixels));
    assert_eq!(answer.status(), 200);
    let words: Vec<[u8; 4]> = answer
        .body()
        .chunks_exact(4)
        .map(|four| four.try_into().unwrap())
        .collect();
    assert_eq!(
        (u32::from_le_bytes(words[0]), u32::from_le_bytes(words[1])),
        (3, 3)
    );
    use digits_verify::filter::{Geometry, Grid, Padding, correlate};
    let image = Grid::new(5, 6, pixels.iter().map(|&p| f64::from(p)).collect()).unwrap();
    let geometry = Geometry {
        stride: 2,
        padding: Padding::Same,
        ..Geometry::default()
    };
    let expected = correlate(&image, &sheet_filters()[0].kernel.to_f64(), geometry).unwrap();
    for (word, expected) in words[2..].iter().zip(expected.values()) {
        assert!((f64::from(f32::from_le_bytes(*word)) - expected).abs() < 1e-3);
    }
    let bad = "/api/filter?kernel=1+x";
    refused(
        &post(&app, bad, "application/octet-stream", pgm(6, 5, &pixels)),
        400,
    );
}

#[test]
fn one_step_is_the_worked_derivation_and_agrees_with_autodiff() {
    let app = app();
    let values = json(&get(&app, "/api/backprop"));
    assert_eq!(values, document!(Values::default()));
    let worked = Worked::new(Values::default()).unwrap();
    let ask = |steps: u64| {
        let question = document!({ "values": values, "steps": steps });
        json(&post(&app, "/api/backprop", JSON, question.to_string()))
    };
    let before = ask(0);
    let gradient = numbers(&before["worked"]["gradient"]);
    assert_eq!(gradient.len(), worked.gradient.len());
    assert!(
        gradient
            .iter()
            .zip(&worked.gradient)
            .all(|(a, b)| close(*a, *b))
    );
    assert!(before["difference"].as_f64().unwrap() <= digits_verify::tolerance::ANALYTIC_F64);
    let after = ask(1);
    let flat =
        |rows: &Value| -> Vec<f64> { rows.as_array().unwrap().iter().flat_map(numbers).collect() };
    let parameters = [
        flat(&after["worked"]["values"]["v"]),
        flat(&after["worked"]["values"]["w"]),
    ]
    .concat();
    assert_eq!(parameters.len(), worked.new.len());
    assert!(
        parameters
            .iter()
            .zip(&worked.new)
            .all(|(a, b)| close(*a, *b))
    );
    assert!(close(numbers(&after["losses"][1])[1], worked.loss_after));
}

#[test]
fn learning_stops_when_it_has_learned_and_refuses_what_cannot_be_computed() {
    let app = app();
    let ask = |question: Value| post(&app, "/api/backprop", JSON, question.to_string());
    let mut values = document!(Values::default());
    let learned = json(&ask(
        document!({"values": values, "steps": 20_000, "until_learned": true}),
    ));
    assert_eq!(learned["learned"], true);
    assert!(learned["worked"]["loss"].as_f64().unwrap() < 1e-3);
    assert!(learned["steps"].as_u64().unwrap() < 20_000);
    assert!(learned["losses"].as_array().unwrap().len() <= 402);
    refused(&ask(document!({"values": values, "steps": 20_001})), 400);
    values["activation"] = document!("identity");
    values["learning_rate"] = document!(1e6);
    let message = refused(&ask(document!({"values": values, "steps": 1000})), 400);
    assert!(message.contains("learning rate"), "{message}");
    values["v"] = document!([[1, 2], [3, 4]]);
    refused(&ask(document!({"values": values})), 400);
    values["input"] = document!([]);
    refused(&ask(document!({"values": values})), 400);
    refused(&ask(document!({"valuez": 1})), 400);
}

#[test]
fn runs_are_listed_with_their_curves_and_evaluated_as_digits_evaluate_does() {
    let app = app();
    let runs = json(&get(&app, "/api/runs"));
    let trained = |run: &&Value| run["id"].as_str().unwrap().starts_with("run:");
    let own: Vec<&Value> = runs.as_array().unwrap().iter().filter(trained).collect();
    assert_eq!(own.len(), 2);
    for run in own {
        assert_eq!(run["epochs"].as_array().unwrap().len(), 2);
        assert_eq!(
            (&run["planned"], &run["status"]),
            (&document!(2), &document!("finished"))
        );
    }
    let found = json(&get(&app, "/api/evaluation?run=run:small-cnn"));
    let run = RunFolder::new(fixture().artifacts.join("small-cnn"))
        .load(&Device::flex())
        .unwrap();
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
        let all = runs.as_array().unwrap().clone();
        let run = all.into_iter().find(|run| run["id"] == "run:run").unwrap();
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
    let sum: String = Sha256::digest(zeroed.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    zeroed.replace(&"0".repeat(64), &sum)
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
    let ids: Vec<&str> = all
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
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
    for path in [
        "/../Cargo.toml",
        "//etc/passwd",
        "/page/main.js",
        "/api",
        "/api/look",
    ] {
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
        json(&post(&app, path, "application/octet-stream", one()))
    };
    copy_run("mlp", &folder);
    let before = look();
    copy_run("cnn", &folder);
    assert_ne!(before["answers"], look()["answers"]);
}

#[test]
fn other_methods_and_other_sites_are_refused() {
    let app = app();
    let ask = |method: &str, pairs: &[(&str, &str)]| {
        let mut request = hyper::Request::builder()
            .method(method)
            .uri("/api/networks");
        for (name, value) in pairs {
            request = request.header(*name, *value);
        }
        app.respond(&request.body(bytes::Bytes::new()).unwrap())
            .status()
            .as_u16()
    };
    let host = ("host", "127.0.0.1:8814");
    assert_eq!(ask("GET", &[host]), 200);
    for method in ["PUT", "DELETE", "OPTIONS", "TRACE", "PATCH"] {
        assert_eq!(ask(method, &[host]), 405, "{method}");
    }
    assert_eq!(ask("GET", &[("host", "rebound.example")]), 421);
    assert_eq!(ask("GET", &[host, ("origin", "https://evil.example")]), 403);
}
