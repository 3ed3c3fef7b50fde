//! Weights out to PyTorch and back in, as a person types it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod common;

use std::fs;
use std::path::Path;

use common::{bars, digits, fails, json, stderr, stdout, training};

fn shown(path: &Path) -> String {
    path.display().to_string()
}

#[test]
fn a_network_goes_out_comes_back_and_is_trained_further() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| shown(&folder.path().join(name));
    let data = folder.path().join("bars");
    bars(&data, 200, 40);
    stdout(training(&data, Path::new(&at("run"))));

    let file = at("weights.safetensors");
    let written = json(["export", &at("run"), "--to", &file, "--json"]);
    assert_eq!(
        (&written["tensors"], &written["dtype"]),
        (&6.into(), &"f32".into())
    );
    let again = at("again.safetensors");
    stdout(["export", &at("run"), "--to", &again]);
    assert_eq!(
        fs::read(&file).unwrap(),
        fs::read(&again).unwrap(),
        "the same bytes"
    );

    // The file says which network it is and how pixels are normalized.
    let back = json(["import", &file, "--run", &at("back"), "--json"]);
    assert_eq!(
        (&back["recipe"], &back["assigned_by"]),
        (&"mlp-small".into(), &"names".into())
    );
    let bytes = |run: &str| fs::read(Path::new(&at(run)).join("model.bpk")).unwrap();
    assert!(bytes("run") == bytes("back"));
    let figures = |run: &str| {
        let mut figures = json(["evaluate", &at(run), "--data", &shown(&data), "--json"]);
        // Where it lies and how fast it went may differ, nothing else.
        for name in ["run", "images_per_second"] {
            figures.as_object_mut().unwrap().remove(name).unwrap();
        }
        figures
    };
    assert_eq!(figures("run"), figures("back"));
    // It reads pictures like any other run, and says what it was trained on.
    let picture = format!("{}/../../samples/7-black.png", env!("CARGO_MANIFEST_DIR"));
    let answer = |run: &str| {
        let mut answers = json(["predict", "--run", &at(run), &picture, "--json"]);
        let answer = answers[0].as_object_mut().unwrap();
        answer.remove("run").unwrap();
        answer.clone()
    };
    assert_eq!(answer("run"), answer("back"));
    assert_eq!(answer("back")["dataset"], "bars");
    let output = common::run(["predict", "--run", &at("back"), &picture]);
    let using = format!("using {} (mlp-small trained on bars)\n", at("back"));
    assert_eq!(stderr(&output), using);

    // Trained further: the record says from what, and pixels are normalized as before.
    let further = |run: &str, more: &[&str]| {
        let (run, from, data) = (at(run), at("back"), shown(&data));
        let options = [
            "train", "--init", &from, "--data", &data, "--run", &run, "--json",
        ];
        let small = [
            "--set",
            "training.validation=40",
            "--epochs",
            "1",
            "--threads",
            "1",
        ];
        digits()
            .args(options)
            .args(small)
            .args(more)
            .output()
            .unwrap()
    };
    let output = further("further", &["--set", "training.schedule.peak=1e-9"]);
    assert!(output.status.success(), "{}", stderr(&output));
    let record = |run: &str| -> serde_json::Value {
        serde_json::from_slice(&fs::read(Path::new(&at(run)).join("run.json")).unwrap()).unwrap()
    };
    let (back, further_record) = (record("back"), record("further"));
    assert_eq!(back["origin"]["kind"], "imported");
    assert_eq!(further_record["origin"]["kind"], "continued");
    assert_eq!(
        further_record["origin"]["sha256"],
        back["files"]["model.bpk"]
    );
    assert_eq!(
        further_record["dataset"]["normalization"],
        back["dataset"]["normalization"]
    );
    // With next to no learning rate it answers as the network that it started from.
    assert_eq!(
        figures("further")["confusion"],
        figures("back")["confusion"]
    );
    assert!(bytes("further") != bytes("back"));

    let output = further("other", &["--set", "model.activation=tanh"]);
    let said = stderr(&output);
    assert!(
        !output.status.success()
            && said.contains("has activation = relu, and the run to be trained from it tanh"),
        "{said}"
    );
    let output = further("other", &["--set", "model.hidden=[9, 8]"]);
    let said = stderr(&output);
    assert!(
        !output.status.success()
            && said.contains("has hidden = [8], and the run to be trained from it [9, 8]"),
        "{said}"
    );
}

#[test]
fn a_pretrained_network_is_trained_further_without_naming_its_recipe() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("bars");
    bars(&data, 200, 40);
    let (run, data) = (shown(&folder.path().join("run")), shown(&data));
    let train = "train --init pretrained/cnn --epochs 1 --set training.validation=40 --json";
    let more = ["--data", &data, "--run", &run];
    let summary = json(train.split(' ').chain(more));
    assert_eq!(summary["model"], "cnn");
    assert_eq!(summary["parameters"], 215_370);
    let record = fs::read(Path::new(&run).join("run.json")).unwrap();
    let record: serde_json::Value = serde_json::from_slice(&record).unwrap();
    assert_eq!(record["origin"]["run"], "pretrained/cnn");
}

#[test]
fn a_run_named_run_is_not_rewritten_in_what_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("bars");
    bars(&data, 200, 40);
    let (run, file) = (
        folder.path().join("RUN-1"),
        folder.path().join("RUN.safetensors"),
    );
    stdout(training(&data, &run));
    let said = stdout(["export", &shown(&run), "--to", &shown(&file)]);
    let first = format!("{} → {}: ", shown(&run), shown(&file));
    assert!(said.starts_with(&first), "{said}");
    let next = format!(
        "next: digits export {} --script > network.py\n",
        shown(&run)
    );
    assert!(said.ends_with(&next), "{said}");
}

#[test]
fn an_onnx_model_is_written_whole() {
    let folder = tempfile::tempdir().unwrap();
    let file = shown(&folder.path().join("cnn.onnx"));
    let export = ["export", "pretrained/cnn", "--to", &file];
    let report = json([&export[..], &["--json"]].concat());
    let bytes = fs::read(&file).unwrap();
    assert_eq!(report["bytes"].as_u64(), Some(bytes.len() as u64));
    // Four bytes for each parameter, and the graph.
    assert!((861_480..870_000).contains(&bytes.len()), "{}", bytes.len());
    let text = stdout(export);
    assert!(text.contains("input `image`"), "{text}");
    assert_eq!(fs::read(&file).unwrap(), bytes, "the same bytes");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn half_precision_tells_what_it_costs_and_the_script_fits_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| shown(&folder.path().join(name));
    let data = folder.path().join("bars");
    bars(&data, 200, 40);
    stdout(training(&data, Path::new(&at("run"))));
    for dtype in ["f16", "bf16"] {
        let file = at(&format!("{dtype}.safetensors"));
        let report = json([
            "export",
            &at("run"),
            "--to",
            &file,
            "--dtype",
            dtype,
            "--json",
        ]);
        assert_eq!(report["cost"]["images"], 40);
        let whole = json(["evaluate", &at("run"), "--json"]);
        assert_eq!(report["cost"]["accuracy_f32"], whole["accuracy"]);
        assert!(
            report["cost"]["gained"].as_i64().unwrap().abs() <= 2,
            "{report}"
        );
        assert!(report["bytes"].as_u64().unwrap() < 15_000, "{report}");
        // Rounded weights are other weights, and those of the file are the ones that come in.
        let back = at(&format!("{dtype}-run"));
        stdout(["import", &file, "--run", &back]);
        let model = |run: &str| fs::read(Path::new(run).join("model.bpk")).unwrap();
        assert!(model(&back) != model(&at("run")));
    }
    fs::remove_dir_all(&data).unwrap();
    let args = [
        "export",
        &at("run"),
        "--to",
        &at("x.safetensors"),
        "--dtype",
        "f16",
    ];
    let output = common::run(args);
    assert!(output.status.success() && stderr(&output).contains("was not measured"));

    let script = stdout([
        "export",
        &at("run"),
        "--to",
        &at("f16.safetensors"),
        "--script",
    ]);
    for line in [
        "nn.Linear(784, 8),",
        "nn.Linear(8, 10),",
        "load_state_dict(load_file(file), strict=True)",
    ] {
        assert!(script.contains(line), "{script}");
    }
}

#[test]
fn what_import_and_export_cannot_do_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| shown(&folder.path().join(name));
    let fixture = |name: &str| {
        format!(
            "{}/../interop/tests/pytorch/{name}",
            env!("CARGO_MANIFEST_DIR")
        )
    };
    fails(
        2,
        ["export", "--to", "x.bin"],
        &["FILE.safetensors", "FILE.onnx"],
    );
    let onnx = ["export", "pretrained/cnn", "--to", "x.onnx"];
    for more in [&["--script"][..], &["--dtype", "f16"]] {
        fails(2, [&onnx[..], more].concat(), &["go with FILE.safetensors"]);
    }
    fails(
        1,
        ["export", &at("none"), "--to", "x.safetensors"],
        &["is not a run folder"],
    );
    fails(1, ["import", &at("none.pt")], &["cannot read"]);
    let file = fixture("state-dict.pt");
    for config in ["missing.toml", "no/such/recipe"] {
        let missing = format!("cannot read {config}");
        fails(1, ["import", &file, "--config", config], &[&missing]);
    }
    for normalize in ["0.1,0", "0.1,-1", "nan,1", "0.1,inf", "0.5,1e-45"] {
        let given = ["import", &file, "--model", "cnn", "--normalize", normalize];
        let output = common::run(given);
        assert_eq!(output.status.code(), Some(2), "{normalize}");
        let said = stderr(&output);
        assert!(said.contains("cannot be normalized"), "{said}");
    }
    fails(
        2,
        ["import", &fixture("state-dict.pt")],
        &["--model RECIPE"],
    );
    fails(
        2,
        ["import", &fixture("state-dict.pt"), "--model", "cn"],
        &["did you mean `cnn`"],
    );
    let run = at("run");
    let given = [
        "import",
        &fixture("whole-module.pt"),
        "--model",
        "cnn",
        "--run",
        &run,
    ];
    fails(1, given, &["torch.nn.modules", "Nothing was executed"]);
    let given = [
        "import",
        &fixture("state-dict.pt"),
        "--model",
        "cnn",
        "--run",
        &run,
    ];
    fails(
        1,
        given,
        &[
            "features.0.weight [4, 1, 3, 3] for features.0.weight [16, 1, 5, 5]",
            "missing",
            "surplus",
        ],
    );
    let blocks = "model.blocks=[{channels=4, kernel=3, padding='same', norm='batch'}, \
                  {channels=4, kernel=3, stride=2, padding='same', pool=2, norm='batch'}]";
    let file = fixture("state-dict.pt");
    let mut given = vec!["import", &file, "--model", "cnn", "--run", &run];
    for change in [
        "model.dropout=0.0",
        "model.hidden=[6]",
        "model.input={height=8, width=8, classes=4}",
        blocks,
    ] {
        given.extend(["--set", change]);
    }
    fails(2, &given, &["--normalize MEAN,STD"]);
    assert!(!Path::new(&run).exists());
    given.extend(["--normalize", "0.5,0.25"]);
    stdout(&given);
    fails(1, &given, &["already holds a run"]);
}
