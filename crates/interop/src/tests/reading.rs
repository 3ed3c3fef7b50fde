//! What other programs write is read as they meant it.

use std::fs;

use digits_models::ModelConfig;
use serde_json::{Value, json};

use super::{
    archive, assert_refused_for, config, contents, dense, dict, fixture, opened, safetensors,
    state_dict, tensor,
};
use crate::{How, NameMap, WeightFile};

#[test]
fn a_state_dict_comes_in_by_name_and_goes_out_with_the_same_bits() {
    let exported = state_dict();
    assert_eq!(exported.tensors, 16); // 14 tensors and two counters
    let came = WeightFile::open(&fixture("state-dict.pt")).unwrap();
    let went = opened("x.safetensors", &exported.bytes).unwrap();
    let [mut before, mut after] = [&came, &went].map(contents);
    before.sort_by_key(|tensor| tensor.0);
    after.sort_by_key(|tensor| tensor.0);
    assert_eq!(before.len(), 14);
    assert_eq!(before, after);
    let (_, described) = went.model().unwrap().unwrap();
    assert_eq!(described, config("cnn-batchnorm").model);
}

#[test]
fn a_checkpoint_with_other_names_is_guessed_by_shape_and_order_and_can_be_mapped() {
    let model = config("cnn-batchnorm").model;
    let file = WeightFile::open(&fixture("checkpoint.pt")).unwrap();
    assert_eq!(file.prefix, "state_dict.module.");
    let guessed = file.assign(&model, None).unwrap();
    assert_eq!(guessed.how, How::ShapeAndOrder);
    let weights = guessed.matches.iter().filter_map(|pair| {
        let layer = pair.file.strip_prefix("state_dict.module.")?;
        Some((
            layer.strip_suffix(".weight")?,
            pair.network.strip_suffix(".weight")?,
        ))
    });
    let mut layers = [
        ("conv1", "features.0"),
        ("bn1", "features.1"),
        ("conv2", "features.4"),
        ("bn2", "features.5"),
        ("fc1", "classifier.0"),
        ("out", "classifier.2"),
    ];
    assert_eq!(weights.collect::<Vec<_>>(), layers);

    let folder = tempfile::tempdir().unwrap();
    let mapped = |map: &str| {
        let path = folder.path().join("map.toml");
        fs::write(&path, map).unwrap();
        file.assign(&model, Some(&NameMap::open(&path).unwrap()))
    };
    let line = |(file, network)| format!("{file} = '{network}'\n");
    let same = mapped(&layers.map(line).concat()).unwrap();
    assert_eq!((same.how, same.matches), (How::Map, guessed.matches));
    // The two normalizations have the same shapes; only a map can exchange them.
    (layers[1].0, layers[3].0) = ("bn2", "bn1");
    let exchanged = mapped(&layers.map(line).concat()).unwrap().matches;
    let mut first = exchanged
        .iter()
        .filter(|pair| pair.network == "features.1.weight");
    assert_eq!(first.next().unwrap().file, "state_dict.module.bn2.weight");
    let error = mapped("conv9 = 'features.0'").unwrap_err().to_string();
    assert!(error.contains("`conv9`"), "{error}");
}

#[test]
fn every_form_of_torch_save_is_read() {
    let open = |name: &str| WeightFile::open(&fixture(name)).unwrap();
    // Views are gathered, doubles are rounded.
    let counted: Vec<f32> = (0..12_u8).map(f32::from).collect();
    let columns = vec![0., 4., 8., 1., 5., 9., 2., 6., 10., 3., 7., 11.];
    let views = [
        ("transposed", &[4, 3][..], columns),
        ("row", &[4], counted[4..8].to_vec()),
        ("expanded", &[5], vec![1.; 5]),
        ("double", &[3, 4], counted),
    ];
    assert_eq!(contents(&open("views.pt")), views);
    let old = [("weight", &[2][..], vec![0.; 2])];
    assert_eq!(contents(&open("before-1.6.pt")), old);
    let module = open("whole-module.pt");
    let tensors = contents(&module).into_iter().map(|(name, shape, values)| {
        let drawn = values.iter().all(|v| v.abs() < 0.71 && *v != 0.0);
        assert!(drawn, "{values:?}");
        (name, shape)
    });
    let expected = [("0.bias", &[2][..]), ("0.weight", &[2, 2])];
    assert_eq!(tensors.collect::<Vec<_>>(), expected);
}

#[test]
fn equal_layers_are_told_apart_by_the_order_of_the_file_or_by_numbers_or_not_at_all() {
    let config = dense(&[4, 4, 4]);
    let layer = |name: &str| {
        let rows = if name == "out" { 2 } else { 4 };
        [
            ("weight", tensor("0", rows, 4)),
            ("bias", tensor("0", 1, rows)),
        ]
    };
    let flat = |layers: [&str; 4]| {
        let tensors =
            layers.map(|name| layer(name).map(|(leaf, bytes)| (format!("{name}.{leaf}"), bytes)));
        dict(&tensors.concat())
    };
    let nested = |layers: [&str; 4]| dict(&layers.map(|name| (name, dict(&layer(name)))));
    let order = |value: &[u8]| -> Result<Vec<String>, String> {
        let file = opened("x.pt", &archive(value, &[1])).unwrap();
        let found = file.assign(&config.model, None);
        let found = found.map_err(|error| error.to_string())?;
        assert_eq!(found.how, How::ShapeAndOrder);
        let files = found.matches.iter().map(|pair| pair.file.as_str());
        let layers = files.filter_map(|name| name.strip_suffix(".weight"));
        Ok(layers.map(str::to_owned).collect())
    };
    let scattered = ["third", "first", "second", "out"];
    assert_eq!(order(&flat(scattered)).unwrap(), scattered);
    // Keys that are the same in every dictionary do not tell where it stands.
    let numbered = order(&nested(["fc2", "fc10", "fc1", "out"])).unwrap();
    assert_eq!(numbered, ["fc1", "fc2", "fc10", "out"]);
    let message = order(&nested(scattered)).unwrap_err();
    assert!(message.contains("first, second, third"), "{message}");
    assert!(message.contains("--map FILE"), "{message}");
}

#[test]
fn everything_that_does_not_fit_is_listed_at_once() {
    let mut larger = config("cnn-batchnorm");
    let ModelConfig::Cnn(cnn) = &mut larger.model else {
        panic!("a CNN")
    };
    cnn.blocks[0].channels = 5;
    cnn.hidden = vec![6, 7];
    let bytes = fs::read(fixture("state-dict.pt")).unwrap();
    let all = "
  size mismatch: features.0.weight [4, 1, 3, 3] for features.0.weight [5, 1, 3, 3]
  size mismatch: features.1.weight [4] for features.1.weight [5]
  size mismatch: features.1.bias [4] for features.1.bias [5]
  size mismatch: features.1.running_mean [4] for features.1.running_mean [5]
  size mismatch: features.1.running_var [4] for features.1.running_var [5]
  size mismatch: features.4.weight [4, 4, 3, 3] for features.4.weight [4, 5, 3, 3]";
    let message = assert_refused_for(&larger, "x.pt", &bytes, all);
    let missing = "\n  missing: classifier.4.weight [4, 7]\n  missing: classifier.4.bias [4]\n";
    assert!(message.contains(missing), "{message}");
    let message = assert_refused_for(&config("cnn-valid"), "x.pt", &bytes, "missing: ");
    assert!(message.contains("unexpected: "), "{message}");
}

#[test]
fn the_model_of_a_checkpoint_is_told_from_its_optimizer() {
    let inside = || dict(&[("w", tensor("0", 1, 1))]);
    for (first, prefix, names) in [
        ("model", "model.", &["w"][..]),
        // Two layers of these names are a network, as far as anybody can tell.
        ("encoder", "", &["encoder.w", "optimizer.w"]),
    ] {
        // A list of tensors, as a history of losses.
        let history = ("history", [b"](", &tensor("0", 1, 1)[..], b"e"].concat());
        let all = dict(&[(first, inside()), ("optimizer", inside()), history]);
        let file = opened("x.pt", &archive(&all, &[1])).unwrap();
        let found = file.tensors.iter().map(|tensor| tensor.name.as_str());
        assert_eq!(found.collect::<Vec<_>>(), names);
        assert_eq!(file.prefix, prefix);
    }
}

/// A file with this metadata and one tensor that fits nothing.
fn with_metadata(metadata: &Value) -> WeightFile {
    let tensor = json!({"dtype": "F32", "shape": [1], "data_offsets": [0, 4]});
    let header = json!({"__metadata__": metadata, "x": tensor});
    opened("x.safetensors", &safetensors(&header.to_string(), &[0; 4])).unwrap()
}

#[test]
fn what_a_file_says_of_itself_is_checked() {
    let model = serde_json::to_string(&config("mlp-tanh").model).unwrap();
    let recipe = |given: &str| {
        let file = with_metadata(&json!({"model": model, "recipe": given}));
        file.model().unwrap().unwrap().0
    };
    for name in ["cnn-small", "a2"] {
        assert_eq!(recipe(name), name);
    }
    let long = "a".repeat(41);
    for odd in ["../x", "a b", "CNN", "\u{1b}[31m", "", &long] {
        assert_eq!(recipe(odd), "imported", "{odd:?}");
    }
    let read = |text: &str| with_metadata(&json!({"normalization": text})).normalization();
    let good = read(r#"{"mean": 0.5, "std": 0.25}"#).unwrap().unwrap();
    assert_eq!((good.mean, good.std), (0.5, 0.25));
    for text in [r#"{"mean": 0.5, "std": 0}"#, r#"{"mean": 0.5}"#] {
        let message = read(text).unwrap_err().to_string();
        assert!(message.contains("`normalization` are invalid"), "{message}");
    }
}

#[test]
fn what_a_file_says_cannot_control_the_terminal() {
    let escape = "\u{1b}]0;owned\u{7}\r\n\u{202e}error: forged";
    let network = config("mlp-tanh");
    // The offsets of the second end too early, and the crate that says so names the tensor.
    let named = [1, 2].map(|size| {
        let entry = json!({"dtype": "F32", "shape": [size], "data_offsets": [0, 4]});
        let bytes = safetensors(&json!({ escape: entry }).to_string(), &[0; 4]);
        assert_refused_for(&network, "x.safetensors", &bytes, "")
    });
    let call = [b"c", escape.replace('\n', "").as_bytes(), b"\nx\n)R"].concat();
    let foreign = assert_refused_for(&network, "x.pt", &archive(&call, &[]), "Python object");
    let model = json!({"model": format!("{{\"kind\": \"{}\"}}", escape.escape_default())});
    let metadata = with_metadata(&model).model().unwrap_err().to_string();
    let dataset = with_metadata(&json!({ "dataset": escape })).dataset();
    let others = [foreign, metadata, dataset.unwrap()];
    for text in named.into_iter().chain(others) {
        let odd = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(odd), "{text:?}");
        assert!(!text.contains("\nerror: "), "{text:?}");
    }
}
