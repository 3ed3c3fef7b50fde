//! Networks as a person uses them: the pretrained ones, there with no data, no network and no
//! folder, and as good as they say; the main job on the real MNIST; and weights out to PyTorch and
//! back in.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{Sandbox, digits, failed, fails, json, mnist, read_json, stderr, stdout, succeeds};
use digits_data::{OpenOptions, Source, open};
use digits_train::RunFolder;
use serde_json::Value;

/// Another processor may round sums differently and tip a few images of 10,000 over.
const IMAGES_THAT_MAY_TIP: f64 = 3.0;

/// The pictures that the repository shows: `samples/DIGIT-….png`.
fn samples() -> Vec<(PathBuf, u64)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../samples");
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let pictures = paths.filter(|path| path.extension().is_some_and(|ending| ending != "md"));
    let mut samples: Vec<(PathBuf, u64)> = pictures
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap();
            let digit = name.split('-').next().unwrap().parse().unwrap();
            (path, digit)
        })
        .collect();
    samples.sort();
    samples
}

/// The program, moved into an empty folder and run there with nothing of its user's.
fn alone(folder: &Path, args: &[&str]) -> Command {
    let program = folder.join("moved");
    if !program.exists() {
        fs::copy(env!("CARGO_BIN_EXE_digits"), &program).unwrap();
    }
    let inside = folder.join("inside");
    fs::create_dir_all(&inside).unwrap();
    let mut command = Command::new(program);
    command
        .args(args)
        .current_dir(inside)
        .env_clear()
        .env("HOME", folder.join("home"));
    command
}

#[test]
fn a_moved_program_in_an_empty_folder_reads_every_sample() {
    let folder = tempfile::tempdir().unwrap();
    let samples = samples();
    assert!(samples.len() >= 5, "{samples:?}");
    for run in [None, Some("pretrained/cnn"), Some("pretrained/mlp")] {
        let mut args = vec!["predict", "--json"];
        args.extend(run.iter().flat_map(|run| ["--run", run]));
        args.extend(samples.iter().map(|(path, _)| path.to_str().unwrap()));
        let (answers, said) = succeeds(&mut alone(folder.path(), &args));
        let answers: Value = serde_json::from_str(&answers).unwrap();
        let answers = answers.as_array().unwrap();
        assert_eq!(answers.len(), samples.len());
        for (answer, (path, digit)) in answers.iter().zip(&samples) {
            assert_eq!(answer["run"], run.unwrap_or("pretrained/cnn"));
            assert_eq!(answer["dataset"], "mnist");
            assert_eq!(answer["label"].as_u64(), Some(*digit), "{}", path.display());
        }
        let why = "using pretrained/cnn (cnn trained on mnist, as artifacts holds no trained CNN)";
        assert_eq!(said.contains(why), run.is_none(), "{said}");
    }
    // None of them is evaluated unless it is named.
    let evaluate = alone(folder.path(), &["evaluate"]).output().unwrap();
    failed(&evaluate, 1, &["pretrained/cnn"]);
    let left = fs::read_dir(folder.path().join("inside")).unwrap().count();
    assert_eq!(left, 0);
}

#[test]
fn the_newest_cnn_of_ones_own_comes_before_the_pretrained_one() {
    let sandbox = Sandbox::new(200);
    let predict = || {
        let mut command = digits(&format!("predict --json {}", samples()[0].0.display()));
        let (answers, said) = succeeds(command.current_dir(sandbox.folder()));
        let answers: Value = serde_json::from_str(&answers).unwrap();
        (answers[0]["run"].clone(), said)
    };
    let train = |recipe: &str| {
        stdout(&sandbox.training(recipe, &format!("artifacts/{recipe}-1"), ""));
    };
    train("mlp-small");
    assert_eq!(predict().0, "pretrained/cnn"); // an MLP is not a CNN
    train("cnn-small");
    let (run, said) = predict();
    assert_eq!(run, "artifacts/cnn-small-1");
    let using = "using artifacts/cnn-small-1 (cnn-small trained on bars)";
    assert!(said.contains(using), "{said}");
}

#[test]
fn the_recorded_test_accuracy_is_what_mnist_gives() {
    let Some(data) = mnist() else { return };
    for run in RunFolder::all_pretrained() {
        let recorded = run.describe().unwrap().0.result.unwrap();
        let name = run.path().display().to_string();
        let evaluation = json(&format!("evaluate {name} --data {} --json", data.display()));
        assert_eq!(evaluation["run"], name);
        assert_eq!(evaluation["images"], recorded.test_images);
        let [accuracy, loss] = ["accuracy", "loss"].map(|key| evaluation[key].as_f64().unwrap());
        let tipped = (accuracy - recorded.test_accuracy).abs() * recorded.test_images as f64;
        let close = (loss / recorded.test_loss - 1.0).abs() < 0.001;
        assert!(
            tipped < IMAGES_THAT_MAY_TIP + 0.5 && close,
            "{name}: {accuracy} and {loss} measured, {} and {} recorded",
            recorded.test_accuracy,
            recorded.test_loss
        );
    }
}

#[test]
fn one_epoch_of_the_cnn_reaches_97_percent_and_evaluation_agrees() {
    let Some(data) = mnist() else { return };
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run").display().to_string();
    let line = "train cnn --epochs 1 --json";
    let summary = json(&format!("{line} --data {} --run {run}", data.display()));
    assert_eq!(summary["parameters"], 215_370);
    let accuracy = summary["test_accuracy"].as_f64().unwrap();
    assert!(accuracy >= 0.97, "{accuracy}");
    let evaluation = json(&format!("evaluate {run} --json"));
    assert_eq!(evaluation["accuracy"].as_f64(), Some(accuracy));
    assert_eq!(evaluation["images"], 10_000);
    let rows = evaluation["confusion"].as_array().unwrap();
    let counts = rows.iter().flat_map(|row| row.as_array().unwrap());
    let total: u64 = counts.map(|count| count.as_u64().unwrap()).sum();
    assert_eq!((rows.len(), total), (10, 10_000));
    let valid = json(&format!("evaluate {run} --split validation --json"));
    assert_eq!(valid["accuracy"], summary["valid_accuracy"]);

    // Test digits saved as pictures, dark on light and four times as large, are read as well as
    // they are from the data set: preparation keeps what matters.
    let options = OpenOptions {
        offline: true,
        mirrors: None,
    };
    let dataset = open(&Source::Folder(data), &options, &mut |_| {}).unwrap();
    let test = dataset.open_test().unwrap();
    let pictures = folder.path().join("pictures");
    fs::create_dir(&pictures).unwrap();
    for index in 0..300 {
        let picture = image::GrayImage::from_fn(28 * 4, 28 * 4, |x, y| {
            image::Luma([255 - test.pixels(index)[(y / 4 * 28 + x / 4) as usize]])
        });
        let name = pictures.join(format!("{index:03}.png"));
        picture.save(name).unwrap();
    }
    let pictures = pictures.display();
    let answers = json(&format!("predict --run {run} --json {pictures}"));
    let right = (0..300)
        .filter(|&index| answers[index]["label"] == test.label(index))
        .count();
    assert!(right >= 288, "{right} of 300"); // 96 %
}

#[test]
fn burns_reader_over_the_cache_and_our_own_give_identical_images() {
    let Some(data) = mnist() else { return };
    let data = data.display().to_string();
    let cache = tempfile::tempdir().unwrap();
    // Burn finds its cache through the environment, which only a process of its own may change.
    let call = |line: &str| {
        let mut command = digits(line);
        command.env("XDG_CACHE_HOME", cache.path());
        command.env("HOME", cache.path());
        command
    };
    for _twice_is_harmless in 0..2 {
        let (report, _) = succeeds(&mut call(&format!("data import {data} --json")));
        let report: Value = serde_json::from_str(&report).unwrap();
        assert_eq!(report["whole"], true);
    }
    for (run, source) in [("through-burn", "mnist"), ("ours", &data)] {
        let run = cache.path().join(run).display().to_string();
        let line = "train mlp-small --epochs 1 --offline";
        succeeds(&mut call(&format!("{line} --data {source} --run {run}")));
    }
    let file = |run: &str, name: &str| cache.path().join(run).join(name);
    let [burn, ours] = ["through-burn", "ours"].map(|run| read_json(&file(run, "run.json")));
    assert_eq!(burn["dataset"], ours["dataset"]);
    assert_eq!(burn["result"], ours["result"]);
    let [burn, ours] =
        ["through-burn", "ours"].map(|run| fs::read(file(run, "model.bpk")).unwrap());
    assert!(burn == ours);

    // A cache with one wrong byte is never handed to Burn.
    let labels = file("burn-dataset/mnist/train", "train-labels-idx1-ubyte");
    let mut bytes = fs::read(&labels).unwrap();
    bytes[100] ^= 1;
    fs::write(&labels, bytes).unwrap();
    let mut train = call("train mlp --data mnist --offline");
    failed(&train.output().unwrap(), 1, &["data import DIR"]);
}

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
