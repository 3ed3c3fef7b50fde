//! What other programs write is read as they meant it.

use std::fs;

use digits_models::ModelConfig;
use digits_train::RunFolder;
use serde_json::{Value, json};

use super::support::{
    archive, config, dict, equal_layers, find, fixture, names, pickle, refused, refused_bytes,
    safetensors, take, tensor, written,
};
use crate::{FloatType, How, WeightFile, export};

#[test]
fn a_state_dict_comes_in_by_name_and_goes_out_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let config = config("cnn-batchnorm");
    let run = folder.path().join("run");
    let how = take(&fixture("state-dict.pt"), None, &config, &run).unwrap();
    assert_eq!(how, How::Names);

    let out = folder.path().join("out.safetensors");
    let exported = export(&RunFolder::new(&run), FloatType::F32).unwrap();
    exported.write(&out).unwrap();
    let came = WeightFile::open(&fixture("state-dict.pt")).unwrap();
    let went = WeightFile::open(&out).unwrap();
    assert_eq!(went.tensors.len(), 16); // 14 tensors and two counters
    for tensor in &went.tensors {
        let original = find(&came, &tensor.name);
        assert_eq!(original.shape, tensor.shape, "{}", tensor.name);
        if !tensor.name.ends_with("num_batches_tracked") {
            let values = original.values(&came.bytes).unwrap();
            assert_eq!(
                values,
                tensor.values(&went.bytes).unwrap(),
                "{}",
                tensor.name
            );
        }
    }
    assert_eq!(went.model().unwrap().unwrap().1, config.model);
}

#[test]
fn a_checkpoint_with_other_names_is_guessed_by_shape_and_order_and_can_be_mapped() {
    let folder = tempfile::tempdir().unwrap();
    let config = config("cnn-batchnorm");
    let path = fixture("checkpoint.pt");
    let file = WeightFile::open(&path).unwrap();
    assert_eq!(file.prefix, "state_dict.module.");
    let assignment = file.assign(&config.model, None).unwrap();
    assert_eq!(assignment.how, How::ShapeAndOrder);
    let weights = assignment.matches.iter().filter_map(|pair| {
        let network = pair.network.strip_suffix(".weight")?;
        Some((pair.file.strip_prefix("state_dict.module.")?, network))
    });
    let expected = [
        ("conv1.weight", "features.0"),
        ("bn1.weight", "features.1"),
        ("conv2.weight", "features.4"),
        ("bn2.weight", "features.5"),
        ("fc1.weight", "classifier.0"),
        ("out.weight", "classifier.2"),
    ];
    assert_eq!(weights.collect::<Vec<_>>(), expected);

    // The two normalizations have the same shapes; only a map can exchange them.
    let layers = "conv1 = 'features.0'\nconv2 = 'features.4'\nfc1 = 'classifier.0'\n";
    let guessed = format!("{layers}bn1 = 'features.1'\nbn2 = 'features.5'\nout = 'classifier.2'");
    let exchanged = format!("{layers}bn2 = 'features.1'\nbn1 = 'features.5'\nout = 'classifier.2'");
    let mapped = |map: Option<&str>, name: &str| {
        let run = folder.path().join(name);
        let how = take(&path, map, &config, &run)?;
        Ok::<_, crate::InteropError>((how, fs::read(run.join("model.bpk")).unwrap()))
    };
    let (_, a) = mapped(None, "a").unwrap();
    let (how, b) = mapped(Some(&guessed), "b").unwrap();
    let (_, c) = mapped(Some(&exchanged), "c").unwrap();
    assert_eq!(how, How::Map);
    assert!(a == b && a != c);
    let error = mapped(Some("conv9 = 'features.0'"), "d").unwrap_err();
    assert!(error.to_string().contains("`conv9`"), "{error}");
}

#[test]
fn every_form_of_torch_save_is_read() {
    let read = |name: &str| {
        let file = WeightFile::open(&fixture(name)).unwrap();
        let tensors = file.tensors.iter().map(|tensor| {
            let values = tensor.values(&file.bytes).unwrap();
            (tensor.name.clone(), tensor.shape.clone(), values)
        });
        tensors.collect::<Vec<_>>()
    };
    // Views are gathered, doubles are rounded.
    let counted: Vec<f32> = (0..12_u8).map(f32::from).collect();
    let columns = vec![0., 4., 8., 1., 5., 9., 2., 6., 10., 3., 7., 11.];
    let views = [
        ("transposed".to_owned(), vec![4, 3], columns),
        ("row".to_owned(), vec![4], counted[4..8].to_vec()),
        ("expanded".to_owned(), vec![5], vec![1.; 5]),
        ("double".to_owned(), vec![3, 4], counted),
    ];
    assert_eq!(read("views.pt"), views);
    let old = ("weight".to_owned(), vec![2], vec![0.; 2]);
    assert_eq!(read("before-1.6.pt"), [old]);
    let module = read("whole-module.pt");
    let shapes: Vec<_> = module
        .iter()
        .map(|(name, shape, _)| (name.as_str(), &shape[..]))
        .collect();
    assert_eq!(shapes, [("0.bias", &[2][..]), ("0.weight", &[2, 2])]);
    assert!(
        module
            .iter()
            .flat_map(|(_, _, values)| values)
            .all(|v| v.abs() < 0.71 && *v != 0.0)
    );
}

#[test]
fn equal_layers_are_told_apart_by_the_order_of_the_file_or_by_numbers_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let config = equal_layers();
    // Weight and bias of each layer, in storages of their own.
    let storages = [16, 4, 16, 4, 16, 4, 8, 2];
    let layer = |index: usize| {
        let rows = if index == 3 { 2 } else { 4 };
        let [weight, bias] = [2 * index, 2 * index + 1].map(|key| key.to_string());
        [
            ("weight", tensor(&weight, rows, 4)),
            ("bias", tensor(&bias, 1, rows)),
        ]
    };
    let flat = |layers: [&str; 4]| {
        let tensors = (0..).zip(layers).flat_map(|(index, name)| {
            layer(index).map(|(leaf, bytes)| (format!("{name}.{leaf}"), bytes))
        });
        let tensors: Vec<_> = tensors.collect();
        let entries = tensors
            .iter()
            .map(|(name, bytes)| (&name[..], bytes.clone()));
        archive(&pickle(&dict(&entries.collect::<Vec<_>>())), &storages)
    };
    let nested = |layers: [&str; 4]| {
        let entries = (0..)
            .zip(layers)
            .map(|(index, name)| (name, dict(&layer(index))));
        archive(&pickle(&dict(&entries.collect::<Vec<_>>())), &storages)
    };
    let order = |bytes: &[u8]| -> Result<Vec<String>, String> {
        let file = WeightFile::open(&written(folder.path(), "x.pt", bytes)).unwrap();
        let found = file
            .assign(&config.model, None)
            .map_err(|error| error.to_string())?;
        assert_eq!(found.how, How::ShapeAndOrder);
        let layers = found.matches.into_iter().filter_map(|pair| {
            let layer = pair.file.strip_suffix(".weight")?;
            Some(layer.to_owned())
        });
        Ok(layers.collect())
    };
    let scattered = ["third", "first", "second", "out"];
    assert_eq!(order(&flat(scattered)).unwrap(), scattered);
    // Keys that are the same in every dictionary do not tell where it stands.
    let numbered = ["fc2", "fc10", "fc1", "out"];
    assert_eq!(
        order(&nested(numbered)).unwrap(),
        ["fc1", "fc2", "fc10", "out"]
    );
    let message = order(&nested(scattered)).unwrap_err();
    for part in ["first, second, third", "--map FILE"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn everything_that_does_not_fit_is_listed_at_once() {
    let mut config = config("cnn-batchnorm");
    let ModelConfig::Cnn(cnn) = &mut config.model else {
        panic!("a CNN")
    };
    cnn.blocks[0].channels = 5;
    cnn.hidden = vec![6, 7];
    let message = refused(&fixture("state-dict.pt"), &config);
    for part in [
        "size mismatch: features.0.weight [4, 1, 3, 3] for features.0.weight [5, 1, 3, 3]",
        "size mismatch: features.1.running_var [4] for features.1.running_var [5]",
        "size mismatch: features.4.weight [4, 4, 3, 3] for features.4.weight [4, 5, 3, 3]",
        "missing: classifier.4.weight [4, 7]",
        "missing: classifier.4.bias [4]",
    ] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    let message = refused(
        &fixture("state-dict.pt"),
        &super::support::config("cnn-valid"),
    );
    assert!(
        message.contains("missing: ") && message.contains("unexpected: "),
        "{message}"
    );
}

#[test]
fn the_model_of_a_checkpoint_is_told_from_its_optimizer() {
    let folder = tempfile::tempdir().unwrap();
    let read = |first: &str| {
        let inside = || dict(&[("w", tensor("0", 1, 1))]);
        // A list of tensors, as a history of losses.
        let history = [b"](", &tensor("0", 1, 1)[..], b"e"].concat();
        let entries = [
            (first, inside()),
            ("optimizer", inside()),
            ("history", history),
        ];
        let bytes = archive(&pickle(&dict(&entries)), &[1]);
        let file = WeightFile::open(&written(folder.path(), "x.pt", &bytes)).unwrap();
        (file.prefix.clone(), names(&file).join(" "))
    };
    assert_eq!(read("model"), ("model.".to_owned(), "w".to_owned()));
    // Two layers of these names are a network, as far as anybody can tell.
    assert_eq!(
        read("encoder"),
        (String::new(), "encoder.w optimizer.w".to_owned())
    );
}

/// A file with this metadata and one tensor that fits nothing.
fn with_metadata(metadata: &Value) -> WeightFile {
    let header = json!({
        "__metadata__": metadata,
        "x": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]},
    });
    let folder = tempfile::tempdir().unwrap();
    let bytes = safetensors(&header.to_string(), &[0; 4]);
    WeightFile::open(&written(folder.path(), "x.safetensors", &bytes)).unwrap()
}

#[test]
fn what_a_file_says_of_itself_is_checked() {
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
        let file = with_metadata(&json!({"model": model, "recipe": given}));
        assert_eq!(file.model().unwrap().unwrap().0, name, "{given:?}");
    }
    let read = |text: &str| with_metadata(&json!({"normalization": text})).normalization();
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
        assert!(message.contains("`normalization` are invalid"), "{message}");
    }
}

#[test]
fn what_a_file_says_cannot_control_the_terminal() {
    let escape = "\u{1b}]0;owned\u{7}\r\n\u{202e}error: forged";
    let network = config("mlp-tanh");
    let named = |shape: usize| {
        let entry = json!({"dtype": "F32", "shape": [shape], "data_offsets": [0, 4]});
        let header = json!({ escape: entry });
        let bytes = safetensors(&header.to_string(), &[0; 4]);
        refused_bytes("x.safetensors", &bytes, &network)
    };
    let call = [b"c", escape.replace('\n', "").as_bytes(), b"\nx\n)R"].concat();
    let foreign = refused_bytes("x.pt", &archive(&pickle(&call), &[]), &network);
    let model = json!({"model": format!("{{\"kind\": \"{}\"}}", escape.escape_default())});
    let metadata = with_metadata(&model).model().unwrap_err().to_string();
    let dataset = with_metadata(&json!({ "dataset": escape }))
        .dataset()
        .unwrap();
    // The offsets of the second end too early, and the crate that says so names the tensor.
    for text in [named(1), named(2), foreign, metadata, dataset] {
        let odd = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
        assert!(!text.contains(odd), "{text:?}");
        assert!(!text.contains("\nerror: "), "{text:?}");
    }
}
