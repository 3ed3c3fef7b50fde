//! What other programs write is read as they meant it. What is wrong with a file is one clear
//! error: nothing is executed, no claimed size is believed, and nothing is written.

use std::{env, fs};

use digits_models::ModelConfig;
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;
use serde_json::{Value, json};

use super::{
    archive, assert_refused, assert_refused_for, config, contents, dense, dict, fixture, opened,
    pickle, safetensors, state_dict, tensor, text, view, with_first_value, zip,
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
        let (weight, bias) = (tensor("0", rows, 4), tensor("0", 1, rows));
        [("weight", weight), ("bias", bias)]
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
    assert_eq!(recipe("cnn-2"), "cnn-2");
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

#[test]
fn what_holds_no_weights_is_named_and_nothing_is_executed() {
    let witness = tempfile::tempdir().unwrap();
    let touched = witness.path().join("touched");
    let command = text(&format!("touch {}", touched.display()));
    for (object, function) in [
        ("`os.system`", &b"cos\nsystem\n"[..]),
        ("`builtins.exec`", b"\x8c\x08builtins\x8c\x04exec\x93"),
        ("`torch.load`", b"ctorch\nload\n"),
    ] {
        let call = [function, b"(", &command, b"tR"].concat();
        // As PyTorch 1.6 and later write it, and a pickle by itself.
        let part = format!("{object}, which is not part of a state dict. Nothing was executed");
        for bytes in [archive(&call, &[]), pickle(&call)] {
            assert_refused(&bytes, &part);
        }
    }
    assert!(!touched.exists());
    let message = WeightFile::open(witness.path()).unwrap_err().to_string();
    assert!(message.contains("it is not a file"), "{message}");
    let tar = [&[0; 257][..], b"ustar", &[0; 250]].concat();
    assert_refused(&tar, "before 0.1.10");
    assert_refused(b"batch = 8", "neither a .safetensors file nor one that");
    assert_refused(&zip(&[("x/version", b"3")]), "no data.pkl");
    assert_refused(&archive(b"}", &[]), "holds no tensor");
    assert_refused(&archive(b"N", &[]), "Expected a dictionary");
}

#[test]
fn nothing_stands_in_a_file_twice() {
    // Two tensors of one name, in one dictionary or with a dictionary of that name.
    let (one, other) = (tensor("0", 1, 1), tensor("1", 1, 1));
    let doubled = dict(&[("a.x", one.clone()), ("a.x", other.clone())]);
    let inside = dict(&[("x", one), ("y", other.clone())]);
    let nested = dict(&[("a", inside), ("a.x", other)]);
    for tensors in [doubled, nested] {
        assert_refused(&archive(&tensors, &[1, 1]), "two tensors named");
    }
    let entry = r#""x":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}"#;
    let header = format!("{{{entry},{entry}}}");
    assert_refused(&safetensors(&header, &[0; 4]), "two tensors named x");

    // Entries of the archive: of one name, in one place, or larger than they look.
    let good = archive(b"}", &[16, 16]);
    let header = |at: &usize| good[*at..].starts_with(b"PK\x01\x02");
    let directory: Vec<usize> = (0..good.len()).filter(header).collect();
    for (at, bytes, part) in [
        (directory[2] + 46, &b"x/data/0"[..], "have one name"),
        (directory[2] + 42, &[0; 4], "overlap"),
        (directory[1] + 10, &[8], "is compressed"),
    ] {
        let mut changed = good.clone();
        changed[at..at + bytes.len()].copy_from_slice(bytes);
        assert_refused(&changed, part);
    }
}

#[test]
fn claimed_sizes_are_compared_with_what_is_there() {
    let header = |shape: &str| {
        let entry = format!(r#"{{"dtype":"F32","shape":[{shape}],"data_offsets":[0,16]}}"#);
        format!(r#"{{"x":{entry}}}"#)
    };
    for shape in ["1099511627776", "4294967296,4294967296,4294967296", "8"] {
        let bytes = safetensors(&header(shape), &[0; 16]);
        assert_refused(&bytes, "not a whole .safetensors file");
    }
    let header = header("4");
    let length = header.len() as u64;
    for wrong in [0, length - 1, length + 1, length + 17, 1 << 40, u64::MAX] {
        let bytes = [&wrong.to_le_bytes()[..], header.as_bytes(), &[0; 16]].concat();
        assert_refused(&bytes, "cannot be read");
    }
    // A view that repeats one number 2³⁰ or 2⁶² times, under a name that is needed.
    let view = |shape: &[u8], strides: &[u8]| {
        let tensor = view("0", 1, shape, strides);
        archive(&dict(&[("classifier.0.weight", tensor)]), &[1])
    };
    let long = view(b"(J\0\0\0\x40t", b"(K\0t");
    assert_refused(&long, "size mismatch: classifier.0.weight [1073741824]");
    let square = view(b"(J\xff\xff\xff\x7fJ\xff\xff\xff\x7ft", b"(K\0K\0t");
    assert_refused(&square, "byte limit");
}

#[test]
fn storages_that_are_missing_short_or_of_another_machine_are_named() {
    let weights = dict(&[
        ("classifier.0.weight", tensor("0", 2, 4)),
        ("classifier.0.bias", tensor("1", 1, 2)),
    ]);
    let good = opened("x.pt", &archive(&weights, &[8, 2])).unwrap();
    assert_eq!(contents(&good).len(), 2);
    let other = zip(&[("x/data.pkl", &pickle(&weights)), ("x/byteorder", b"big")]);
    for (bytes, part) in [
        (archive(&weights, &[8]), "classifier.0.bias: "),
        (archive(&weights, &[8, 1]), "classifier.0.bias: "),
        (other, "Big-endian"),
    ] {
        assert_refused_for(&dense(&[]), "x.pt", &bytes, part);
    }
}

#[test]
fn a_small_file_cannot_fill_the_memory() {
    // Dictionaries in one another, each holding the next twice: 2⁶⁰ paths.
    let mut nested = b"}".to_vec();
    for index in 0..60 {
        nested.extend([b'q', index, b'0', b'}']);
        nested.extend([b'K', 0, b'h', index, b's', b'K', 1, b'h', index, b's']);
    }
    // The parser counts neither names of classes nor keys of storages and ranks of tensors, of
    // which each copy takes memory.
    let long = "A".repeat(200);
    let class = format!("ctorch\n{long}Storage\n").into_bytes();
    let stacked = [&text("torch")[..], &text(&long), b"\x93"].concat();
    let untold = [&text("a")[..], &text("b"), &text("c"), b"00\x93"].concat();
    let storage = [&tensor(&"7".repeat(10_000), 1, 1)[..], b"q\x01"].concat();
    let rank = [b"(", &b"K\x01".repeat(10_000)[..], b"tq\x01"].concat();
    // Long names of many tensors.
    let many = [&text("a")[..], &tensor("0", 1, 1), b"s"].concat();
    let many = [&text(&"b".repeat(1_000_000))[..], b"0}", &many.repeat(2000)].concat();
    // Millions of values, marks, or entries of the memo, from as many bytes.
    let millions = [b"N", b"(", b")", b"\x94"].map(|code| code.repeat(2_000_000));
    let millions = millions.map(|codes| [b"}", &codes[..]].concat());
    let named = dict(&[("n".repeat(1001), tensor("0", 1, 1))]);
    let copied = [storage, rank, b"K\x01q\x01".to_vec()];
    let copied = copied.map(|value| [value, b"h\x01".repeat(200_000)].concat());
    for (part, contents) in [
        ("more than 1000000 instructions", &millions[..]),
        ("memo bomb", &[nested]),
        ("within 100 bytes", &[class, stacked]),
        ("something else than text", &[untold]),
        ("fill the memory", &copied),
        ("fill the memory", &[many]),
        ("name of 1001 bytes", &[named]),
    ] {
        for content in contents {
            assert_refused(&archive(content, &[1]), part);
        }
    }
}

#[test]
fn values_that_no_network_can_use_are_named() {
    let good = state_dict();
    // Integers under the right names and shapes.
    let start = 8 + u64::from_le_bytes(good.bytes[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&good.bytes[8..start]).unwrap();
    let integers = safetensors(&header.replace("F32", "I32"), &good.bytes[start..]);
    let refused = |bytes: &[u8], part: &str| {
        assert_refused_for(&config("cnn-batchnorm"), "x.safetensors", bytes, part);
    };
    refused(&integers, "features.0.weight: its elements are I32");
    for (name, value, problem) in [
        ("classifier.0.weight", f32::NAN, "1 of 96 values"),
        ("classifier.0.weight", f32::INFINITY, "1 of 96 values"),
        ("features.1.running_var", -1.0, "a variance is negative"),
    ] {
        let spoiled = with_first_value(&good, name, value);
        refused(&spoiled, &format!("{name}: {problem}"));
    }
}

#[test]
fn no_truncated_or_altered_file_brings_the_reader_down() {
    let rounds = env::var("DIGITS_MUTATIONS").map_or(1000, |text| text.parse().unwrap());
    let model = config("cnn-batchnorm").model;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    let names = "checkpoint.pt before-1.6.pt whole-module.pt cnn-batchnorm.safetensors";
    for name in names.split(' ') {
        let good = fs::read(fixture(name)).unwrap();
        let attempt = |bytes: &[u8]| {
            let file = opened(name, bytes)?;
            for tensor in &file.tensors {
                if tensor.shape.iter().product::<usize>() < 100_000 {
                    let _ = tensor.values(&file.bytes); // an error is an answer
                }
            }
            file.assign(&model, None)
        };
        for length in (0..good.len()).step_by(37) {
            attempt(&good[..length]).expect_err("a part of a file");
        }
        // A checksum of 0 is none, so that changes of the pickle get through to its parser.
        let mut open = good.clone();
        for at in 0..open.len() - 20 {
            if open[at..].starts_with(b"PK\x01\x02") {
                open[at + 16..at + 20].fill(0);
            }
        }
        // Directory and pickle, or header, are where lengths and offsets stand.
        for _ in 0..rounds {
            let mut bytes = open.clone();
            for _ in 0..rng.random_range(1..4) {
                let near = rng.random_range(0..3000.min(bytes.len()));
                let from_end = rng.random::<bool>() && name.ends_with("pt");
                let last = bytes.len() - 1;
                bytes[if from_end { last - near } else { near }] = rng.random();
            }
            let _ = attempt(&bytes); // a changed name or value may well be read
        }
    }
}
