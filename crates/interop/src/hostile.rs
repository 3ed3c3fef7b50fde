//! What a file from elsewhere says of itself, and what it would do to the program that reads it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Barrier;
use std::thread;

use burn::tensor::Device;
use digits_data::Normalization;
use digits_models::ModelConfig;
use digits_train::{Recipe, RunFolder, TrainError};
use serde_json::{Value, json};

use crate::script;
use crate::tests::{config, fixture, refused_bytes, safetensors, take, zip};
use crate::{
    FloatType, How, ImportSettings, InteropError, WeightFile, export, import, torch_tensors,
};

/// A file with this metadata and one tensor that fits nothing.
fn with_metadata(folder: &Path, metadata: &Value) -> WeightFile {
    let header = json!({
        "__metadata__": metadata,
        "x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
    });
    let path = folder.join("x.safetensors");
    fs::write(&path, safetensors(&header.to_string(), &[0; 4])).unwrap();
    WeightFile::open(&path).unwrap()
}

#[test]
fn a_recipe_that_is_no_plain_name_is_called_imported() {
    let folder = tempfile::tempdir().unwrap();
    let model = serde_json::to_string(&config("mlp-tanh").model).unwrap();
    let long = "a".repeat(41);
    for (given, name) in [
        ("cnn-small", "cnn-small"),
        ("a2", "a2"),
        ("../../etc/passwd", "imported"),
        ("/tmp/x", "imported"),
        ("a b", "imported"),
        ("CNN", "imported"),
        ("\u{1b}[31mred", "imported"),
        ("", "imported"),
        (&long, "imported"),
    ] {
        let file = with_metadata(folder.path(), &json!({"model": model, "recipe": given}));
        assert_eq!(file.model().unwrap().unwrap().0, name, "{given:?}");
    }
}

#[test]
fn a_normalization_that_makes_no_numbers_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let read =
        |text: &str| with_metadata(folder.path(), &json!({"normalization": text})).normalization();
    let good = read(r#"{"mean": 0.5, "std": 0.25}"#).unwrap().unwrap();
    assert_eq!((good.mean, good.std), (0.5, 0.25));
    for text in [
        r#"{"mean": 0.5, "std": 0}"#,
        r#"{"mean": 0.5, "std": -1}"#,
        r#"{"mean": 1e300, "std": 1}"#,
        r#"{"mean": 0.5, "std": 1e-45}"#,
        r#"{"mean": 0.5}"#,
    ] {
        let message = read(text).unwrap_err().to_string();
        assert!(
            message.contains("`normalization` makes no sense"),
            "{message}"
        );
    }
}

#[test]
fn what_a_file_says_cannot_control_the_terminal() {
    let folder = tempfile::tempdir().unwrap();
    let escape = "\u{1b}]0;owned\u{7}\r\n\u{202e}error: forged";
    let header = json!({escape: {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}});
    let path = folder.path().join("x.safetensors");
    fs::write(&path, safetensors(&header.to_string(), &[0; 4])).unwrap();
    let file = WeightFile::open(&path).unwrap();
    let network = config("mlp-tanh");
    let surplus = file.assign(&network.model, None).unwrap_err().to_string();
    // The offsets of this one end too early, and the crate that says so names the tensor.
    let header = json!({escape: {"dtype": "F32", "shape": [2], "data_offsets": [0, 4]}});
    let damaged = refused_bytes(
        "x.safetensors",
        &safetensors(&header.to_string(), &[0; 4]),
        &network,
    );
    let pickle = [b"\x80\x02c", escape.replace('\n', "").as_bytes(), b"\nx\n."].concat();
    let foreign = refused_bytes("x.pt", &zip(&[("x/data.pkl", &pickle)]), &network);
    let model = json!({"model": format!("{{\"kind\": \"{}\"}}", escape.escape_default())});
    let metadata = with_metadata(folder.path(), &model)
        .model()
        .unwrap_err()
        .to_string();
    let name = with_metadata(folder.path(), &json!({"dataset": escape}))
        .dataset()
        .unwrap();
    for text in [surplus, damaged, foreign, metadata, name] {
        let odd = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(odd), "{text:?}");
        assert!(!text.contains("\nerror: "), "{text:?}");
    }
}

#[test]
fn entries_of_an_archive_stand_beside_one_another_and_once() {
    let network = config("mlp-tanh");
    let pickle: &[u8] = b"\x80\x02}.";
    let doubled = zip(&[
        ("x/data.pkl", pickle),
        ("x/data/0", b"1234"),
        ("x/data/0", b"5678"),
    ]);
    let message = refused_bytes("x.pt", &doubled, &network);
    assert!(
        message.contains("two entries named \"x/data/0\""),
        "{message}"
    );
    // The second entry of the directory is sent to where the first one is.
    let mut overlapping = zip(&[("x/data.pkl", pickle), ("x/data/0", &[0; 64])]);
    let directory: Vec<usize> = (0..overlapping.len())
        .filter(|&at| overlapping[at..].starts_with(b"PK\x01\x02"))
        .collect();
    overlapping[directory[1] + 42..][..4].fill(0);
    let message = refused_bytes("x.pt", &overlapping, &network);
    assert!(message.contains("entries overlap"), "{message}");
}

#[test]
fn two_tensors_of_one_name_are_refused() {
    let one = r#""x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    let header = format!("{{{one},{one}}}");
    let message = refused_bytes(
        "x.safetensors",
        &safetensors(&header, &[0; 4]),
        &config("mlp-tanh"),
    );
    assert!(message.contains("two tensors named x"), "{message}");
}

/// A pickled `{"model": {"w": tensor}, "optimizer": {"w": tensor}}`, both of one number.
fn checkpoint(first: &str) -> Vec<u8> {
    let text = |text: &str| {
        let length = (text.len() as u32).to_le_bytes();
        [&b"X"[..], &length, text.as_bytes()].concat()
    };
    let tensor = [
        &b"ctorch._utils\n_rebuild_tensor_v2\n(("[..],
        &text("storage"),
        b"ctorch\nFloatStorage\n",
        &text("0"),
        &text("cpu"),
        b"K\x01tQK\0(K\x01t(K\x01t\x89}tR",
    ]
    .concat();
    let mut bytes = b"\x80\x02}".to_vec();
    for name in [first, "optimizer"] {
        bytes.extend(text(name));
        bytes.push(b'}');
        bytes.extend([text("w"), tensor.clone(), b"ss".to_vec()].concat());
    }
    bytes.push(b'.');
    zip(&[("x/data.pkl", &bytes), ("x/data/0", &1_f32.to_le_bytes())])
}

#[test]
fn the_model_of_a_checkpoint_is_told_from_its_optimizer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.pt");
    let names = |first: &str| {
        fs::write(&path, checkpoint(first)).unwrap();
        let file = WeightFile::open(&path).unwrap();
        let names = file.tensors.iter().map(|tensor| tensor.name.clone());
        (file.prefix.clone(), names.collect::<Vec<_>>())
    };
    assert_eq!(names("model"), ("model.".to_owned(), vec!["w".to_owned()]));
    // Two layers of these names are a network, as far as anybody can tell.
    assert_eq!(names("encoder").1, ["encoder.w", "optimizer.w"]);
}

#[test]
fn metadata_say_the_type_and_whose_accuracies_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder::pretrained("cnn").unwrap();
    for (to, key) in [
        (FloatType::F32, "test_accuracy"),
        (FloatType::F16, "test_accuracy_f32"),
        (FloatType::Bf16, "test_accuracy_f32"),
    ] {
        let export = export(&run, to).unwrap();
        let length = u64::from_le_bytes(export.bytes()[..8].try_into().unwrap()) as usize;
        let header: Value = serde_json::from_slice(&export.bytes()[8..8 + length]).unwrap();
        let metadata = header["__metadata__"].as_object().unwrap();
        assert_eq!(metadata["dtype"], to.name());
        let accuracies = metadata
            .keys()
            .filter(|key| key.starts_with("test_accuracy"));
        assert_eq!(accuracies.collect::<Vec<_>>(), [key]);
        // What it was trained on comes back with it.
        let path = folder.path().join("cnn.safetensors");
        export.write(&path).unwrap();
        assert_eq!(
            WeightFile::open(&path).unwrap().dataset().as_deref(),
            Some("mnist")
        );
    }
}

/// A run of a network, from the weights of `cnn-batchnorm`, one of them changed.
fn run_with(folder: &Path, value: f32) -> RunFolder {
    let network = config("cnn-batchnorm");
    let run = folder.join("run");
    take(&fixture("state-dict.pt"), None, &network, &run).unwrap();
    let good = export(&RunFolder::new(&run), FloatType::F32).unwrap();
    let file = folder.join("x.safetensors");
    good.write(&file).unwrap();
    let place = WeightFile::open(&file).unwrap();
    let place = place
        .tensors
        .iter()
        .find(|tensor| tensor.name == "classifier.0.weight");
    let place = place.unwrap().window.start;
    let mut bytes = good.bytes().to_vec();
    bytes[place..place + 4].copy_from_slice(&value.to_le_bytes());
    fs::write(&file, bytes).unwrap();
    let changed = folder.join("changed");
    take(&file, None, &network, &changed).unwrap();
    RunFolder::new(changed)
}

#[test]
fn a_value_beyond_the_range_of_f16_is_named_and_fits_into_bf16() {
    let folder = tempfile::tempdir().unwrap();
    let run = run_with(folder.path(), 70_000.0);
    let error = export(&run, FloatType::F16).unwrap_err();
    assert!(
        matches!(&error, InteropError::OutOfRange { tensor, value: 70_000.0, to: "f16", .. } if tensor == "classifier.0.weight"),
        "{error}"
    );
    assert!(error.to_string().contains("use bf16 or f32"), "{error}");
    export(&run, FloatType::Bf16).unwrap();

    let folder = tempfile::tempdir().unwrap();
    let run = run_with(folder.path(), f32::MAX);
    let error = export(&run, FloatType::Bf16).unwrap_err();
    assert!(error.to_string().ends_with("use f32"), "{error}");
    export(&run, FloatType::F32).unwrap();
}

/// A file that fits a network, every number 0.
fn zeros(folder: &Path, model: &ModelConfig) -> PathBuf {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for tensor in torch_tensors(model).unwrap() {
        let start = data.len();
        data.resize(start + 4 * tensor.elements(), 0);
        let offsets = [start, data.len()];
        let entry = json!({"dtype": "F32", "shape": tensor.shape, "data_offsets": offsets});
        header.insert(tensor.name, entry);
    }
    let file = folder.join("zeros.safetensors");
    let header = Value::Object(header).to_string();
    fs::write(&file, safetensors(&header, &data)).unwrap();
    file
}

#[test]
fn of_several_imports_into_one_folder_one_succeeds() {
    let network = config("mlp-tanh");
    let folder = tempfile::tempdir().unwrap();
    let source = zeros(folder.path(), &network.model);
    let file = WeightFile::open(&source).unwrap();
    let assignment = file.assign(&network.model, None).unwrap();
    assert_eq!(assignment.how, How::Names);
    let attempt = |run: &RunFolder| {
        let settings = ImportSettings {
            recipe: "test",
            config: network.clone(),
            normalization: Normalization::new(0.0, 1.0).unwrap(),
        };
        import(&file, &assignment, settings, run, &Device::flex())
    };
    for round in 0..20 {
        let run = RunFolder::new(folder.path().join(round.to_string()));
        let barrier = Barrier::new(4);
        let outcomes: Vec<_> = thread::scope(|scope| {
            let work = || {
                barrier.wait();
                attempt(&run)
            };
            let threads: Vec<_> = (0..4).map(|_| scope.spawn(work)).collect();
            let joined = threads.into_iter().map(|thread| thread.join().unwrap());
            joined.collect()
        });
        let made = outcomes.iter().filter(|outcome| outcome.is_ok()).count();
        assert_eq!(made, 1, "round {round}: {outcomes:?}");
    }
    // Whether a run is there is looked up under the lock: who cannot have it learns no more.
    let run = RunFolder::new(folder.path().join("0"));
    let lock = run.lock().unwrap();
    let error = attempt(&run).unwrap_err();
    assert!(
        matches!(error, InteropError::Train(TrainError::Locked { .. })),
        "{error}"
    );
    drop(lock);
    let error = attempt(&run).unwrap_err();
    assert!(
        matches!(error, InteropError::Train(TrainError::Exists { .. })),
        "{error}"
    );
}

#[test]
fn the_script_has_the_dropout_layers_and_counts_them_in_the_names() {
    let mut recipe = Recipe::built_in("cnn").unwrap();
    for change in ["model.dropout=0.5", "model.blocks.0.dropout=0.25"] {
        recipe.set(change).unwrap();
    }
    let model = recipe.resolve().unwrap().model;
    let normalization = Normalization::new(0.0, 1.0).unwrap();
    let text = script(&model, &normalization, "x.safetensors").unwrap();
    let layers = [
        "nn.Conv2d(1, 16, 5, padding=\"same\"),",
        "nn.ReLU(),",
        "nn.MaxPool2d(2),",
        "nn.Dropout(0.25),",
        "nn.Conv2d(16, 32, 5, padding=\"same\"),",
        "nn.ReLU(),",
        "nn.MaxPool2d(2),",
        "nn.Linear(1568, 128),",
        "nn.ReLU(),",
        "nn.Dropout(0.5),",
        "nn.Linear(128, 10),",
    ];
    let found: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("nn."))
        .collect();
    assert_eq!(found, layers);
    let names: Vec<String> = torch_tensors(&model)
        .unwrap()
        .into_iter()
        .map(|tensor| tensor.name)
        .filter(|name| name.ends_with("weight"))
        .collect();
    let expected = [
        "features.0.weight",
        "features.4.weight",
        "classifier.0.weight",
        "classifier.3.weight",
    ];
    assert_eq!(names, expected);
}
