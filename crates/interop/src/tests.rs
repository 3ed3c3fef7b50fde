//! Files from elsewhere: what PyTorch writes is read, and what is wrong is one clear error.

use std::fs;
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use digits_data::Normalization;
use digits_models::ModelConfig;
use digits_train::{Recipe, RunConfig, RunFolder};
use rand::{RngExt, SeedableRng};
use rand_xoshiro::Xoshiro256PlusPlus;

use crate::{FloatType, How, ImportSettings, InteropError, NameMap, WeightFile, export, import};

pub(super) fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/pytorch")
        .join(name)
}

/// The configuration of a reference, as a run has it.
pub(super) fn config(name: &str) -> RunConfig {
    #[derive(serde::Deserialize)]
    struct Case {
        model: ModelConfig,
    }
    let text = fs::read_to_string(fixture(&format!("{name}.toml"))).unwrap();
    let case: Case = toml::from_str(&text).unwrap();
    let recipe = Recipe::built_in("cnn").unwrap().resolve().unwrap();
    RunConfig {
        model: case.model,
        ..recipe
    }
}

/// Imports into `folder` with every check that the program makes.
pub(super) fn take(
    file: &Path,
    map: Option<&str>,
    config: &RunConfig,
    folder: &Path,
) -> Result<How, InteropError> {
    let file = WeightFile::open(file)?;
    let map = map.map(|text| {
        let path = folder.with_extension("map.toml");
        fs::write(&path, text).unwrap();
        NameMap::open(&path).unwrap()
    });
    let assignment = file.assign(&config.model, map.as_ref())?;
    let settings = ImportSettings {
        recipe: "test",
        config: config.clone(),
        normalization: Normalization {
            mean: 0.0,
            std: 1.0,
        },
    };
    let run = RunFolder::new(folder);
    import(&file, &assignment, settings, &run, &Device::flex())?;
    Ok(assignment.how)
}

/// An import that must fail: its message. Nothing may have been written.
fn refused(file: &Path, config: &RunConfig) -> String {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let error = take(file, None, config, &run).expect_err("this must be refused");
    assert!(!run.exists(), "something was written");
    error.to_string()
}

pub(super) fn refused_bytes(name: &str, bytes: &[u8], config: &RunConfig) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    fs::write(&file, bytes).unwrap();
    refused(&file, config)
}

/// A `.safetensors` file of a JSON header and data.
pub(super) fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    [
        &(header.len() as u64).to_le_bytes(),
        header.as_bytes(),
        data,
    ]
    .concat()
}

/// A zip archive with a pickle and perhaps a storage.
fn archive(pickle: &[u8], storage: &[u8]) -> Vec<u8> {
    zip(&[("x/data.pkl", pickle), ("x/data/0", storage)])
}

/// A zip archive of stored entries without checksums.
pub(super) fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let (mut file, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in entries {
        let sizes = [&(content.len() as u32).to_le_bytes()[..]; 2].concat();
        let length = (name.len() as u16).to_le_bytes();
        let offset = (file.len() as u32).to_le_bytes();
        directory.extend(
            [
                &b"PK\x01\x02"[..],
                &[0; 16],
                &sizes,
                &length,
                &[0; 12],
                &offset,
            ]
            .concat(),
        );
        directory.extend(name.as_bytes());
        file.extend([&b"PK\x03\x04"[..], &[0; 14], &sizes, &length, &[0; 2]].concat());
        file.extend([name.as_bytes(), content].concat());
    }
    let offset = (file.len() as u32).to_le_bytes();
    let size = (directory.len() as u32).to_le_bytes();
    file.extend(&directory);
    file.extend(
        [
            &b"PK\x05\x06"[..],
            &[0; 4],
            &(entries.len() as u16).to_le_bytes().repeat(2),
            &size,
            &offset,
            &[0; 2],
        ]
        .concat(),
    );
    file
}

#[test]
fn a_state_dict_comes_in_by_name_and_goes_out_with_the_same_bits() {
    let folder = tempfile::tempdir().unwrap();
    let config = config("cnn-batchnorm");
    let path = fixture("state-dict.pt");
    let run = folder.path().join("run");
    assert_eq!(take(&path, None, &config, &run).unwrap(), How::Names);

    let out = folder.path().join("out.safetensors");
    export(&RunFolder::new(&run), FloatType::F32)
        .unwrap()
        .write(&out)
        .unwrap();
    let (came, went) = (
        WeightFile::open(&path).unwrap(),
        WeightFile::open(&out).unwrap(),
    );
    let mut compared = 0;
    for tensor in &went.tensors {
        let original = came
            .tensors
            .iter()
            .find(|other| other.name == tensor.name)
            .unwrap();
        assert_eq!(original.shape, tensor.shape, "{}", tensor.name);
        if !tensor.name.ends_with("num_batches_tracked") {
            assert_eq!(
                came.values(original),
                went.values(tensor),
                "{}",
                tensor.name
            );
            compared += 1;
        }
    }
    assert_eq!((compared, went.tensors.len()), (14, 16)); // 14 tensors and two counters
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
    let pairs: Vec<(&str, &str)> = assignment
        .matches
        .iter()
        .filter(|pair| pair.network.ends_with("weight"))
        .map(|pair| (pair.file.as_str(), pair.network.as_str()))
        .collect();
    let expected = [
        ("state_dict.module.conv1.weight", "features.0.weight"),
        ("state_dict.module.bn1.weight", "features.1.weight"),
        ("state_dict.module.conv2.weight", "features.4.weight"),
        ("state_dict.module.bn2.weight", "features.5.weight"),
        ("state_dict.module.fc1.weight", "classifier.0.weight"),
        ("state_dict.module.out.weight", "classifier.2.weight"),
    ];
    assert_eq!(pairs, expected);

    // The two normalizations have the same shapes; only a map can exchange them.
    let layers = "conv1 = 'features.0'\nconv2 = 'features.4'\nfc1 = 'classifier.0'\n";
    let guessed = format!("{layers}bn1 = 'features.1'\nbn2 = 'features.5'\nout = 'classifier.2'");
    let exchanged = format!("{layers}bn2 = 'features.1'\nbn1 = 'features.5'\nout = 'classifier.2'");
    let runs = ["a", "b", "c"].map(|name| folder.path().join(name));
    take(&path, None, &config, &runs[0]).unwrap();
    assert_eq!(
        take(&path, Some(&guessed), &config, &runs[1]).unwrap(),
        How::Map
    );
    take(&path, Some(&exchanged), &config, &runs[2]).unwrap();
    let [a, b, c] = runs
        .each_ref()
        .map(|run| fs::read(run.join("model.bpk")).unwrap());
    assert!(a == b && a != c);

    let error = take(
        &path,
        Some("conv9 = 'features.0'"),
        &config,
        &folder.path().join("d"),
    );
    assert!(error.unwrap_err().to_string().contains("`conv9`"));
}

#[test]
fn views_are_gathered_and_doubles_are_rounded() {
    let file = WeightFile::open(&fixture("views.pt")).unwrap();
    let read = |name: &str| {
        let tensor = file
            .tensors
            .iter()
            .find(|tensor| tensor.name == name)
            .unwrap();
        (tensor.shape.clone(), file.values(tensor).unwrap())
    };
    let columns = [0., 4., 8., 1., 5., 9., 2., 6., 10., 3., 7., 11.];
    assert_eq!(read("transposed"), (vec![4, 3], columns.to_vec()));
    assert_eq!(read("row"), (vec![4], vec![4., 5., 6., 7.]));
    assert_eq!(read("expanded"), (vec![5], vec![1.; 5]));
    assert_eq!(
        read("double").1,
        (0..12).map(|i| i as f32).collect::<Vec<_>>()
    );
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
        "of another shape: features.0.weight [4, 1, 3, 3] for features.0.weight [5, 1, 3, 3]",
        "of another shape: features.1.running_var [4] for features.1.running_var [5]",
        "of another shape: features.4.weight [4, 4, 3, 3] for features.4.weight [4, 5, 3, 3]",
        "missing: classifier.4.weight [4, 7]",
        "missing: classifier.4.bias [4]",
    ] {
        assert!(message.contains(part), "{part} is not in: {message}");
    }
    let message = refused(&fixture("state-dict.pt"), &self::config("cnn-valid"));
    assert!(
        message.contains("missing: ") && message.contains("surplus: "),
        "{message}"
    );
}

#[test]
fn what_is_no_state_dict_is_named_and_nothing_is_executed() {
    let config = config("cnn-batchnorm");
    for (name, part) in [
        ("whole-module.pt", "`torch.nn.modules.container.Sequential`"),
        ("before-1.6.pt", "before 1.6"),
        (
            "cnn-batchnorm.toml",
            "neither a .safetensors file nor one that torch.save wrote",
        ),
    ] {
        let message = refused(&fixture(name), &config);
        assert!(message.contains(part), "{message}");
    }
    let witness = tempfile::tempdir().unwrap();
    let touched = witness.path().join("touched");
    let command = format!("touch {}", touched.display());
    let text = [
        &b"X"[..],
        &(command.len() as u32).to_le_bytes(),
        command.as_bytes(),
    ]
    .concat();
    for (call, object) in [
        (
            [b"\x80\x02cos\nsystem\n(", &text[..], b"tR."].concat(),
            "`os.system`",
        ),
        (
            [
                b"\x80\x04\x8c\x08builtins\x8c\x04exec\x93(",
                &text[..],
                b"tR.",
            ]
            .concat(),
            "`builtins.exec`",
        ),
        (
            [b"\x80\x02ctorch\nload\n(", &text[..], b"tR."].concat(),
            "`torch.load`",
        ),
    ] {
        let message = refused_bytes("evil.pt", &archive(&call, &[]), &config);
        assert!(
            message.contains(object) && message.contains("Nothing was executed"),
            "{message}"
        );
    }
    assert!(!touched.exists());
}

#[test]
fn claimed_sizes_are_compared_with_what_is_there() {
    let config = config("mlp-tanh");
    let huge = u64::MAX.to_le_bytes();
    let message = refused_bytes("a.safetensors", &[&huge[..], b"{}"].concat(), &config);
    assert!(message.contains("no whole .safetensors file"), "{message}");
    for shape in [
        "[1099511627776]",
        "[4294967296,4294967296,4294967296]",
        "[8]",
    ] {
        let header = format!(r#"{{"x":{{"dtype":"F32","shape":{shape},"data_offsets":[0,16]}}}}"#);
        let message = refused_bytes("a.safetensors", &safetensors(&header, &[0; 16]), &config);
        assert!(message.contains("no whole .safetensors file"), "{message}");
    }
    // A view that repeats one number 2³¹ · 2³¹ times, under a name that is needed.
    let view = b"\x80\x02}X\x13\0\0\0classifier.0.weightctorch._utils\n_rebuild_tensor_v2\n\
        ((X\x07\0\0\0storagectorch\nFloatStorage\nX\x01\0\0\x000X\x03\0\0\0cpuK\x01tQK\0\
        (J\xff\xff\xff\x7fJ\xff\xff\xff\x7ft(K\0K\0t\x89}tRs.";
    let message = refused_bytes("a.pt", &archive(view, &[0; 4]), &config);
    assert!(
        message.contains("of another shape: classifier.0.weight [2147483647, 2147483647]"),
        "{message}"
    );
    // Dictionaries in one another, each holding the next twice: 2⁶⁰ paths.
    let mut nested = b"\x80\x02}".to_vec();
    for index in 0..60_u8 {
        let inner = [
            b'q', index, b'0', b'}', b'K', 0, b'h', index, b's', b'K', 1, b'h', index, b's',
        ];
        nested.extend(inner);
    }
    nested.push(b'.');
    let message = refused_bytes("a.pt", &archive(&nested, &[]), &config);
    assert!(message.contains("nested beyond reason"), "{message}");
}

#[test]
fn values_that_no_network_can_use_are_named() {
    let config = config("cnn-batchnorm");
    let folder = tempfile::tempdir().unwrap();
    let (run, file) = (
        folder.path().join("run"),
        folder.path().join("x.safetensors"),
    );
    take(&fixture("state-dict.pt"), None, &config, &run).unwrap();
    let good = export(&RunFolder::new(&run), FloatType::F32).unwrap();
    good.write(&file).unwrap();
    let read = WeightFile::open(&file).unwrap();
    let spoiled = |name: &str, value: f32| {
        let tensor = read
            .tensors
            .iter()
            .find(|tensor| tensor.name == name)
            .unwrap();
        let mut bytes = good.bytes().to_vec();
        bytes[tensor.window.start..][..4].copy_from_slice(&value.to_le_bytes());
        refused_bytes("x.safetensors", &bytes, &config)
    };
    for value in [f32::NAN, f32::INFINITY] {
        let message = spoiled("classifier.0.weight", value);
        assert!(
            message.contains("classifier.0.weight: 1 of 96 values"),
            "{message}"
        );
    }
    let message = spoiled("features.1.running_var", -1.0);
    assert!(
        message.contains("features.1.running_var: a variance is negative"),
        "{message}"
    );

    // Integers under the right names and shapes.
    let start = 8 + u64::from_le_bytes(good.bytes()[..8].try_into().unwrap()) as usize;
    let header = std::str::from_utf8(&good.bytes()[8..start]).unwrap();
    let header = &header.replace("F32", "I32");
    let message = refused_bytes(
        "x.safetensors",
        &safetensors(header, &good.bytes()[start..]),
        &config,
    );
    assert!(
        message.contains("features.0.weight: its elements are I32"),
        "{message}"
    );
}

#[test]
fn no_truncated_or_altered_file_brings_the_reader_down() {
    let folder = tempfile::tempdir().unwrap();
    let model = config("cnn-batchnorm").model;
    let mut rng = Xoshiro256PlusPlus::seed_from_u64(7);
    for name in ["checkpoint.pt", "cnn-batchnorm.safetensors"] {
        let good = fs::read(fixture(name)).unwrap();
        let path = folder.path().join(name);
        let attempt = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            let file = WeightFile::open(&path)?;
            let assignment = file.assign(&model, None)?;
            for &place in &assignment.places {
                let _ = file.values(&file.tensors[place]); // an error is an answer
            }
            Ok::<(), InteropError>(())
        };
        for length in (0..good.len()).step_by(37) {
            attempt(&good[..length]).expect_err("a part of a file");
        }
        // Directory and pickle, or header, are where lengths and offsets stand. A checksum of 0
        // is none, so that changes of the pickle get through to its parser.
        let mut open = good.clone();
        for at in 0..open.len() - 20 {
            if open[at..].starts_with(b"PK\x01\x02") {
                open[at + 16..at + 20].fill(0);
            }
        }
        for _ in 0..4000 {
            let mut bytes = open.clone();
            for _ in 0..rng.random_range(1..4) {
                let from_end = rng.random::<bool>() && name.ends_with("pt");
                let near = rng.random_range(0..3000.min(bytes.len()));
                let at = if from_end {
                    bytes.len() - 1 - near
                } else {
                    near
                };
                bytes[at] = rng.random();
            }
            let _ = attempt(&bytes); // a changed name or value may well be read
        }
    }
}
