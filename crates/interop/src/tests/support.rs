//! Files as PyTorch writes them, and as it never would.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};

use burn::tensor::Device;
use digits_data::Normalization;
use digits_models::{InputConfig, MlpConfig, ModelConfig};
use digits_train::{Recipe, RunConfig, RunFolder};
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::stored::{Source, Stored};
use crate::{Export, How, ImportSettings, InteropError, NameMap, WeightFile, import};

pub fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/pytorch")
        .join(name)
}

/// The configuration of a reference, as a run has it.
pub fn config(name: &str) -> RunConfig {
    #[derive(serde::Deserialize)]
    struct Case {
        model: ModelConfig,
    }
    let text = fs::read_to_string(fixture(&format!("{name}.toml"))).unwrap();
    let case: Case = toml::from_str(&text).unwrap();
    with_model(case.model)
}

pub fn with_model(model: ModelConfig) -> RunConfig {
    let recipe = Recipe::built_in("cnn").unwrap().resolve().unwrap();
    RunConfig { model, ..recipe }
}

/// Four inputs, and three hidden layers of four that differ by their order alone.
pub fn equal_layers() -> RunConfig {
    with_model(ModelConfig::Mlp(MlpConfig {
        input: InputConfig {
            height: 2,
            width: 2,
            classes: 2,
        },
        hidden: vec![4, 4, 4],
        ..MlpConfig::default()
    }))
}

pub fn settings(config: &RunConfig) -> ImportSettings<'static> {
    ImportSettings {
        recipe: "test",
        config: config.clone(),
        normalization: Normalization::new(0.0, 1.0).unwrap(),
    }
}

/// Imports into `folder` with every check that the program makes.
pub fn take(
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
    let run = RunFolder::new(folder);
    import(&file, &assignment, settings(config), &run, &Device::flex())?;
    Ok(assignment.how)
}

/// An import that must fail: its message. Nothing may have been written.
pub fn refused(file: &Path, config: &RunConfig) -> String {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let error = take(file, None, config, &run).expect_err("this must be refused");
    assert!(!run.exists(), "something was written");
    error.to_string()
}

pub fn refused_bytes(name: &str, bytes: &[u8], config: &RunConfig) -> String {
    let folder = tempfile::tempdir().unwrap();
    refused(&written(folder.path(), name, bytes), config)
}

/// A file that must be refused with a message that holds `part`, whatever network it is for.
pub fn assert_refused(bytes: &[u8], part: &str) {
    let message = refused_bytes("x.pt", bytes, &equal_layers());
    assert!(message.contains(part), "`{part}` is not in: {message}");
}

pub fn written(folder: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = folder.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// The tensor of a name.
pub fn find<'a>(file: &'a WeightFile, name: &str) -> &'a Stored {
    let found = file.tensors.iter().find(|tensor| tensor.name == name);
    found.unwrap_or_else(|| panic!("no {name}"))
}

pub fn names(file: &WeightFile) -> Vec<&str> {
    file.tensors.iter().map(|t| t.name.as_str()).collect()
}

/// A `.safetensors` file of a JSON header and data.
pub fn safetensors(header: &str, data: &[u8]) -> Vec<u8> {
    let length = (header.len() as u64).to_le_bytes();
    [&length, header.as_bytes(), data].concat()
}

/// A zip archive as `torch.save` writes it.
pub fn zip(entries: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for (name, content) in entries {
        writer.start_file(*name, options).unwrap();
        writer.write_all(content).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// A zip archive with a pickle, and storages of as many numbers, each the storage's own number.
pub fn archive(pickle: &[u8], storages: &[usize]) -> Vec<u8> {
    let storages: Vec<(String, Vec<u8>)> = storages
        .iter()
        .enumerate()
        .map(|(key, &count)| {
            let number = (key as f32).to_le_bytes();
            (format!("x/data/{key}"), number.repeat(count))
        })
        .collect();
    let mut entries: Vec<(&str, &[u8])> = vec![("x/data.pkl", pickle)];
    entries.extend(
        storages
            .iter()
            .map(|(name, data)| (name.as_str(), &data[..])),
    );
    zip(&entries)
}

/// Text in a pickle.
pub fn text(text: &str) -> Vec<u8> {
    let length = (text.len() as u32).to_le_bytes();
    [b"X", &length[..], text.as_bytes()].concat()
}

/// A dictionary in a pickle.
pub fn dict(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = b"}".to_vec();
    for (key, value) in entries {
        bytes.extend([&text(key)[..], value, b"s"].concat());
    }
    bytes
}

/// A tensor in a pickle: a matrix that fills a storage, or a vector for one row.
pub fn tensor(key: &str, rows: u8, columns: u8) -> Vec<u8> {
    match rows {
        1 => view(key, columns, &[b'(', b'K', columns, b't'], b"(K\x01t"),
        _ => view(
            key,
            rows * columns,
            &[b'(', b'K', rows, b'K', columns, b't'],
            &[b'(', b'K', columns, b'K', 1, b't'],
        ),
    }
}

/// A tensor in a pickle with the tuples of its shape and its strides.
pub fn view(key: &str, elements: u8, shape: &[u8], strides: &[u8]) -> Vec<u8> {
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

/// A whole pickle.
pub fn pickle(value: &[u8]) -> Vec<u8> {
    [b"\x80\x02", value, b"."].concat()
}

/// An exported file with the first value of a tensor replaced.
pub fn with_first_value(export: &Export, name: &str, value: f32) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let mut bytes = export.bytes().to_vec();
    let file = WeightFile::open(&written(folder.path(), "x.safetensors", &bytes)).unwrap();
    let Source::Bytes(range) = &find(&file, name).source else {
        panic!("a .safetensors file")
    };
    bytes[range.start..][..4].copy_from_slice(&value.to_le_bytes());
    bytes
}
