//! Weights out to PyTorch and back in, as a person types it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;

use common::{Sandbox, fails, json, read_json, stderr, stdout};
use serde_json::Value;

/// A folder with a small data set and the network `RUN-1` trained on it.
fn trained() -> Sandbox {
    let sandbox = Sandbox::new(200);
    stdout(&sandbox.training("mlp-small", "RUN-1", ""));
    sandbox
}

fn model(run: &str) -> Vec<u8> {
    fs::read(Path::new(run).join("model.bpk")).unwrap()
}

fn record(run: &str) -> Value {
    read_json(&Path::new(run).join("run.json"))
}

#[test]
fn a_network_goes_out_comes_back_and_is_trained_further() {
    let place = trained();
    let [data, run, weights, back] =
        ["bars", "RUN-1", "RUN.safetensors", "back"].map(|name| place.at(name));
    let run = &run;
    let written = json(&format!("export {run} --to {weights} --json"));
    assert_eq!(written["tensors"], 6);
    assert_eq!(written["dtype"], "f32");
    // Names that hold the word RUN stay as they are in what is printed.
    let again = place.at("again-RUN.safetensors");
    let said = stdout(&format!("export {run} --to {again}"));
    assert!(said.starts_with(&format!("{run} → {again}: ")), "{said}");
    let next = format!("next: digits export {run} --script > network.py\n");
    assert!(said.ends_with(&next), "{said}");
    let [first, second] = [&weights, &again].map(|path| fs::read(path).unwrap());
    assert_eq!(first, second, "the same bytes");

    // The file says which network it is, how pixels are normalized, what it was trained on.
    let report = json(&format!("import {weights} --run {back} --json"));
    assert_eq!(report["recipe"], "mlp-small");
    assert_eq!(report["assigned_by"], "names");
    assert!(model(run) == model(&back));
    let figures = |run: &str| {
        let mut figures = json(&format!("evaluate {run} --data {data} --json"));
        // Where it lies and how fast it went may differ, nothing else.
        for name in ["run", "images_per_second"] {
            figures.as_object_mut().unwrap().remove(name).unwrap();
        }
        figures
    };
    assert_eq!(figures(run), figures(&back));
    let picture = format!("{}/../../samples/7-black.png", env!("CARGO_MANIFEST_DIR"));
    let answer = |run: &str| {
        let mut answers = json(&format!("predict --run {run} {picture} --json"));
        answers[0].as_object_mut().unwrap().remove("run").unwrap();
        answers
    };
    assert_eq!(answer(run), answer(&back));
    assert_eq!(answer(&back)[0]["dataset"], "bars");
    let using = format!("using {back} (mlp-small trained on bars)\n");
    let output = common::run(&format!("predict --run {back} {picture}"));
    assert_eq!(stderr(&output), using);

    // Trained further: the record says from what, and pixels are normalized as before.
    let further = place.at("further");
    let train = |run: &str, setting: &str| {
        common::run(&format!(
            "train --epochs 1 --threads 1 --json --set training.validation=40 --set {setting} \
             --init {back} --data {data} --run {run}"
        ))
    };
    let output = train(&further, "training.schedule.peak=1e-9");
    assert!(output.status.success(), "{}", stderr(&output));
    let (old, new) = (record(&back), record(&further));
    assert_eq!(old["origin"]["kind"], "imported");
    assert_eq!(new["origin"]["kind"], "continued");
    assert_eq!(new["origin"]["sha256"], old["files"]["model.bpk"]);
    let [before, after] = [&old, &new].map(|record| &record["dataset"]["normalization"]);
    assert_eq!(before, after);
    // With next to no learning rate it answers as the network that it started from.
    assert_eq!(figures(&further)["confusion"], figures(&back)["confusion"]);
    assert!(model(&further) != model(&back));
    for (setting, part) in [
        ("model.activation=tanh", "\"relu\", not \"tanh\""),
        ("model.hidden=[9,8]", "hidden.0 = 8, not 9"),
    ] {
        let output = train(&place.at("other"), setting);
        let said = stderr(&output);
        assert!(!output.status.success() && said.contains(part), "{said}");
    }
}

#[test]
fn a_pretrained_network_is_trained_further_without_naming_its_recipe() {
    let sandbox = Sandbox::new(200);
    let [data, run] = ["bars", "run"].map(|name| sandbox.at(name));
    let summary = json(&format!(
        "train --init pretrained/cnn --epochs 1 --set training.validation=40 --json --data {data} \
         --run {run}"
    ));
    assert_eq!(summary["model"], "cnn");
    assert_eq!(summary["parameters"], 215_370);
    assert_eq!(record(&run)["origin"]["run"], "pretrained/cnn");
}

#[test]
fn an_onnx_model_is_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cnn.onnx");
    let export = format!("export pretrained/cnn --to {}", path.display());
    let report = json(&format!("{export} --json"));
    let bytes = fs::read(&path).unwrap();
    assert_eq!(report["bytes"].as_u64(), Some(bytes.len() as u64));
    // Four bytes for each parameter, and the graph.
    assert!((861_480..870_000).contains(&bytes.len()), "{}", bytes.len());
    let text = stdout(&export);
    assert!(text.contains("input `image`"), "{text}");
    assert_eq!(fs::read(&path).unwrap(), bytes, "the same bytes");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn half_precision_tells_what_it_costs_and_the_script_fits_the_file() {
    let place = trained();
    let run = &place.at("RUN-1");
    let accuracy = json(&format!("evaluate {run} --json"))["accuracy"].clone();
    for dtype in ["f16", "bf16"] {
        let (weights, back) = (place.at(&format!("{dtype}.safetensors")), place.at(dtype));
        let report = json(&format!(
            "export {run} --to {weights} --dtype {dtype} --json"
        ));
        let cost = &report["cost"];
        assert_eq!(cost["images"], 40);
        assert_eq!(cost["accuracy_f32"], accuracy);
        assert!(cost["gained"].as_i64().unwrap().abs() <= 2, "{report}");
        assert!(report["bytes"].as_u64().unwrap() < 15_000, "{report}");
        // Rounded weights are other weights, and those of the file are the ones that come in.
        stdout(&format!("import {weights} --run {back}"));
        assert!(model(&back) != model(run));
    }
    fs::remove_dir_all(place.path("bars")).unwrap();
    let weights = place.at("x.safetensors");
    let output = common::run(&format!("export {run} --to {weights} --dtype f16"));
    assert!(output.status.success() && stderr(&output).contains("was not measured"));
    let script = stdout(&format!("export {run} --to {weights} --script"));
    assert!(script.contains("nn.Linear(784, 8),"), "{script}");
    let load = "load_state_dict(load_file(file), strict=True)";
    assert!(script.contains(load), "{script}");
}

#[test]
fn weights_that_do_not_say_their_network_are_taken_with_a_configuration() {
    let folder = tempfile::tempdir().unwrap();
    let [run, config] = ["run", "network.toml"].map(|name| folder.path().join(name));
    let fixtures = concat!(env!("CARGO_MANIFEST_DIR"), "/../interop/tests/pytorch");
    // What else the reference of these weights says is no part of a configuration.
    let own = fs::read_to_string(format!("{fixtures}/cnn-batchnorm.toml")).unwrap();
    fs::write(&config, &own[own.find("[model]").unwrap()..]).unwrap();
    let (to, config) = (run.display(), config.display());
    let line = format!("import {fixtures}/state-dict.pt --config {config} --run {to}");
    fails(2, &line, &["--normalize MEAN,STD"]);
    assert!(!run.exists());
    let line = line + " --normalize 0.5,0.25";
    stdout(&line);
    fails(1, &line, &["already holds a run"]);
}
