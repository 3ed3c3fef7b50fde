//! Files from elsewhere are read or refused with one clear error, and PyTorch judges the networks.
//! Here: files as PyTorch writes them, and as it never would.

mod reading;
mod reference;
mod writing;

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use digits_data::Normalization;
use digits_models::{MlpConfig, ModelConfig};
use digits_train::{Recipe, RunConfig, RunFolder};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::export::{Export, FloatType, export};
use crate::import::{How, import};
use crate::stored::Source;
use crate::{InteropError, WeightFile};

fn fixture(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/pytorch")).join(name)
}

/// The configuration of a reference, as a run has it.
fn config(name: &str) -> RunConfig {
    let text = fs::read_to_string(fixture(&format!("{name}.toml"))).unwrap();
    let case: toml::Table = toml::from_str(&text).unwrap();
    with_model(case["model"].clone().try_into().unwrap())
}

/// Four inputs, hidden layers of these sizes, and two classes.
fn dense(hidden: &[usize]) -> RunConfig {
    let mut mlp = MlpConfig::default();
    (mlp.input.height, mlp.input.width, mlp.input.classes) = (2, 2, 2);
    mlp.hidden = hidden.to_vec();
    with_model(ModelConfig::Mlp(mlp))
}

fn with_model(model: ModelConfig) -> RunConfig {
    let recipe = Recipe::built_in("cnn").unwrap().resolve().unwrap();
    RunConfig { model, ..recipe }
}

/// Imports into `folder` with every check that the program makes.
fn take(file: &Path, config: &RunConfig, folder: &Path) -> Result<How, InteropError> {
    let file = WeightFile::open(file)?;
    let assignment = file.assign(&config.model, None)?;
    let (none, run) = (
        Normalization::new(0.0, 1.0).unwrap(),
        RunFolder::new(folder),
    );
    import(&file, &assignment, "test", config, none, &run)?;
    Ok(assignment.how)
}

/// `state-dict.pt`, imported and exported again.
fn state_dict() -> Export {
    let folder = tempfile::tempdir().unwrap();
    let (file, config) = (fixture("state-dict.pt"), config("cnn-batchnorm"));
    assert_eq!(take(&file, &config, folder.path()).unwrap(), How::Names);
    export(&RunFolder::new(folder.path()), FloatType::F32).unwrap()
}

/// An import that must fail without anything written, with a message that holds `part`.
fn assert_refused_for(config: &RunConfig, name: &str, bytes: &[u8], part: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let file = folder.path().join(name);
    fs::write(&file, bytes).unwrap();
    let error = take(&file, config, &run).expect_err("this must be refused");
    assert!(!run.exists(), "something was written");
    let message = error.to_string();
    assert!(message.contains(part), "`{part}` is not in: {message}");
    message
}

/// The same for a file that fits no network.
fn assert_refused(bytes: &[u8], part: &str) {
    assert_refused_for(&dense(&[4]), "x.pt", bytes, part);
}

/// A file with these bytes.
fn opened(name: &str, bytes: &[u8]) -> Result<WeightFile, InteropError> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, bytes).unwrap();
    WeightFile::open(&path)
}

/// Name, shape and values of every tensor of floats.
fn contents(file: &WeightFile) -> Vec<(&str, &[usize], Vec<f32>)> {
    let tensors = file.tensors.iter().filter_map(|tensor| {
        let values = tensor.values(&file.bytes).ok()?;
        Some((tensor.name.as_str(), &tensor.shape[..], values))
    });
    tensors.collect()
}

/// A `.safetensors` file of a JSON header and data.
fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), data].concat()
}

/// A zip archive as `torch.save` writes it.
fn zip<S: AsRef<str>>(entries: &[(S, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, content) in entries {
        writer.start_file(name.as_ref(), options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A zip archive with a pickle of `value`, and storages of as many numbers, all 0.
fn archive(value: &[u8], storages: &[usize]) -> Vec<u8> {
    let pickle = pickle(value);
    let mut entries = vec![("x/data.pkl".to_owned(), &pickle[..])];
    for (key, &count) in storages.iter().enumerate() {
        entries.push((format!("x/data/{key}"), &[0; 64][..4 * count]));
    }
    zip(&entries)
}

/// A whole pickle.
fn pickle(value: &[u8]) -> Vec<u8> {
    [b"\x80\x02", value, b"."].concat()
}

/// Text in a pickle.
fn text(text: &str) -> Vec<u8> {
    let length = (text.len() as u32).to_le_bytes();
    [b"X", &length[..], text.as_bytes()].concat()
}

/// A dictionary in a pickle.
fn dict<S: AsRef<str>>(entries: &[(S, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"}".to_vec();
    for (key, value) in entries {
        bytes.extend([&text(key.as_ref()), &value[..], b"s"].concat());
    }
    bytes
}

/// A tensor in a pickle: a matrix that fills a storage, or a vector for one row.
fn tensor(key: &str, rows: u8, columns: u8) -> Vec<u8> {
    let shape = [b'(', b'K', rows, b'K', columns, b't'];
    let strides = [b'(', b'K', columns, b'K', 1, b't'];
    match rows {
        1 => view(key, columns, &[b'(', b'K', columns, b't'], b"(K\x01t"),
        _ => view(key, rows * columns, &shape, &strides),
    }
}

/// A tensor in a pickle with the tuples of its shape and its strides.
fn view(key: &str, elements: u8, shape: &[u8], strides: &[u8]) -> Vec<u8> {
    [
        b"ctorch._utils\n_rebuild_tensor_v2\n((",
        &text("storage")[..],
        b"ctorch\nFloatStorage\n",
        &text(key),
        &text("cpu"),
        &[b'K', elements, b't', b'Q', b'K', 0],
        shape,
        strides,
        b"\x89}tR",
    ]
    .concat()
}

/// An exported file with the first value of a tensor replaced.
fn with_first_value(export: &Export, name: &str, value: f32) -> Vec<u8> {
    let mut bytes = export.bytes.clone();
    let file = opened("x.safetensors", &bytes).unwrap();
    let tensor = file.tensors.iter().find(|tensor| tensor.name == name);
    let Source::Bytes(range) = &tensor.unwrap().source else {
        panic!("a .safetensors file")
    };
    bytes[range.start..][..4].copy_from_slice(&value.to_le_bytes());
    bytes
}
